// governor status, simulate, pause, resume; server status: what governs the site, and how it is.

#include <memory>

#include "tools/client/local_file.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/governor_words.hpp"
#include "tools/penstock/rules_verdict.hpp"
#include "tools/penstock/simulate_table.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds longest_simulation{30};
constexpr std::chrono::seconds longest_switch{10};

/// Commands of the whole site. The project is sent when one was named: a researcher sees what concerns it.
result<json> ask_site(context& at, const std::string& command, bool of_project) {
  auto server = at.server();
  if (!server) return server.error();
  std::string project;
  if (of_project)
    if (auto named = at.project(); named) project = *named;
  return (*server)->ask({command, project, json::object(), "", {}});
}

/// A pause tells more than the window.
cell window_cell(const json& one) {
  if (const auto pause = pause_of(one); !pause.empty()) return {pause, tint::busy};
  const auto name = window_of(one);
  return name == "closed" ? cell{name, tint::busy} : cell{name};
}

cell state_cell(const json& one) { return {state_of(one), text_in(one, "state") == "up" ? tint::good : tint::bad}; }

exit_code run_governor(context& at) {
  auto answer = ask_site(at, "governor.status", true);
  if (!answer) return at.report(answer.error());
  if (at.json) {
    at.show(*answer);
    return exit_code::ok;
  }
  table rows{{{"PACS"},
              {"State"},
              {"Window"},
              {"Limits"},
              {"Started"},
              {"In flight", alignment::right},
              {"Waiting"},
              {"Next change"}}};
  const auto& listed = answer->is_array() ? *answer : array_in(*answer, "pacs");
  for (const auto& one : listed) {
    const auto pacs = text_in(one, "pacs").empty() ? text_in(one, "id") : text_in(one, "pacs");
    rows.add({pacs, state_cell(one), window_cell(one),
              rates(object_in(one, "limits"),
                    {{"concurrent", " at once"}, {"per_minute", "/min"}, {"per_hour", "/h"}, {"per_day", "/day"}}),
              rates(object_in(one, "started"), {{"minute", "/min"}, {"hour", "/h"}, {"day", "/day"}}),
              text_in(one, "in_flight"), waiting_in(one), local_time(text_in(one, "next_change"))});
  }
  at.show(rows);
  return exit_code::ok;
}

struct simulate_flags {
  std::uint32_t days = 7;
  std::string rules_file;
};

exit_code run_simulate(context& at, const simulate_flags& flags) {
  json args{{"days", flags.days}};
  if (!flags.rules_file.empty()) {
    auto text = client::read_small_file(flags.rules_file, longest_rules_bytes);
    if (!text) return at.report(text.error());
    args["toml"] = std::move(*text);
  }
  auto server = at.server();
  if (!server) return at.report(server.error());
  auto answer = (*server)->ask({"governor.simulate", "", std::move(args), "", longest_simulation});
  if (!answer) return at.report(answer.error());
  if (at.json) {
    at.show(*answer);
    return exit_code::ok;
  }
  for (const auto& one : array_in(*answer, "pacs")) {
    at.say(simulated_heading(one));
    at.show(simulated_hours(one));
    if (const auto projects = simulated_projects(one); !projects.empty()) at.show(projects);
    at.say("");
  }
  return exit_code::ok;
}

struct switch_flags {
  std::string pacs;
  bool all = false;
  std::string reason;
};

exit_code run_switch(context& at, const char* command, const switch_flags& flags) {
  if (flags.all == !flags.pacs.empty()) return at.report({messages::errc::bad_request, "name one PACS, or give --all"});
  auto server = at.server();
  if (!server) return at.report(server.error());
  const json args{{"pacs", flags.all ? "all" : flags.pacs}, {"reason", flags.reason}};
  auto answer = (*server)->ask({command, "", args, client::new_op(), longest_switch});
  if (!answer) return at.report(answer.error());
  if (at.json) at.show(*answer);
  const auto& silent = array_in(*answer, "silent");
  const bool pausing = std::string_view{command} == "governor.pause";
  for (const auto& one : silent) at.say(one.get<std::string>() + " did not answer: nothing is known of it");
  const auto stopped = number_in(*answer, "stopped");
  if (pausing)
    at.say("Nothing starts any more; " + std::to_string(stopped) +
           " running retrievals are being aborted. 'penstock governor resume' lets it go on.");
  else
    at.say("Retrievals may start again: one at a time at first, then more.");
  return silent.empty() ? exit_code::ok : exit_code::not_everything_ok;
}

void add_switch(CLI::App& governor, context& at, const char* verb, const char* command, const char* help) {
  auto* turn = governor.add_subcommand(verb, help);
  auto flags = std::make_shared<switch_flags>();
  turn->add_option("PACS", flags->pacs, "Which one");
  turn->add_flag("--all", flags->all, "Every PACS");
  turn->add_option("--reason", flags->reason, "Why, for the journal and for whoever waits")->required();
  turn->callback(
      [&at, flags, command] { at.action = [&at, flags, command] { return run_switch(at, command, *flags); }; });
}

/// One line for each value, however deep.
void add_values(table& rows, const std::string& name, const json& value) {
  if (value.is_object() || value.is_array()) {
    std::size_t index = 0;
    for (const auto& [key, inner] : value.items()) {
      const auto part = value.is_array() ? std::to_string(index++) : key;
      add_values(rows, name.empty() ? part : name + "." + part, inner);
    }
  } else {
    rows.add({name, value.is_string() ? value.get<std::string>() : value.dump()});
  }
}

exit_code run_server(context& at) {
  auto answer = ask_site(at, "server.status", false);
  if (!answer) return at.report(answer.error());
  if (at.json) {
    at.show(*answer);
    return exit_code::ok;
  }
  table rows{{{"Server"}, {"Value"}}};
  add_values(rows, "", *answer);
  at.show(rows);
  return exit_code::ok;
}

}  // namespace

void add_governor_commands(CLI::App& program, context& at) {
  auto* governor = program.add_subcommand("governor", "What the PACS allow now")->require_subcommand(1);
  governor->add_subcommand("status", "Windows, limits, what runs and what waits")->callback([&at] {
    at.action = [&at] { return run_governor(at); };
  });
  auto* simulate = governor->add_subcommand("simulate", "What the days to come would start, hour by hour");
  auto flags = std::make_shared<simulate_flags>();
  simulate->add_option("--days", flags->days, "How many days")->check(CLI::Range(1, 14))->capture_default_str();
  simulate->add_option("--rules", flags->rules_file, "A rules file to try, in place of the rules in force")
      ->type_name("FILE");
  simulate->callback([&at, flags] { at.action = [&at, flags] { return run_simulate(at, *flags); }; });
  add_switch(*governor, at, "pause", "governor.pause",
             "Stop everything at a PACS now: nothing starts, what runs is aborted (administrators)");
  add_switch(*governor, at, "resume", "governor.resume", "Let a PACS go on after a pause or a trip (administrators)");
}

void add_server_commands(CLI::App& program, context& at) {
  auto* server = program.add_subcommand("server", "The server itself")->require_subcommand(1);
  server->add_subcommand("status", "How it is (administrators)")->callback([&at] {
    at.action = [&at] { return run_server(at); };
  });
}

}  // namespace penstock::commands
