// requests list, show, cancel, retry, delete, prioritise.

#include <array>

#include "tools/penstock/input_lists.hpp"
#include "tools/penstock/list_output.hpp"
#include "tools/penstock/pager.hpp"
#include "tools/penstock/request_board.hpp"
#include "tools/penstock/search.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

struct request_flags {
  std::string states;
  std::string pacs;
  std::vector<std::string> mrns;
  list_flags list;
  std::size_t limit = 200;
};

tint shade_of_state(const std::string& name) {
  auto state = messages::request_state::scheduled;
  return messages::parse(name, state) ? shade_of(state) : tint::none;
}

std::string images_in(const json& request) {
  const auto counts = request.find("counts");
  if (counts == request.end() || !counts->is_object()) return {};
  return std::to_string(number_in(*counts, "received")) + "/" + std::to_string(number_in(*counts, "expected"));
}

std::string why(const json& request) {
  const auto reason = text_in(request, "reason");
  return reason.empty() ? text_in(request, "error") : reason;
}

constexpr std::array request_columns{
    list_column{"request", "id", "Request", column_kind::decimal},
    list_column{.name = "state",
                .field = "state",
                .heading = "State",
                .draw =
                    [](const json& row) {
                      return cell{text_in(row, "state"), shade_of_state(text_in(row, "state"))};
                    }},
    list_column{"accession", "AccessionNumber", "Accession"},
    list_column{"mrn", "PatientID", "MRN"},
    list_column{"modality", "Modality", "Modality", column_kind::words},
    list_column{"pacs", "pacs", "PACS"},
    list_column{.name = "images",
                .field = "counts.received",
                .heading = "Images",
                .kind = column_kind::number,
                .draw = [](const json& row) { return cell{images_in(row)}; }},
    list_column{"size", "bytes", "Size", column_kind::bytes},
    list_column{"by", "user", "By"},
    list_column{"submitted", "submitted", "Submitted", column_kind::time},
    list_column{"starts", "estimate", "Starts", column_kind::text, true, known_to::client},
    list_column{
        .name = "why", .field = "reason", .heading = "Why", .draw = [](const json& row) { return cell{why(row)}; }},
    list_column{"expected", "counts.expected", "Expected", column_kind::number, false},
    list_column{"failed", "counts.failed", "Failed", column_kind::number, false},
    list_column{"study-date", "StudyDate", "Study date", column_kind::date, false},
    list_column{"priority", "priority", "Priority", column_kind::text, false},
    list_column{"position", "position", "Position", column_kind::number, false},
    list_column{"started", "started", "Started", column_kind::time, false},
    list_column{"ended", "ended", "Ended", column_kind::time, false},
    list_column{"attempts", "attempts", "Attempts", column_kind::number, false},
    list_column{"error", "error", "Error", column_kind::text, false},
    list_column{"institution", "institution", "Institution", column_kind::text, false, known_to::everybody,
                institution_cell},
    list_column{"department", "department", "Department", column_kind::text, false},
    list_column{"issuer", "IssuerOfPatientID", "Issuer", column_kind::text, false},
    list_column{"uid", "StudyInstanceUID", "Study Instance UID", column_kind::text, false}};

/// --state, --pacs and --mrn are older ways to say --where.
result<json> args_of(context& at, const request_flags& flags) {
  auto filter = wire_filter(at, flags.list.filter, request_columns);
  if (!filter) return filter;
  if (!flags.states.empty()) (*filter)["state"] = json{{"in", split_commas(flags.states)}};
  if (!flags.pacs.empty()) (*filter)["pacs"] = json{{"in", split_commas(flags.pacs)}};
  if (!flags.mrns.empty()) (*filter)["PatientID"] = json{{"list", flags.mrns}};
  auto sort = parse_sort(flags.list.sort, request_columns);
  if (!sort) return sort;
  if (sort->empty()) sort->push_back(json::array({"submitted", "desc"}));
  return json{{"filter", std::move(*filter)}, {"sort", std::move(*sort)}};
}

exit_code run_list(context& at, const request_flags& flags) {
  auto args = args_of(at, flags);
  if (!args) return at.report(args.error());
  auto found = ask_all_pages(at, "requests.list", std::move(*args), "requests", flags.limit);
  if (!found) return at.report(found.error());
  name_institutions(at, (*found)["requests"]);
  const page whole;
  const listed what{std::move(*found), "requests", "There are no such requests."};
  if (auto shown = show_list(at, what, request_columns, flags.list.columns); !shown) return at.report(shown.error());
  note_limit(at, what);
  return exit_code::ok;
}

