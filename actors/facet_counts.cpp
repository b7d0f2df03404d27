#include "actors/facet_counts.hpp"

#include <algorithm>
#include <utility>

namespace penstock::actors {

using messages::errc;
using messages::fail;
using messages::result;
using nlohmann::json;

namespace {

bool has_range(const listed_field& field) {
  return field.kind == field_kind::number || field.kind == field_kind::decimal || field.kind == field_kind::time;
}

}  // namespace

result<facet_counts> facet_counts::open(const std::string& filter, const std::vector<std::string>& fields,
                                        const listed_table& table) {
  auto parsed = row_filter::parse(filter, table.fields);
  if (!parsed) return parsed.error();
  if (fields.size() > most_fields)
    return fail(errc::bad_request, "fields: at most " + std::to_string(most_fields) + " at once");
  facet_counts opened{std::move(*parsed)};
  for (const auto& name : fields) {
    const auto* field = find_field(table.fields, name);
    if (field == nullptr) return fail(errc::bad_request, "fields: no such field here");
    opened.counted_.push_back(counted_field{field});
  }
  if (fields.empty())
    for (const auto& field : table.fields) opened.counted_.push_back(counted_field{&field});
  return opened;
}

void facet_counts::add(const json& item) {
  const auto verdict = filter_.judge(item);
  if (verdict.accepted) ++total_;
  for (auto& each : counted_)
    if (verdict.accepted || verdict.refused_only_by == each.field) count(each, item);
}

void facet_counts::count(counted_field& into, const json& item) {
  const auto& field = *into.field;
  const auto value = value_of(item, field);
  if (std::holds_alternative<std::monostate>(value)) return;
  const auto& spelled = member_of(item, field);
  if (has_range(field)) {
    if (std::holds_alternative<std::monostate>(into.least) || value < into.least) {
      into.least = value;
      into.least_item = spelled;
    }
    if (into.greatest < value) {
      into.greatest = value;
      into.greatest_item = spelled;
    }
    return;
  }
  if (field.kind == field_kind::flag) return count_value(into, spelled.get<bool>() ? "true" : "false");
  any_word(field, spelled.get_ref<const std::string&>(), [&](std::string_view word) {
    count_value(into, word);
    return false;
  });
}

void facet_counts::count_value(counted_field& into, std::string_view value) {
  if (value.empty()) return;
  if (const auto found = into.values.find(value); found != into.values.end())
    ++found->second;
  else if (into.values.size() < most_values_kept)
    into.values.emplace(value, 1);
  else
    ++into.other;
}

json facet_counts::told(const counted_field& counted) {
  if (has_range(*counted.field)) return {{"least", counted.least_item}, {"greatest", counted.greatest_item}};
  std::vector<std::pair<std::uint64_t, std::string_view>> ranking;
  for (const auto& [value, count] : counted.values) ranking.emplace_back(count, value);
  std::stable_sort(ranking.begin(), ranking.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  auto other = counted.other;
  auto values = json::array();
  for (const auto& [count, value] : ranking) {
    if (values.size() < most_values_told)
      values.push_back({{"value", value}, {"count", count}});
    else
      other += count;
  }
  return {{"values", std::move(values)}, {"other", other}};
}

std::string facet_counts::finish() const {
  auto facets = json::object();
  for (const auto& each : counted_) facets[std::string{each.field->name}] = told(each);
  return json{{"facets", std::move(facets)}, {"total", total_}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace penstock::actors
