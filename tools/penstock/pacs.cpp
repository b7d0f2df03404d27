// pacs list, pacs echo.

#include <array>

#include "tools/penstock/list_output.hpp"
#include "tools/penstock/pager.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds longest_echo{30};

tint shade_of(const std::string& state) {
  if (state == "up") return tint::good;
  if (state == "down") return tint::bad;
  return state == "paused" ? tint::busy : tint::none;
}

constexpr std::array pacs_columns{
    list_column{"pacs", "id", "PACS"},
    list_column{.name = "institution", .field = "institution", .heading = "Institution", .draw = institution_cell},
    list_column{"department", "department", "Department"},
    list_column{.name = "state",
                .field = "state",
                .heading = "State",
                .draw =
                    [](const json& row) {
                      return cell{text_in(row, "state"), shade_of(text_in(row, "state"))};
                    }},
    list_column{"reason", "reason", "Reason"}};

/// Commands that belong to no project.
result<json> ask_server(context& at, const std::string& command, json args, std::chrono::milliseconds extra_wait = {}) {
  auto server = at.server();
  if (!server) return server.error();
  return (*server)->ask({command, "", std::move(args), "", extra_wait});
}

exit_code run_list(context& at, const list_flags& flags) {
  auto answer = ask_server(at, "pacs.list", json::object());
  if (!answer) return at.report(answer.error());
  auto rows = choose_rows(at, array_in(*answer, "pacs"), flags, pacs_columns);
  if (!rows) return at.report(rows.error());
  name_institutions(at, *rows);
  (*answer)["pacs"] = std::move(*rows);
  const page whole;
  auto shown = show_list(at, {std::move(*answer), "pacs", "There is no PACS."}, pacs_columns, flags.columns);
  return shown ? exit_code::ok : at.report(shown.error());
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
  const auto flags = std::make_shared<list_flags>();
  auto* list = pacs->add_subcommand("list", "List them with their state");
  add_list_flags(*list, at, *flags, pacs_columns);
  list->callback([&at, flags] { at.action = [&at, flags] { return run_list(at, *flags); }; });
  const auto id = std::make_shared<std::string>();
  auto* echo = pacs->add_subcommand("echo", "Ask one whether it is there (C-ECHO; administrators)");
  echo->add_option("PACS", *id, "Its id")->required();
  echo->callback([&at, id] { at.action = [&at, id] { return run_echo(at, *id); }; });
}

}  // namespace penstock::commands
