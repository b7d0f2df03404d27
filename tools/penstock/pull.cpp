// pull: the whole job in one command. Find, ask, watch, download, verify; and go on with it later.

#include <algorithm>
#include <filesystem>
#include <map>

#include "tools/client/local_file.hpp"
#include "tools/penstock/download_job.hpp"
#include "tools/penstock/interruption.hpp"
#include "tools/penstock/pull_plan.hpp"
#include "tools/penstock/pull_run.hpp"
#include "tools/penstock/search.hpp"
#include "tools/penstock/submit.hpp"

namespace penstock::commands {
namespace {

namespace fs = std::filesystem;
using messages::errc;
using messages::fail;
using nlohmann::json;

/// As many of the project's own studies tell what others may weigh.
constexpr std::size_t most_holdings_weighed = 2000;

struct pull_flags {
  search_flags search;
  key_flags key;
  std::string to;
  std::vector<std::string> resume;
  std::string priority = "normal";
  bool plain = false;
};

std::map<std::string, std::uint64_t> counts_of(const json& rows) {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& row : rows) ++counts[text_in(row, "outcome")];
  return counts;
}

/// Shows what would be asked, and asks whether it shall be.
result<bool> agreed(context& at, const search_findings& findings) {
  auto usage = at.ask("cache.usage", json::object());
  if (!usage) return usage.error();
  auto holdings = ask_all_pages(at, "cache.list", json{{"level", "study"}}, "items", most_holdings_weighed);
  if (!holdings) return holdings.error();
  auto governors = at.ask("governor.status", json::object());
  if (!governors) return governors.error();
  const auto plan = plan_of(findings.found, array_in(*holdings, "items"), *usage);
  show_outcomes(at, findings.rows);
  at.say("");
  if (!at.json) at.show(drawn(plan, array_in(*governors, "pacs")));
  at.say(summary_of(plan));
  const auto studies = std::to_string(plan.studies) + (plan.studies == 1 ? " study" : " studies");
  return confirmed(at, plan.to_fetch == 0 ? "Take " + studies + " home?"
                                          : "Ask for what is missing, and take " + studies + " home?");
}

/// Requests of studies that are in the cache already, as far as the list still has them; the others' UIDs.
struct cached_studies {
  std::vector<std::string> requests;
  json without_request = json::array();
};

result<cached_studies> requests_of_cached(context& at, const json& uids) {
  cached_studies found;
  if (uids.empty()) return found;
  auto listed = ask_all_pages(
      at, "requests.list", json{{"filter", {{"StudyInstanceUID", {{"in", uids}}}, {"state", {{"in", {"completed"}}}}}}},
      "requests", 2 * uids.size());
  if (!listed) return listed.error();
  std::map<std::string, std::string> ids;
  for (const auto& row : array_in(*listed, "requests")) ids[text_in(row, "StudyInstanceUID")] = text_in(row, "id");
  for (const auto& uid : uids)
    if (const auto id = ids.find(uid.get<std::string>()); id != ids.end())
      found.requests.push_back(id->second);
    else
      found.without_request.push_back(uid);
  return found;
}

struct asked_studies {
  json rows = json::array();
  json cached_before = json::array();  ///< UIDs that no request tells
};

/// One message to the server. It is noted before it is sent, so that its answer can be asked for again.
result<void> ask_for_batch(context& at, const pull_flags& flags, const json& items, pull_home& home,
                           asked_studies& asked) {
  auto& record = home.record;
  record.submitted.push_back({client::new_op(), items.size(), false});
  if (auto saved = save_pull(home.folder, record); !saved) return saved.error();
  auto rows = submit_batch(at, items, json{{"priority", flags.priority}}, record.submitted.back().op);
  if (!rows) return rows.error();
  json cached = json::array();
  for (auto& row : *rows) {
    const auto outcome = text_in(row, "outcome");
    ++record.asked[outcome];
    if (const auto id = text_in(row, "request"); !id.empty()) record.requests.push_back(id);
    if (outcome == "already_cached") cached.push_back(items[number_in(row, "item")]["StudyInstanceUID"]);
    asked.rows.push_back(std::move(row));
  }
  auto known = requests_of_cached(at, cached);
  if (!known) return known.error();
  record.requests.insert(record.requests.end(), known->requests.begin(), known->requests.end());
  record.cached_before += known->without_request.size();
  for (auto& uid : known->without_request) asked.cached_before.push_back(std::move(uid));
  record.submitted.back().answered = true;
  return save_pull(home.folder, record);
}

result<asked_studies> ask_for_studies(context& at, const pull_flags& flags, const json& studies, pull_home& home) {
  asked_studies asked;
  for (std::size_t begin = 0; begin < studies.size(); begin += items_in_a_batch) {
    json items = json::array();
    for (auto i = begin; i < std::min(begin + items_in_a_batch, studies.size()); ++i)
      items.push_back(item_of_found_study(studies[i]));
    if (auto done = ask_for_batch(at, flags, items, home, asked); !done) return done.error();
  }
  return asked;
}

/// A folder of its own, or one whose pull ended before anything was asked for.
result<void> take_folder(const fs::path& folder) {
  if (auto before = load_pull(folder); before && !before->submitted.empty())
    return fail(errc::conflict,
                folder.string() + " holds a pull already; go on with it: penstock pull --resume " + folder.string());
  std::error_code error;
  fs::remove(folder / pull_record_name, error);
  if (!can_begin_in(folder))
    return fail(errc::conflict, folder.string() + " is not empty; a pull wants a folder of its own");
  return {};
}

exit_code not_begun(const context& at, const messages::failure& why) {
  if (!was_interrupted()) return at.report(why);
  at.say("Interrupted; nothing was asked for.");
  return exit_code::interrupted;
}

/// The key of the downloads that are here, or, when there is none yet, a key for those to come.
result<new_holder> key_for(const pull_flags& flags, const pull_home& home) {
  for (const auto& batch : home.record.batches)
    if (auto record = client::load_record(home.folder / batch.folder); record)
      return new_holder::recall(flags.key, *record);
  return new_holder::choose(flags.key);
}

result<void> prepare_output(const pull_flags& flags, pull_home& home) {
  if (home.record.plain) {
    auto output = plain_output::prepare({});
    if (!output) return output.error();
    home.plain.emplace(std::move(*output));
    return {};
  }
  auto key = key_for(flags, home);
  if (!key) return key.error();
  home.key = std::move(*key);
  return {};
}

exit_code run_new(context& at, const pull_flags& flags) {
  const fs::path folder{flags.to};
  if (auto taken = take_folder(folder); !taken) return at.report(taken.error());
  pull_home home{folder, {}, std::nullopt, std::nullopt};
  home.record.plain = flags.plain;
  if (auto prepared = prepare_output(flags, home); !prepared) return at.report(prepared.error());
  auto args = search_args(at, flags.search);
  if (!args) return at.report(args.error());
  auto findings = follow_search(at, "studies.find", std::move(*args), "studies");
  if (!findings) return not_begun(at, findings.error());
  const auto write = [&](const json& asked) {
    return write_outcomes(flags.search.outcome_file, {{"find", &findings->rows}, {"request", &asked}});
  };
  if (auto written = write(json::array()); !written) return at.report(written.error());
  if (findings->found.empty()) {
    show_outcomes(at, findings->rows);
    return at.report(fail(errc::not_found, "no study was found, so nothing was asked for"));
  }
  auto yes = agreed(at, *findings);
  if (!yes) return not_begun(at, yes.error());
  if (!*yes) {
    at.say("Nothing was asked for.");
    return was_interrupted() ? exit_code::interrupted : exit_code::ok;
  }
  auto project = at.project();
  if (!project) return at.report(project.error());
  home.record.project = *project;
  home.record.lines = counts_of(findings->rows);
  if (auto made = client::make_private_directory(folder); !made) return at.report(made.error());
  auto asked = ask_for_studies(at, flags, findings->found, home);
  if (!asked) return at.report(asked.error());
  if (auto written = write(asked->rows); !written) return at.report(written.error());
  at.say("Asked for. Ctrl-C detaches at any time; 'penstock pull --resume " + flags.to + "' comes back.");
  return pull_to_end(at, home, asked->cached_before);
}

exit_code run_resume(context& at, const pull_flags& flags) {
  const auto named = flags.resume.empty() || flags.resume.front().empty() ? "." : flags.resume.front();
  auto record = load_pull(named);
  if (!record) return at.report(record.error());
  pull_home home{named, std::move(*record), std::nullopt, std::nullopt};
  if (at.flags.project.empty()) at.flags.project = home.record.project;
  if (auto prepared = prepare_output(flags, home); !prepared) return at.report(prepared.error());
  return pull_to_end(at, home, json::array());
}

}  // namespace

