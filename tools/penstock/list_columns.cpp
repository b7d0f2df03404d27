#include "tools/penstock/list_columns.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <ctime>
#include <optional>

#include "actors/row_filter.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/input_lists.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using messages::errc;
using messages::fail;
using nlohmann::json;

constexpr std::string_view range_mark = "..";

result<json> no_column(const char* flag, std::string_view name, list_columns columns) {
  return fail(errc::bad_request,
              std::string{flag} + ": there is no column '" + std::string{name} + "'; there are: " + names_of(columns));
}

const json& value_at(const json& row, std::string_view field) {
  static const json none;
  const json* at = &row;
  for (auto rest = field; !rest.empty();) {
    const auto end = std::min(rest.find('.'), rest.size());
    if (!at->is_object()) return none;
    const auto found = at->find(rest.substr(0, end));
    if (found == at->end()) return none;
    at = &*found;
    rest = rest.substr(std::min(end + 1, rest.size()));
  }
  return *at;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, problem] = std::from_chars(text.data(), end, value);
  return problem == std::errc{} && stopped == end ? std::optional{value} : std::nullopt;
}

/// "512", "10M", "1.5 GiB".
std::optional<std::int64_t> size_in(std::string_view text) {
  double value = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc{} || value < 0 || value > 1e15) return std::nullopt;
  auto unit = heading_form({stopped, static_cast<std::size_t>(end - stopped)});
  for (const std::string_view ending : {"ib", "b"})
    if (unit.ends_with(ending)) {
      unit.resize(unit.size() - ending.size());
      break;
    }
  double factor = 1;
  if (!unit.empty()) {
    const auto power = std::string_view{"kmgt"}.find(unit);
    if (unit.size() != 1 || power == std::string_view::npos) return std::nullopt;
    for (std::size_t i = 0; i <= power; ++i) factor *= 1024;
  }
  return static_cast<std::int64_t>(value * factor);
}

/// Where the user is, a day begins (or, as upper bound, ends) at this instant of UTC.
std::string instant_of_day(const std::string& digits, bool upper_bound) {
  std::tm local{};
  local.tm_year = std::stoi(digits.substr(0, 4)) - 1900;
  local.tm_mon = std::stoi(digits.substr(4, 2)) - 1;
  local.tm_mday = std::stoi(digits.substr(6)) + (upper_bound ? 1 : 0);
  local.tm_isdst = -1;
  const std::time_t instant = std::mktime(&local) - (upper_bound ? 1 : 0);
  std::tm utc{};
  ::gmtime_r(&instant, &utc);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), upper_bound ? "%Y-%m-%dT%H:%M:%S.999Z" : "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

result<json> bound_of(const list_column& column, std::string_view text) {
  if (column.kind == column_kind::number || column.kind == column_kind::bytes) {
    const auto number = column.kind == column_kind::bytes ? size_in(text) : whole_number(text);
    if (!number) return fail(errc::bad_request, "not a number");
    return json(*number);
  }
  if (column.kind != column_kind::flag) return json(text);
  const auto word = heading_form(text);
  if (word == "true" || word == "yes") return json(true);
  if (word == "false" || word == "no") return json(false);
  return fail(errc::bad_request, "neither yes nor no");
}

result<json> values_of(const list_column& column, std::string_view text) {
  json wanted = json::array();
  auto values = split_commas(text);
  if (values.empty()) values.emplace_back();  // "accession=": those without
  for (const auto& value : values) {
    auto bound = bound_of(column, value);
    if (!bound) return bound;
    wanted.push_back(std::move(*bound));
  }
  return json{{"in", std::move(wanted)}};
}

result<json> facet_of(const list_column& column, std::string_view text) {
  if (column.kind == column_kind::date && !text.empty()) return date_facet(text);
  if (column.kind == column_kind::time) {
    auto days = date_facet(text);
    if (!days) return days;
    for (const char* bound : {"from", "to"})
      if (days->contains(bound))
        (*days)[bound] = instant_of_day((*days)[bound].get<std::string>(), std::string_view{bound} == "to");
    return days;
  }
  const auto dots = text.find(range_mark);
  const bool has_order =
      column.kind == column_kind::number || column.kind == column_kind::bytes || column.kind == column_kind::decimal;
  if (!has_order || dots == std::string_view::npos) return values_of(column, text);
  json bounds = json::object();
  for (const auto& [name, part] :
       {std::pair{"from", text.substr(0, dots)}, std::pair{"to", text.substr(dots + range_mark.size())}}) {
    if (part.empty()) continue;
    auto bound = bound_of(column, part);
    if (!bound) return bound;
    bounds[name] = std::move(*bound);
  }
  if (bounds.empty()) return fail(errc::bad_request, "a range wants a beginning or an end");
  return bounds;
}

actors::field_kind kind_for_rows(column_kind kind) {
  switch (kind) {
    case column_kind::words:
      return actors::field_kind::words;
    case column_kind::number:
    case column_kind::bytes:
      return actors::field_kind::number;
    case column_kind::decimal:
      return actors::field_kind::decimal;
    case column_kind::time:
      return actors::field_kind::time;
    case column_kind::flag:
      return actors::field_kind::flag;
    default:
      return actors::field_kind::text;
  }
}

}  // namespace

