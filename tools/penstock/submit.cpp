// request: asks for studies, named by UID or found by the flags of `studies find`.

#include "tools/penstock/submit.hpp"

#include <algorithm>
#include <optional>

#include "messages/ids.hpp"
#include "tools/penstock/input_lists.hpp"
#include "tools/penstock/search.hpp"
#include "tools/penstock/watch.hpp"

namespace penstock::commands {
namespace {

using messages::errc;
using messages::fail;
using nlohmann::json;

constexpr std::chrono::seconds longest_submit{30};

struct submit_flags {
  search_flags search;
  std::vector<std::string> studies;
  std::string study_file;
  std::string priority = "normal";
  bool watch = false;
  std::optional<std::uint32_t> follow_every_s;
  std::uint32_t follow_quiet_s = 1'800;
};

/// The PACS of studies that were named by UID only.
result<std::string> only_pacs(context& at, const std::string& named) {
  const auto listed = split_commas(named);
  if (listed.size() == 1) return listed.front();
  auto server = at.server();
  if (!server) return server.error();
  auto project = at.project();
  if (!project) return project.error();
  if (listed.empty())
    for (const auto& one : array_in((*server)->greeting(), "projects"))
      if (text_in(one, "id") == *project && array_in(one, "pacs").size() == 1)
        return text_in(json{{"id", array_in(one, "pacs").front()}}, "id");
  return fail(errc::bad_request, "say with --pacs at which one PACS these studies are");
}

result<json> items_from_uids(context& at, const submit_flags& flags) {
  json items = json::array();
  auto uids = flags.studies;
  if (!flags.study_file.empty()) {
    auto text = read_list_text(flags.study_file);
    if (!text) return text.error();
    if (const auto found = json::parse(*text, nullptr, false); found.is_object()) {
      for (const auto& study : array_in(found, "studies")) items.push_back(item_of_found_study(study));
      return items;
    }
    auto listed = parse_input_list(*text, {"studyinstanceuid", "studyuid", "uid"}, flags.search.column);
    if (!listed) return listed.error();
    for (const auto& uid : *listed) uids.push_back(uid.reveal());
  }
  auto pacs = only_pacs(at, flags.search.pacs);
  if (!pacs) return pacs.error();
  for (const auto& uid : uids) items.push_back(json{{"pacs", *pacs}, {"StudyInstanceUID", uid}});
  return items;
}

result<json> items_to_submit(context& at, const submit_flags& flags, search_findings& findings) {
  const bool by_uid = !flags.studies.empty() || !flags.study_file.empty();
  if (by_uid && flags.search.name_patients_or_studies())
    return fail(errc::bad_request, "name studies by --study or --studies, or find them by MRN or accession; not both");
  if (by_uid) return items_from_uids(at, flags);
  auto args = search_args(at, flags.search);
  if (!args) return args.error();
  auto found = follow_search(at, "studies.find", std::move(*args), "studies");
  if (!found) return found.error();
  findings = std::move(*found);
  json items = json::array();
  for (const auto& study : findings.found) items.push_back(item_of_found_study(study));
  return items;
}

/// In batches, each a change with a name of its own.
result<json> submit(context& at, const json& items, const submit_flags& flags) {
  json args{{"priority", flags.priority}};
  if (flags.follow_every_s)
    args["follow"] =
        json{{"every_s", *flags.follow_every_s}, {"quiet_s", std::max(flags.follow_quiet_s, *flags.follow_every_s)}};
  json rows = json::array();
  for (std::size_t begin = 0; begin < items.size(); begin += items_in_a_batch) {
    const json batch(items.begin() + static_cast<std::ptrdiff_t>(begin),
                     items.begin() + static_cast<std::ptrdiff_t>(std::min(begin + items_in_a_batch, items.size())));
    auto answered = submit_batch(at, batch, args, client::new_op());
    if (!answered) return answered;
    for (auto& row : *answered) {
      row["item"] = begin + number_in(row, "item");
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

exit_code code_of_submitted(const json& rows, exit_code code_of_search) {
  const bool all =
      std::all_of(rows.begin(), rows.end(), [](const json& row) { return was_taken_on(text_in(row, "outcome")); });
  return all ? code_of_search : exit_code::not_everything_ok;
}

exit_code run_submit(context& at, const submit_flags& flags) {
  search_findings findings;
  auto items = items_to_submit(at, flags, findings);
  if (!items) return at.report(items.error());
  if (items->empty()) {
    if (auto written = write_outcomes(flags.search.outcome_file, {{"find", &findings.rows}}); !written)
      return at.report(written.error());
    show_outcomes(at, findings.rows);
    return at.report(fail(errc::not_found, "no study was found, so nothing was requested"));
  }
  auto rows = submit(at, *items, flags);
  if (!rows) return at.report(rows.error());
  if (at.json && !flags.watch) at.show(json{{"rows", *rows}, {"search_rows", findings.rows}});
  show_outcomes(at, findings.rows);
  show_outcomes(at, *rows);
  if (auto written = write_outcomes(flags.search.outcome_file, {{"find", &findings.rows}, {"request", &*rows}});
      !written)
    return at.report(written.error());
  const auto code = code_of_submitted(*rows, code_of_outcomes(findings.rows));
  if (!flags.watch) {
    const auto asked = [](const json& row) { return !text_in(row, "request").empty(); };
    if (std::any_of(rows->begin(), rows->end(), asked)) at.say("To see how they fare: 'penstock watch'.");
    return code;
  }
  std::vector<std::string> requests;
  for (const auto& row : *rows)
    if (const auto id = text_in(row, "request"); !id.empty()) requests.push_back(id);
  const auto watched = watch_requests(at, {requests, true});
  return watched == exit_code::ok ? code : watched;
}

}  // namespace

json item_of_found_study(const json& study) {
  json item{{"pacs", study.value("pacs", "")}, {"StudyInstanceUID", study.value("StudyInstanceUID", "")}};
  for (const char* member : {"PatientID", "AccessionNumber"})
    if (!text_in(study, member).empty()) item[member] = study[member];
  return item;
}

result<json> submit_batch(context& at, const json& items, json args, const std::string& op) {
  args["items"] = items;
  auto answer = at.ask("requests.submit", std::move(args), op, longest_submit);
  if (!answer) return answer;
  json rows = json::array();
  for (auto row : array_in(*answer, "rows")) {
    const auto item = number_in(row, "item");
    if (item < items.size())
      row["input"] = items[item].value("AccessionNumber", items[item].value("StudyInstanceUID", ""));
    rows.push_back(std::move(row));
  }
  return rows;
}

bool was_taken_on(const std::string& outcome) {
  return outcome == "accepted" || outcome == "already_requested" || outcome == "already_cached";
}

void add_submit_command(CLI::App& program, context& at) {
  auto* request = program.add_subcommand("request", "Ask for studies: found by MRN or accession, or named by UID");
  const auto flags = std::make_shared<submit_flags>();
  add_place_flags(*request, flags->search);
  add_study_flags(*request, flags->search);
  request->add_option("--study", flags->studies, "Studies by Study Instance UID, in place of MRNs")->type_name("UID");
  request
      ->add_option("--studies", flags->study_file,
                   "List of UIDs, or what 'studies find --json' printed; - is standard input")
      ->type_name("FILE");
  request->add_option("--priority", flags->priority, "How urgent")
      ->check(CLI::IsMember({"low", "normal", "high"}))
      ->capture_default_str();
  request
      ->add_option("--follow", flags->follow_every_s,
                   "An exam still being acquired: look for more each so many seconds; 'requests cancel' ends it")
      ->type_name("SECONDS")
      ->check(CLI::Range(10, 3'600));
  request
      ->add_option("--until-quiet", flags->follow_quiet_s,
                   "End following when nothing new has come for so many seconds")
      ->type_name("SECONDS")
      ->check(CLI::Range(10, 86'400))
      ->capture_default_str();
  request->add_flag("--watch", flags->watch, "Stay and show how they fare, to the end");
  request->callback([&at, flags] { at.action = [&at, flags] { return run_submit(at, *flags); }; });
}

}  // namespace penstock::commands
