// cache list, facets, usage, delete: the project's own repository of images.

#include <algorithm>

#include "tools/penstock/holding_flags.hpp"
#include "tools/penstock/input_lists.hpp"
#include "tools/penstock/pager.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

struct cache_flags {
  holding_flags which;
  list_flags list;
  bool show_uids = false;
  std::size_t limit = 1000;
};

void show_usage(const context& at, const json& usage) {
  at.say(quota_bar(number_in(usage, "used"), number_in(usage, "quota")) + ", " + human_bytes(number_in(usage, "used")) +
         " in " + text_in(usage, "studies") + " studies, " + human_bytes(number_in(usage, "reserved")) +
         " reserved for what is under way");
}

std::string columns_of(const cache_flags& flags) {
  if (!flags.show_uids || !flags.list.columns.empty()) return flags.list.columns;
  std::string named;
  for (const auto& column : holding_columns())
    if (column.shown || column.name == "uid") named += std::string{column.name} + ",";
  return named;
}

exit_code run_list(context& at, const cache_flags& flags) {
  auto filter = filter_of(at, flags.which);
  if (!filter) return at.report(filter.error());
  auto sort = parse_sort(flags.list.sort, holding_columns());
  if (!sort) return at.report(sort.error());
  if (sort->empty()) sort->push_back(json::array({"cached", "desc"}));
  const json args{{"level", "study"}, {"filter", std::move(*filter)}, {"sort", std::move(*sort)}};
  auto found = ask_all_pages(at, "cache.list", args, "items", flags.limit);
  if (!found) return at.report(found.error());
  auto usage = at.ask("cache.usage", json::object());
  if (!usage) return at.report(usage.error());
  name_institutions(at, (*found)["items"]);
  (*found)["usage"] = *usage;
  const page whole;
  const listed what{std::move(*found), "items", "Nothing is cached that fits; 'penstock request' asks for studies."};
  if (auto shown = show_list(at, what, holding_columns(), columns_of(flags)); !shown) return at.report(shown.error());
  note_limit(at, what);
  if (at.format == output_format::table) show_usage(at, *usage);
  return exit_code::ok;
}

exit_code run_usage(context& at) {
  auto usage = at.ask("cache.usage", json::object());
  if (!usage) return at.report(usage.error());
  if (at.json)
    at.show(*usage);
  else
    show_usage(at, *usage);
  return exit_code::ok;
}

/// What `cache facets` tells when it is not told of what.
const std::vector<std::string> usual_facets{"modality", "institution", "department", "study-date", "size"};
constexpr std::size_t facet_bar_columns = 20;

struct facet_flags {
  holding_flags which;
  std::vector<std::string> columns;
};

/// Of a field with values: one line each, the most frequent first; of another: its least and greatest.
void add_facet(context& at, table& rows, const list_column& column, const json& facet) {
  const auto shown = [&](const json& value) {
    auto row = json::array({json{{std::string{column.field}, value}}});
    name_institutions(at, row);
    return value.is_null() ? std::string{} : drawn_value(row.front(), column).text;
  };
  const std::string heading{column.heading};
  if (facet.contains("least") || facet.contains("greatest")) {
    rows.add({heading, shown(facet.value("least", json{})) + " to " + shown(facet.value("greatest", json{})), "", ""});
    return;
  }
  std::uint64_t most = number_in(facet, "other");
  for (const auto& value : array_in(facet, "values")) most = std::max(most, number_in(value, "count"));
  const auto add = [&](const std::string& value, std::uint64_t count) {
    rows.add({heading, value.empty() ? cell{"(none)", tint::faint} : cell{value}, std::to_string(count),
              bar(count, most, facet_bar_columns)});
  };
  for (const auto& value : array_in(facet, "values"))
    add(shown(value.value("value", json{})), number_in(value, "count"));
  if (const auto other = number_in(facet, "other"); other != 0) add("(others)", other);
}

