// admin backup, admin check: what keeps a server's state safe and sound.

#include <chrono>
#include <memory>
#include <thread>

#include "tools/penstock/context.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

constexpr std::chrono::minutes longest_backup{30};
constexpr std::chrono::milliseconds look_every{500};

result<json> ask_site(context& at, const std::string& command, const json& args, const std::string& op,
                      std::chrono::milliseconds extra_wait) {
  auto server = at.server();
  if (!server) return server.error();
  return (*server)->ask({command, "", args, op, extra_wait});
}

exit_code run_backup(context& at) {
  auto answer = ask_site(at, "server.backup", json::object(), client::new_op(), longest_backup);
  if (!answer) return at.report(answer.error());
  if (at.json) at.show(*answer);
  at.say("Backup " + text_in(*answer, "backup") + " of " + text_in(*answer, "entries") + " journal entries, " +
         human_bytes(number_in(*answer, "bytes")) + ", in " + text_in(*answer, "directory") + " of the server.");
  at.say("Not in it: " + list_in(*answer, "lacks") + ".");
  at.say("`penstockd restore` brings it back.");
  return exit_code::ok;
}

struct check_flags {
  bool repair = false;
  bool follow = false;
};

std::string progress_of(const json& of) {
  return "shard " + text_in(of, "shard") + " of " + text_in(of, "shards") + ": " + text_in(of, "packs") + " packs, " +
         text_in(of, "instances") + " instances, " + human_bytes(number_in(of, "bytes")) + ", " +
         text_in(of, "holdings") + " holdings compared";
}

exit_code verdict_of(context& at, const json& done) {
  if (at.json) at.show(done);
  at.say(progress_of(done));
  std::uint64_t found = 0;
  const auto kinds = done.value("found", json::object());
  for (const auto& [kind, count] : kinds.items()) {
    at.say("  " + kind + ": " + count.dump());
    found += count.get<std::uint64_t>();
  }
  for (const auto& one : array_in(done, "findings"))
    at.say("  " + text_in(one, "kind") + " " + text_in(one, "pacs") + " " + text_in(one, "pack") +
           (one.value("repaired", false) ? " (repaired)" : ""));
  const auto repaired = number_in(done, "repaired");
  const auto problem = text_in(done, "problem");
  if (found > 0) at.say(std::to_string(found) + " found, " + std::to_string(repaired) + " repaired.");
  if (found == 0 && problem.empty()) at.say("Everything agrees.");
  if (!problem.empty()) at.say("Not everything was checked: " + problem);
  if (!problem.empty()) return exit_code::not_everything_ok;
  return found == repaired ? exit_code::ok : exit_code::verification_failed;
}

/// Nothing is known to agree unless this very check was seen to end.
exit_code not_seen_to_end(context& at, const char* why) {
  static_cast<void>(at.report({messages::errc::not_found, why}));
  return exit_code::not_everything_ok;
}

exit_code run_check(context& at, const check_flags& flags) {
  json args = json::object();
  if (!flags.follow) args = json{{"start", true}, {"repair", flags.repair}};
  std::string run;
  std::string said;
  for (;;) {
    auto answer = ask_site(at, "cache.check", args, "", {});
    if (!answer && !run.empty() && answer.error().code == messages::errc::not_found)
      return not_seen_to_end(at, "the check did not end: the server, or what checks, was started again; check again");
    if (!answer) return at.report(answer.error());
    if (run.empty()) run = text_in(*answer, "run");
    if (run.empty()) return not_seen_to_end(at, "nothing was checked since the server was started");
    args = json{{"run", run}};
    if (answer->contains("ended")) return verdict_of(at, *answer);
    if (const auto now = progress_of(*answer); now != said) at.say(said = now);
    std::this_thread::sleep_for(look_every);
  }
}

}  // namespace

void add_upkeep_commands(CLI::App& program, context& at) {
  auto* admin = program.get_subcommand("admin");
  admin->add_subcommand("backup", "Copy the journal and all that follows from it to the server's directory of backups")
      ->callback([&at] { at.action = [&at] { return run_backup(at); }; });
  auto* check = admin->add_subcommand("check",
                                      "Compare what the rows say with the images on the server's disk; exit "
                                      "code 4: something does not agree and was not repaired");
  const auto flags = std::make_shared<check_flags>();
  auto* repair = check->add_flag("--repair", flags->repair,
                                 "What is damaged is not served any more and its requests fail with cache_lost, so "
                                 "that a retry fetches it again; what has no row gets it");
  check->add_flag("--follow", flags->follow, "Start none, only follow the one under way")->excludes(repair);
  check->callback([&at, flags] { at.action = [&at, flags] { return run_check(at, *flags); }; });
}

}  // namespace penstock::commands
