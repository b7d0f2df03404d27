#include "tools/penstock/list_output.hpp"

#include <iostream>
#include <map>

#include "tools/penstock/csv.hpp"
#include "tools/penstock/input_lists.hpp"
#include "tools/penstock/search.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using messages::errc;
using messages::fail;
using nlohmann::json;

std::string compact(const json& row) { return row.dump(-1, ' ', false, json::error_handler_t::replace); }

void show_csv(const json& rows, list_columns columns, const std::string& chosen,
              const std::vector<list_column>& named) {
  std::vector<list_column> written{named};
  if (chosen.empty()) written.assign(columns.begin(), columns.end());  // programs want all there is
  std::vector<std::string> record;
  for (const auto& column : written) record.emplace_back(column.field);
  std::cout << csv_record(record);
  for (const auto& row : rows) {
    record.clear();
    for (const auto& column : written) record.push_back(raw_value(row, column));
    std::cout << csv_record(record);
  }
  std::cout << std::flush;
}

table drawn(const json& rows, const std::vector<list_column>& named) {
  std::vector<column> headings;
  for (const auto& one : named) {
    const bool counts = one.kind == column_kind::number || one.kind == column_kind::bytes;
    headings.push_back({std::string{one.heading}, counts ? alignment::right : alignment::left});
  }
  table made{std::move(headings)};
  for (const auto& row : rows) {
    std::vector<cell> cells;
    for (const auto& one : named) cells.push_back(drawn_value(row, one));
    made.add(std::move(cells));
  }
  return made;
}

/// {"gh": "General Hospital"}, of a server that is connected.
std::map<std::string, std::string> institutions_of(context& at) {
  std::map<std::string, std::string> names;
  if (auto server = at.server())
    for (const auto& one : array_in((*server)->greeting(), "institutions"))
      names.emplace(text_in(one, "id"), text_in(one, "name"));
  return names;
}

enum class spelled { by_id, by_name };

void spell_institutions(context& at, json& filter, spelled how) {
  const auto facet = filter.find("institution");
  if (facet == filter.end() || !facet->contains("in")) return;
  for (const auto& [id, name] : institutions_of(at))
    for (auto& wanted : (*facet)["in"])
      if (wanted == id || wanted == name) wanted = how == spelled::by_id ? id : name;
}

result<json> parsed_filter(const filter_flags& flags, list_columns columns) {
  auto filter = parse_where(flags.where, columns);
  if (!filter || flags.mrn_file.empty()) return filter;
  auto mrns = read_mrns(flags.mrn_file, flags.mrn_column);
  if (!mrns) return mrns.error();
  if (filter->contains("PatientID")) return fail(errc::bad_request, "give --mrns, or --where mrn=...; not both");
  (*filter)["PatientID"] = json{{"list", std::move(*mrns)}};
  return filter;
}

}  // namespace

void add_filter_flags(CLI::App& command, filter_flags& flags, list_columns columns) {
  command
      .add_option("--where", flags.where,
                  "Only rows that fit, such as modality=MR,CT, study-date=2009..2012 or mrn~10*; may be repeated. "
                  "Columns: " +
                      names_of(columns))
      ->type_name("CONDITION")
      ->allow_extra_args(false);
  if (find_column(columns, "PatientID") == nullptr || command.get_option_no_throw("--mrns") != nullptr) return;
  command.add_option("--mrns", flags.mrn_file, "Only rows of these patients: a list, or CSV; - is standard input")
      ->type_name("FILE");
  command.add_option("--column", flags.mrn_column, "Column of that CSV with the MRN")->type_name("HEADING");
}

void add_list_flags(CLI::App& command, context& at, list_flags& flags, list_columns columns) {
  add_filter_flags(command, flags.filter, columns);
  add_order_flags(command, at, flags);
}

void add_order_flags(CLI::App& command, context& at, list_flags& flags) {
  command.add_option("--sort", flags.sort, "Column to sort by; several, parted by commas, the first counts most")
      ->type_name("COLUMN[:desc]")
      ->allow_extra_args(false);
  command.add_option("--columns", flags.columns, "Columns to show in a table or CSV")->type_name("A,B,C");
  at.lists.push_back(&command);
}

result<json> wire_filter(context& at, const filter_flags& flags, list_columns columns) {
  auto filter = parsed_filter(flags, columns);
  if (filter) spell_institutions(at, *filter, spelled::by_id);
  return filter;
}

result<json> choose_rows(context& at, const json& rows, const list_flags& flags, list_columns columns) {
  auto filter = parsed_filter(flags.filter, columns);
  if (!filter) return filter;
  auto sort = parse_sort(flags.sort, columns);
  if (!sort) return sort;
  spell_institutions(at, *filter, spelled::by_name);
  return filtered_and_sorted(rows, columns, *filter, *sort);
}

result<void> show_list(const context& at, const listed& what, list_columns columns, const std::string& chosen) {
  auto named = chosen_columns(columns, chosen);
  if (!named) return named.error();
  const auto& rows = array_in(what.document, what.items);
  switch (at.format) {
    case output_format::json:
      at.show(what.document);
      break;
    case output_format::jsonl:
      for (const auto& row : rows) std::cout << compact(row) << '\n';
      std::cout << std::flush;
      break;
    case output_format::csv:
      show_csv(rows, columns, chosen, *named);
      break;
    case output_format::table:
      if (rows.empty())
        at.say(what.when_empty);
      else
        at.show(drawn(rows, *named));
  }
  return {};
}

void note_limit(const context& at, const listed& what) {
  const auto shown = array_in(what.document, what.items).size();
  const auto total = number_in(what.document, "total");
  if (total <= shown || at.format == output_format::json) return;
  const auto note = std::to_string(shown) + " of " + std::to_string(total) + " shown; --limit shows more.";
  if (at.format == output_format::table)
    at.say(note);
  else
    std::cerr << "penstock: " << note << std::endl;
}

void name_institutions(context& at, json& rows) {
  const auto names = institutions_of(at);
  for (auto& row : rows) {
    const auto given = text_in(row, "institution");
    const auto known = names.find(given);
    row["institution_name"] = known == names.end() ? given : known->second;
  }
}

cell study_time_cell(const json& row) { return study_time(text_in(row, "StudyDate"), text_in(row, "StudyTime")); }

cell institution_cell(const json& row) {
  const auto name = text_in(row, "institution_name");
  return name.empty() ? text_in(row, "institution") : name;
}

}  // namespace penstock::commands