exit_code run_facets(context& at, const facet_flags& flags) {
  auto filter = filter_of(at, flags.which);
  if (!filter) return at.report(filter.error());
  std::string named;
  for (const auto& one : flags.columns.empty() ? usual_facets : flags.columns) named += one + ",";
  auto columns = chosen_columns(holding_columns(), named);
  if (!columns) return at.report(columns.error());
  json fields = json::array();
  for (const auto& column : *columns) fields.push_back(column.field);
  auto answer = at.ask("cache.facets", json{{"filter", std::move(*filter)}, {"fields", fields}});
  if (!answer && answer.error().code == messages::errc::unknown_command)
    return at.report({messages::errc::unknown_command,
                      "this server does not count facets yet; 'penstock cache list' "
                      "with --where and --sort does without"});
  if (!answer) return at.report(answer.error());
  if (at.json) {
    at.show(*answer);
    return exit_code::ok;
  }
  table rows{{{"Column"}, {"Value"}, {"Studies", alignment::right}, {""}}};
  const auto facets = answer->value("facets", json::object());
  for (const auto& column : *columns)
    if (const auto found = facets.find(std::string{column.field}); found != facets.end())
      add_facet(at, rows, column, *found);
  const page whole;
  at.show(rows);
  return exit_code::ok;
}

exit_code run_delete(context& at, const holding_flags& which) {
  auto studies = studies_of(at, which);
  if (!studies) return at.report(studies.error());
  auto answer = at.ask("cache.delete", json{{"studies", *studies}}, client::new_op());
  if (!answer) return at.report(answer.error());
  auto code = exit_code::ok;
  std::size_t deleted = 0;
  table refused{{{"Study"}, {"Outcome"}, {"Why"}}};
  for (const auto& row : array_in(*answer, "rows")) {
    const auto outcome = text_in(row, "outcome");
    if (outcome == "deleted") {
      ++deleted;
      continue;
    }
    code = exit_code::not_everything_ok;
    const auto study = text_in(row, "study");
    refused.add({study.empty() ? text_in(row, "StudyInstanceUID") : study, outcome, text_in(row, "message")});
  }
  if (at.json) {
    at.show(*answer);
    return code;
  }
  at.say(std::to_string(deleted) + (deleted == 1 ? " study" : " studies") + " deleted from the project's cache.");
  if (!refused.empty()) at.show(refused);
  return code;
}

}  // namespace

void add_cache_commands(CLI::App& program, context& at) {
  auto* cache = program.add_subcommand("cache", "The images that the project has")->require_subcommand(1);
  const auto flags = std::make_shared<cache_flags>();
  auto* list = cache->add_subcommand("list", "List them, with the quota; those that came last first");
  add_holding_flags(*list, flags->which);
  add_order_flags(*list, at, flags->list);
  list->add_flag("--uids", flags->show_uids, "Show Study Instance UIDs, too");
  list->add_option("--limit", flags->limit, "At most so many")->capture_default_str()->check(CLI::Range(1, 100'000));
  list->callback([&at, flags] { at.action = [&at, flags] { return run_list(at, *flags); }; });
  const auto wish = std::make_shared<facet_flags>();
  auto* facets = cache->add_subcommand("facets", "Count them by modality, institution, date and so on");
  add_holding_flags(*facets, wish->which);
  facets->add_option("COLUMN", wish->columns, "Columns of 'cache list' to count; default: the usual ones");
  facets->callback([&at, wish] { at.action = [&at, wish] { return run_facets(at, *wish); }; });
  cache->add_subcommand("usage", "Show how full the quota is")->callback([&at] {
    at.action = [&at] { return run_usage(at); };
  });
  const auto which = std::make_shared<holding_flags>();
  auto* remove = cache->add_subcommand("delete", "Give studies up, to make room");
  add_holding_flags(*remove, *which);
  add_study_choice(*remove, *which);
  remove->callback([&at, which] { at.action = [&at, which] { return run_delete(at, *which); }; });
}

}  // namespace penstock::commands
