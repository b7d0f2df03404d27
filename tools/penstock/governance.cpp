// governance show, check, reload; admin purge: the rules, and what administrators do about what they leave behind.

#include <memory>

#include "tools/client/local_file.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/rules_verdict.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds longest_reload{60};

result<json> ask_site(context& at, const std::string& command, const json& args, const std::string& op = {}) {
  auto server = at.server();
  if (!server) return server.error();
  return (*server)->ask({command, "", args, op, longest_reload});
}

exit_code run_show(context& at) {
  auto answer = ask_site(at, "governance.show", json::object());
  if (!answer) return at.report(answer.error());
  if (at.json) {
    at.show(*answer);
    return exit_code::ok;
  }
  at.say("# version " + text_in(*answer, "version") + ", loaded " + local_time(text_in(*answer, "loaded")) +
         ", SHA-256 " + text_in(*answer, "sha256"));
  at.say(text_in(*answer, "toml"));
  return exit_code::ok;
}

exit_code say_verdict(context& at, const json& verdict) {
  if (at.json) at.show(verdict);
  for (const auto& line : verdict_lines(verdict)) at.say(line);
  return is_valid_verdict(verdict) ? exit_code::ok : exit_code::not_everything_ok;
}

exit_code run_check(context& at, const std::string& file) {
  auto text = client::read_small_file(file, longest_rules_bytes);
  if (!text) return at.report(text.error());
  auto answer = ask_site(at, "governance.check", json{{"toml", std::move(*text)}});
  return answer ? say_verdict(at, *answer) : at.report(answer.error());
}

exit_code run_reload(context& at) {
  auto answer = ask_site(at, "governance.reload", json::object(), client::new_op());
  if (!answer) return at.report(answer.error());
  const auto code = say_verdict(at, *answer);
  if (code == exit_code::ok && has_changes(*answer)) at.say("In force now.");
  return code;
}

struct purge_flags {
  bool suspended = false;
  std::vector<std::string> studies;
};

exit_code run_purge(context& at, const purge_flags& flags) {
  if (flags.suspended == !flags.studies.empty())
    return at.report({messages::errc::bad_request, "name studies, or give --suspended"});
  const json args = flags.suspended ? json{{"suspended", true}} : json{{"studies", flags.studies}};
  json all{{"rows", json::array()}};
  for (bool more = true; more;) {
    auto answer = at.ask("cache.purge", args, client::new_op());
    if (!answer) return at.report(answer.error());
    for (const auto& row : array_in(*answer, "rows")) all["rows"].push_back(row);
    more = flags.suspended && answer->value("more", false);
  }
  if (at.json) at.show(all);
  auto code = exit_code::ok;
  table rows{{{"Study Instance UID"}, {"Outcome"}, {""}}};
  for (const auto& row : all["rows"]) {
    if (text_in(row, "outcome") != "deleted") code = exit_code::not_everything_ok;
    rows.add({text_in(row, "StudyInstanceUID"), text_in(row, "outcome"), text_in(row, "message")});
  }
  if (rows.empty()) at.say("Nothing is suspended in this project.");
  if (!at.json && !rows.empty()) at.show(rows);
  return code;
}

}  // namespace

void add_governance_commands(CLI::App& program, context& at) {
  auto* governance = program.add_subcommand("governance", "The rules in force")->require_subcommand(1);
  governance->add_subcommand("show", "Print the rules file (administrators, auditors)")->callback([&at] {
    at.action = [&at] { return run_show(at); };
  });
  const auto file = std::make_shared<std::string>();
  auto* check = governance->add_subcommand("check", "Say what is wrong with a rules file, or what it would change");
  check->add_option("FILE", *file, "The proposed rules file")->required();
  check->callback([&at, file] { at.action = [&at, file] { return run_check(at, *file); }; });
  governance->add_subcommand("reload", "Read the rules file again, and take it if it has no fault (administrators)")
      ->callback([&at] { at.action = [&at] { return run_reload(at); }; });
  auto* admin = program.add_subcommand("admin", "What only administrators do")->require_subcommand(1);
  auto* purge = admin->add_subcommand("purge", "Give up holdings of the project named with --project");
  const auto flags = std::make_shared<purge_flags>();
  purge->add_flag("--suspended", flags->suspended, "All that the rules have suspended");
  purge->add_option("STUDY", flags->studies, "Study Instance UIDs");
  purge->callback([&at, flags] { at.action = [&at, flags] { return run_purge(at, *flags); }; });
}

}  // namespace penstock::commands
