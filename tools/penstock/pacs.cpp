// pacs list, pacs echo.

#include "tools/penstock/context.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds longest_echo{30};

tint shade_of(const std::string& state) {
  if (state == "up") return tint::good;
  if (state == "down") return tint::bad;
  return state == "paused" ? tint::busy : tint::none;
}

/// Commands that belong to no project.
result<json> ask_server(context& at, const std::string& command, json args, std::chrono::milliseconds extra_wait = {}) {
  auto server = at.server();
  if (!server) return server.error();
  return (*server)->ask({command, "", std::move(args), "", extra_wait});
}

exit_code run_list(context& at) {
  auto answer = ask_server(at, "pacs.list", json::object());
  if (!answer) return at.report(answer.error());
  if (at.json) {
    at.show(*answer);
    return exit_code::ok;
  }
  table rows{{{"PACS"}, {"Institution"}, {"Department"}, {"State"}, {"Reason"}}};
  for (const auto& one : array_in(*answer, "pacs")) {
    const auto state = text_in(one, "state");
    rows.add({text_in(one, "id"), text_in(one, "institution"), text_in(one, "department"), cell{state, shade_of(state)},
              text_in(one, "reason")});
  }
  at.show(rows);
  return exit_code::ok;
}

exit_code run_echo(context& at, const std::string& pacs) {
  auto answer = ask_server(at, "pacs.echo", json{{"pacs", pacs}}, longest_echo);
  if (!answer) return at.report(answer.error());
  const bool up = answer->value("ok", false);
  if (at.json) at.show(*answer);
  at.say(up ? pacs + " answered in " + text_in(*answer, "ms") + " ms."
            : pacs + " does not answer: " + text_in(*answer, "error"));
  return up ? exit_code::ok : exit_code::failed;
}

}  // namespace

void add_pacs_commands(CLI::App& program, context& at) {
  auto* pacs = program.add_subcommand("pacs", "The image archives of the hospital")->require_subcommand(1);
  pacs->add_subcommand("list", "List them with their state")->callback([&at] {
    at.action = [&at] { return run_list(at); };
  });
  const auto id = std::make_shared<std::string>();
  auto* echo = pacs->add_subcommand("echo", "Ask one whether it is there (C-ECHO; administrators)");
  echo->add_option("PACS", *id, "Its id")->required();
  echo->callback([&at, id] { at.action = [&at, id] { return run_echo(at, *id); }; });
}

}  // namespace penstock::commands