exit_code run_show(context& at, const std::string& id) {
  auto answer = ask_all_pages(at, "requests.show", json{{"request", id}}, "missing", 100'000);
  if (!answer) return at.report(answer.error());
  if (at.json) {
    at.show(*answer);
    return exit_code::ok;
  }
  const auto& request = answer->contains("id") ? *answer : answer->value("request", *answer);
  table facts{{{"Request"}, {id}}};
  for (const char* member : {"state", "reason", "position", "estimate", "pacs", "institution", "AccessionNumber",
                             "PatientID", "StudyInstanceUID", "Modality", "priority", "user", "attempts", "error"})
    if (const auto text = list_in(request, member); !text.empty()) facts.add({member, text});
  facts.add({"images", images_in(request)});
  facts.add({"size", human_bytes(number_in(request, "bytes"))});
  at.show(facts);
  table history{{{"When"}, {"State"}, {"Why"}}};
  for (const auto& step : array_in(request, "history"))
    history.add({local_time(text_in(step, "at")), cell{text_in(step, "state"), shade_of_state(text_in(step, "state"))},
                 text_in(step, "reason")});
  if (!history.empty()) at.say("");
  if (!history.empty()) at.show(history);
  const auto& missing = array_in(*answer, "missing");
  if (!missing.empty()) at.say("\n" + std::to_string(missing.size()) + " images are missing:");
  for (const auto& uid : missing) at.say("  " + text_in(json{{"uid", uid}}, "uid"));
  return exit_code::ok;
}

/// `done` is the outcome of a request that the change was made to.
exit_code run_change(context& at, const std::string& command, const json& args, const std::string& done) {
  auto answer = at.ask(command, args, client::new_op());
  if (!answer) return at.report(answer.error());
  auto code = exit_code::ok;
  table rows{{{"Request"}, {"Outcome"}, {"Why"}}};
  for (const auto& row : array_in(*answer, "rows")) {
    const auto outcome = text_in(row, "outcome");
    if (outcome != done) code = exit_code::not_everything_ok;
    rows.add({text_in(row, "request"), outcome, text_in(row, "message")});
  }
  if (at.json)
    at.show(*answer);
  else
    at.show(rows);
  return code;
}

}  // namespace

void add_requests_commands(CLI::App& program, context& at) {
  auto* requests = program.add_subcommand("requests", "What the project has asked for")->require_subcommand(1);
  const auto flags = std::make_shared<request_flags>();
  auto* list = requests->add_subcommand("list", "List requests, the newest first");
  list->add_option("--state", flags->states, "Only in these states")->type_name("scheduled,processing,...");
  list->add_option("--pacs", flags->pacs, "Only at these PACS")->type_name("ID[,ID]");
  list->add_option("--mrn", flags->mrns, "Only of these patients")->type_name("MRN");
  add_list_flags(*list, at, flags->list, request_columns);
  list->add_option("--limit", flags->limit, "At most so many")->capture_default_str()->check(CLI::Range(1, 100'000));
  list->callback([&at, flags] { at.action = [&at, flags] { return run_list(at, *flags); }; });
  const auto id = std::make_shared<std::string>();
  auto* show = requests->add_subcommand("show", "Show one with its history and what is missing");
  show->add_option("REQUEST", *id, "Its number")->required();
  show->callback([&at, id] { at.action = [&at, id] { return run_show(at, *id); }; });
  const auto ids = std::make_shared<std::vector<std::string>>();
  const auto add_change = [&](const char* verb, const char* done, const char* help) {
    auto* change = requests->add_subcommand(verb, help);
    change->add_option("REQUEST", *ids, "Their numbers")->required();
    change->callback([&at, ids, verb, done] {
      at.action = [&at, ids, verb, done] {
        return run_change(at, std::string{"requests."} + verb, json{{"requests", *ids}}, done);
      };
    });
  };
  add_change("cancel", "cancelled", "Cancel requests that have not ended");
  add_change("retry", "scheduled", "Fetch what is missing (of a complete study: what is new), or try again now");
  add_change("delete", "deleted", "Clear requests that have ended from the list; what they fetched stays");
  const auto priority = std::make_shared<std::string>();
  auto* prioritise = requests->add_subcommand("prioritise", "Move requests that wait to another priority");
  prioritise->add_option("PRIORITY", *priority, "low, normal or high")
      ->required()
      ->check(CLI::IsMember({"low", "normal", "high"}));
  prioritise->add_option("REQUEST", *ids, "Their numbers")->required();
  prioritise->callback([&at, ids, priority] {
    at.action = [&at, ids, priority] {
      return run_change(at, "requests.prioritise", json{{"requests", *ids}, {"priority", *priority}}, "prioritised");
    };
  });
}

}  // namespace penstock::commands
