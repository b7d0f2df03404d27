// requests list, show, cancel, retry, delete, prioritise.

#include "tools/penstock/input_lists.hpp"
#include "tools/penstock/request_board.hpp"
#include "tools/penstock/search.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

struct list_flags {
  std::string states;
  std::string pacs;
  std::vector<std::string> mrns;
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

exit_code run_list(context& at, const list_flags& flags) {
  json filter = json::object();
  if (!flags.states.empty()) filter["state"] = json{{"in", split_commas(flags.states)}};
  if (!flags.pacs.empty()) filter["pacs"] = json{{"in", split_commas(flags.pacs)}};
  if (!flags.mrns.empty()) filter["PatientID"] = json{{"list", flags.mrns}};
  const json args{{"filter", filter}, {"sort", json::array({json::array({"submitted", "desc"})})}};
  auto listed = ask_all_pages(at, "requests.list", args, "requests", flags.limit);
  if (!listed) return at.report(listed.error());
  if (at.json) {
    at.show(*listed);
    return exit_code::ok;
  }
  table rows{{{"Request"},
              {"State"},
              {"Accession"},
              {"MRN"},
              {"Modality"},
              {"PACS"},
              {"Images", alignment::right},
              {"Size", alignment::right},
              {"By"},
              {"Submitted"},
              {"Starts"},
              {"Why"}}};
  for (const auto& one : array_in(*listed, "requests")) {
    const auto state = text_in(one, "state");
    rows.add({text_in(one, "id"), cell{state, shade_of_state(state)}, text_in(one, "AccessionNumber"),
              text_in(one, "PatientID"), list_in(one, "Modality"), text_in(one, "pacs"), images_in(one),
              human_bytes(number_in(one, "bytes")), text_in(one, "user"), local_time(text_in(one, "submitted")),
              text_in(one, "estimate"), why(one)});
  }
  if (rows.empty()) {
    at.say("There are no requests.");
    return exit_code::ok;
  }
  at.show(rows);
  const auto shown = array_in(*listed, "requests").size();
  if (const auto total = number_in(*listed, "total"); total > shown)
    at.say(std::to_string(shown) + " of " + std::to_string(total) + " shown; --limit shows more.");
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
  const auto flags = std::make_shared<list_flags>();
  auto* list = requests->add_subcommand("list", "List requests, the newest first");
  list->add_option("--state", flags->states, "Only in these states")->type_name("scheduled,processing,...");
  list->add_option("--pacs", flags->pacs, "Only at these PACS")->type_name("ID[,ID]");
  list->add_option("--mrn", flags->mrns, "Only of these patients")->type_name("MRN");
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