const list_column* find_column(list_columns columns, std::string_view name) {
  const auto wanted = heading_form(name);
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const auto& column) {
    return wanted == heading_form(column.name) || wanted == heading_form(column.field);
  });
  if (found != columns.end()) return &*found;
  const auto headed = std::find_if(columns.begin(), columns.end(),
                                   [&](const auto& column) { return wanted == heading_form(column.heading); });
  return headed == columns.end() ? nullptr : &*headed;
}

std::string names_of(list_columns columns) {
  std::string names;
  for (const auto& column : columns) names += (names.empty() ? "" : ", ") + std::string{column.name};
  return names;
}

result<std::vector<list_column>> chosen_columns(list_columns columns, std::string_view named) {
  std::vector<list_column> chosen;
  for (const auto& name : split_commas(named)) {
    const auto* column = find_column(columns, name);
    if (column == nullptr) return no_column("--columns", name, columns).error();
    chosen.push_back(*column);
  }
  if (chosen.empty())
    std::copy_if(columns.begin(), columns.end(), std::back_inserter(chosen), [](const auto& one) { return one.shown; });
  return chosen;
}

result<json> date_facet(std::string_view text) {
  auto range = parse_date_range(text);
  if (!range) return range.error();
  const auto dash = range->find('-');
  json days = json::object();
  if (dash != 0) days["from"] = range->substr(0, dash);
  if (dash == std::string::npos)
    days["to"] = *range;
  else if (dash + 1 < range->size())
    days["to"] = range->substr(dash + 1);
  return days;
}

result<json> parse_where(const std::vector<std::string>& conditions, list_columns columns) {
  json filter = json::object();
  for (const auto& condition : conditions) {
    const auto mark = condition.find_first_of("=~");
    if (mark == std::string::npos)
      return fail(errc::bad_request,
                  "--where " + condition +
                      ": write column=value, column=from..to or column~pattern*; columns are: " + names_of(columns));
    const auto name = std::string_view{condition}.substr(0, mark);
    const auto* column = find_column(columns, name);
    if (column == nullptr) return no_column("--where", name, columns);
    if (column->who == known_to::client)
      return fail(errc::bad_request, "--where: the server cannot choose by " + std::string{column->name});
    const std::string field{column->field};
    if (filter.contains(field))
      return fail(errc::bad_request,
                  "--where: " + std::string{column->name} + " is named twice; join the values with commas");
    const auto wanted = std::string_view{condition}.substr(mark + 1);
    auto facet = condition[mark] == '~' ? result<json>{json{{"like", wanted}}} : facet_of(*column, wanted);
    if (!facet) return fail(errc::bad_request, "--where " + condition + ": " + facet.error().context);
    filter[field] = std::move(*facet);
  }
  return filter;
}

result<json> parse_sort(const std::vector<std::string>& wishes, list_columns columns) {
  json sort = json::array();
  for (const auto& joined : wishes)
    for (const auto& wish : split_commas(joined)) {
      const auto colon = std::min(wish.find(':'), wish.size());
      const auto direction = colon == wish.size() ? "asc" : wish.substr(colon + 1);
      if (direction != "asc" && direction != "desc")
        return fail(errc::bad_request, "--sort " + wish + ": write column, column:asc or column:desc");
      const auto* column = find_column(columns, wish.substr(0, colon));
      if (column == nullptr) return no_column("--sort", wish.substr(0, colon), columns);
      if (column->who == known_to::client)
        return fail(errc::bad_request, "--sort: the server cannot sort by " + std::string{column->name});
      sort.push_back(json::array({column->field, direction}));
    }
  return sort;
}

result<json> filtered_and_sorted(const json& rows, list_columns columns, const json& filter, const json& sort) {
  std::vector<actors::listed_field> fields;
  for (const auto& column : columns) fields.push_back({column.field, kind_for_rows(column.kind), {}});
  auto accepted = actors::row_filter::parse(filter.dump(), fields);
  if (!accepted) return accepted.error();
  auto order = actors::row_order::parse(sort.dump(), "[]", fields, {});
  if (!order) return order.error();
  std::vector<std::pair<actors::row_order::key, const json*>> kept;
  for (const auto& row : rows) {
    auto comparable = row;
    for (const auto& column : columns)
      if (column.kind == column_kind::words) comparable[std::string{column.field}] = raw_value(row, column);
    if (accepted->accepts(comparable)) kept.emplace_back(order->key_of(comparable), &row);
  }
  std::stable_sort(kept.begin(), kept.end(),
                   [&](const auto& one, const auto& other) { return order->before(one.first, other.first); });
  json sorted = json::array();
  for (const auto& [key, row] : kept) sorted.push_back(*row);
  return sorted;
}

std::string raw_value(const json& row, const list_column& column) {
  const auto& value = value_at(row, column.field);
  return value.is_null() ? "" : list_in(json{{"value", value}}, "value");
}

cell drawn_value(const json& row, const list_column& column) {
  if (column.draw != nullptr) return column.draw(row);
  const auto raw = raw_value(row, column);
  switch (column.kind) {
    case column_kind::bytes: {
      const auto bytes = whole_number(raw);
      return bytes ? human_bytes(static_cast<std::uint64_t>(*bytes)) : raw;
    }
    case column_kind::date:
      return study_time(raw, "");
    case column_kind::time:
      return local_time(raw);
    default:
      return raw;
  }
}

}  // namespace penstock::commands