void add_pull_command(CLI::App& program, context& at) {
  auto* pull = program.add_subcommand("pull", "The whole job: find, ask, watch, download, verify");
  const auto flags = std::make_shared<pull_flags>();
  add_place_flags(*pull, flags->search);
  add_study_flags(*pull, flags->search);
  pull->add_option("--to", flags->to, "Folder for it all; new or empty")->type_name("DIR");
  auto* resume = pull->add_option("--resume", flags->resume, "Go on with the pull in this folder; default: here")
                     ->type_name("[DIR]")
                     ->expected(0, 1);
  pull->add_option("--priority", flags->priority, "How urgent")
      ->check(CLI::IsMember({"low", "normal", "high"}))
      ->capture_default_str();
  add_key_flags(*pull, flags->key);
  pull->add_flag("--plain", flags->plain, "Write ordinary DICOM files, readable by all who get at the disk");
  pull->footer(
      "Shows what would be asked for, and asks (--yes: does not ask). What is complete is downloaded in batches, a\n"
      "folder each (0001, 0002, ...), sealed under one key; what does not become complete holds up nothing.\n"
      "Ctrl-C detaches: the server goes on. --resume goes on at any stage, also after a kill or a lost network.\n"
      "Exit codes: 0 all is home; 3 ended, but some lines, studies or images are not; 7 detached.");
  pull->callback([&at, flags, resume] {
    at.action = [&at, flags, resume] {
      if ((resume->count() != 0) == !flags->to.empty())
        return at.report(fail(errc::bad_request, "give --to DIR for a new pull, or --resume DIR to go on with one"));
      end_in_order_on_interrupt();
      return resume->count() != 0 ? run_resume(at, *flags) : run_new(at, *flags);
    };
  });
}

}  // namespace penstock::commands
