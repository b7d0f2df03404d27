#include "actors/row_filter.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

namespace penstock::actors {
namespace {

using messages::errc;
using messages::fail;
using messages::failure;
using messages::result;
using nlohmann::json;

constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t day_us = 86'400 * second_us;
constexpr std::size_t longest_shown_name = 64;

/// What a client sent is shown only when it can be the name of a field.
failure bad_field(std::string_view part, std::string_view name, std::string_view why) {
  const bool showable =
      !name.empty() && name.size() <= longest_shown_name && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.';
      });
  return fail(errc::bad_request,
              std::string{part} + ": " + std::string{showable ? name : "a field"} + ": " + std::string{why});
}

std::optional<std::int64_t> digits_at(std::string_view text, std::size_t from, std::size_t count) {
  if (text.size() < from + count) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text.substr(from, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<std::int64_t> day_us_of(std::string_view text) {
  const auto year = digits_at(text, 0, 4);
  const auto month = digits_at(text, 5, 2);
  const auto day = digits_at(text, 8, 2);
  if (!year || !month || !day || text[4] != '-' || text[7] != '-') return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date}.time_since_epoch().count() * day_us;
}

/// ".123Z" or "Z" as microseconds.
std::optional<std::int64_t> fraction_us(std::string_view text) {
  if (text == "Z") return 0;
  if (text.size() < 3 || text.size() > 8 || text.front() != '.' || text.back() != 'Z') return std::nullopt;
  const auto digits = text.size() - 2;
  auto value = digits_at(text, 1, digits);
  for (auto i = digits; value && i < 6; ++i) *value *= 10;
  return value;
}

/// A day, or an instant in UTC, in microseconds since 1970. As upper bound a day is its last microsecond.
std::optional<std::int64_t> time_us_of(std::string_view text, bool upper_bound) {
  const auto day = day_us_of(text);
  if (!day) return std::nullopt;
  if (text.size() == 10) return upper_bound ? *day + day_us - 1 : *day;
  const auto hour = digits_at(text, 11, 2);
  const auto minute = digits_at(text, 14, 2);
  const auto second = digits_at(text, 17, 2);
  if (!hour || !minute || !second || text[10] != 'T' || text[13] != ':' || text[16] != ':') return std::nullopt;
  const auto fraction = fraction_us(text.substr(19));
  if (!fraction || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return *day + (*hour * 3600 + *minute * 60 + *second) * second_us + *fraction;
}

std::optional<std::int64_t> integer_in(std::string_view text) {
  std::int64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, problem] = std::from_chars(text.data(), end, value);
  return problem == std::errc{} && stopped == end ? std::optional{value} : std::nullopt;
}

/// Some languages write every number as a fraction: 1000000.0 is an integer.
std::optional<std::int64_t> integer_in(const json& value) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return INT64_MAX;
  if (value.is_number_integer()) return value.get<std::int64_t>();
  constexpr double exact = 9'007'199'254'740'992.0;
  if (!value.is_number_float()) return std::nullopt;
  const auto number = value.get<double>();
  if (!(number >= -exact && number <= exact)) return std::nullopt;
  const auto whole = static_cast<std::int64_t>(number);
  return static_cast<double>(whole) == number ? std::optional{whole} : std::nullopt;
}

std::optional<std::int64_t> rank_of(const json& value, const listed_field& field) {
  if (!value.is_string()) return std::nullopt;
  const auto found = std::find(field.ranks.begin(), field.ranks.end(), value.get_ref<const std::string&>());
  return found == field.ranks.end() ? std::nullopt : std::optional<std::int64_t>{found - field.ranks.begin()};
}

std::optional<std::int64_t> number_of(const json& value, const listed_field& field, bool upper_bound) {
  switch (field.kind) {
    case field_kind::number:
      return integer_in(value);
    case field_kind::decimal:
      return value.is_string() ? integer_in(std::string_view{value.get_ref<const std::string&>()}) : std::nullopt;
    case field_kind::time:
      return value.is_string() ? time_us_of(value.get_ref<const std::string&>(), upper_bound) : std::nullopt;
    case field_kind::flag:
      return value.is_boolean() ? std::optional<std::int64_t>{value.get<bool>()} : std::nullopt;
    default:
      return rank_of(value, field);
  }
}

bool is_textual(const listed_field& field) { return field.kind == field_kind::text || field.kind == field_kind::words; }

/// The value that a JSON value of the field's type stands for; monostate for any other.
field_value read_value(const json& value, const listed_field& field, bool upper_bound) {
  if (is_textual(field)) return value.is_string() ? field_value{value.get<std::string>()} : field_value{};
  const auto number = number_of(value, field, upper_bound);
  return number ? field_value{*number} : field_value{};
}

bool is_absent(const field_value& value) { return std::holds_alternative<std::monostate>(value); }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

json parse_json(std::string_view text) { return json::parse(text, nullptr, /*allow_exceptions=*/false); }

}  // namespace

const listed_field* find_field(listed_fields fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

const json& member_of(const json& item, const listed_field& field) {
  static const json absent;
  const json* at = &item;
  for (auto rest = field.name; !rest.empty();) {
    const auto end = rest.find('.');
    const auto found = at->find(rest.substr(0, end));
    if (found == at->end()) return absent;
    at = &*found;
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  return *at;
}

field_value value_of(const json& item, const listed_field& field) {
  return read_value(member_of(item, field), field, false);
}

bool any_word(const listed_field& field, std::string_view text, const std::function<bool(std::string_view)>& any) {
  if (field.kind != field_kind::words) return any(text);
  while (true) {
    const auto end = text.find(',');
    if (any(text.substr(0, end))) return true;
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
}

bool is_like(std::string_view text, std::string_view pattern) {
  // After a mismatch only the last star can take one more character: at most text x pattern steps.
  std::size_t t = 0;
  std::size_t p = 0;
  std::size_t star = std::string_view::npos;
  std::size_t taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && lower(pattern[p]) == lower(text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

result<row_filter> row_filter::parse(std::string_view filter, listed_fields fields) {
  row_filter parsed;
  if (filter.empty()) return parsed;
  const auto facets = parse_json(filter);
  if (!facets.is_object()) return fail(errc::bad_request, "filter: not a JSON object");
  if (facets.size() > most_facets) return fail(errc::bad_request, "filter: too many fields");
  for (const auto& [name, conditions] : facets.items()) {
    const auto* field = find_field(fields, name);
    if (field == nullptr) return bad_field("filter", name, "no such field here");
    auto facet = parse_facet(*field, conditions);
    if (!facet) return facet.error();
    parsed.facets_.push_back(std::move(*facet));
  }
  return parsed;
}

result<row_filter::facet> row_filter::parse_facet(const listed_field& field, const json& conditions) {
  if (!conditions.is_object() || conditions.empty())
    return bad_field("filter", field.name, "wants an object with in, list, from, to or like");
  facet parsed;
  parsed.field = &field;
  for (const auto& [name, wanted] : conditions.items())
    if (auto done = parse_condition(name, wanted, parsed); !done) return done.error();
  return parsed;
}

result<void> row_filter::parse_condition(const std::string& name, const json& wanted, facet& into) {
  const auto& field = *into.field;
  const auto bad = [&](std::string_view why) { return bad_field("filter", field.name, why); };
  if (name == "in" || name == "list") {
    if (!wanted.is_array()) return bad("in and list want an array");
    if (wanted.size() > most_listed_values) return bad("too many values");
    for (const auto& each : wanted) {
      auto value = read_value(each, field, false);
      if (is_absent(value)) return bad("a value of the wrong type");
      if (auto* text = std::get_if<std::string>(&value))
        into.texts.insert(std::move(*text));
      else
        into.numbers.insert(std::get<std::int64_t>(value));
    }
    return {};
  }
  if (name == "from" || name == "to") {
    if (field.kind == field_kind::flag) return bad("has no order");
    auto& bound = name == "from" ? into.from : into.to;
    bound = read_value(wanted, field, name == "to");
    return is_absent(bound) ? result<void>{bad("a bound of the wrong type")} : result<void>{};
  }
  if (name == "like") {
    if (!is_textual(field)) return bad("is not a text");
    if (!wanted.is_string() || wanted.get_ref<const std::string&>().size() > longest_pattern_bytes)
      return bad("like wants a text of at most 256 bytes");
    into.like = wanted.get<std::string>();
    return {};
  }
  return bad("wants in, list, from, to or like");
}

bool row_filter::accepts(const json& item) const {
  return std::all_of(facets_.begin(), facets_.end(),
                     [&](const facet& each) { return accepts(each, value_of(item, *each.field)); });
}

row_filter::verdict row_filter::judge(const json& item) const {
  const listed_field* refuses = nullptr;
  for (const auto& each : facets_) {
    if (accepts(each, value_of(item, *each.field))) continue;
    if (refuses != nullptr) return {};
    refuses = each.field;
  }
  return {refuses == nullptr, refuses};
}

bool row_filter::accepts(const facet& facet, const field_value& value) {
  if (is_absent(value)) return false;
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr && facet.numbers.contains(std::get<std::int64_t>(value))) return true;
  if (text != nullptr) {
    const bool listed = any_word(*facet.field, *text, [&](std::string_view word) {
      return facet.texts.contains(std::string{word}) || (facet.like && is_like(word, *facet.like));
    });
    if (listed) return true;
  }
  const bool bounded = !is_absent(facet.from) || !is_absent(facet.to);
  // A text that is empty is not known: no range holds it.
  if (!bounded || (text != nullptr && text->empty())) return false;
  return !(value < facet.from) && (is_absent(facet.to) || !(facet.to < value));
}

result<row_order> row_order::parse(std::string_view sort, std::string_view otherwise, listed_fields fields,
                                   std::span<const std::string_view> unique) {
  const auto columns = parse_json(sort.empty() ? otherwise : sort);
  if (!columns.is_array() || columns.size() > most_columns)
    return fail(errc::bad_request, "sort: wants an array of at most 8 pairs of field and direction");
  row_order order;
  for (const auto& pair : columns) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string())
      return fail(errc::bad_request, "sort: wants pairs of field and direction");
    const auto& name = pair[0].get_ref<const std::string&>();
    const auto& direction = pair[1].get_ref<const std::string&>();
    const auto* field = find_field(fields, name);
    if (field == nullptr) return bad_field("sort", name, "no such field here");
    if (direction != "asc" && direction != "desc") return bad_field("sort", name, "the direction is asc or desc");
    if (order.has(*field)) return bad_field("sort", name, "named twice");
    order.columns_.push_back({field, direction == "desc"});
  }
  for (const auto name : unique)
    if (const auto* field = find_field(fields, name); field != nullptr && !order.has(*field))
      order.columns_.push_back({field, false});
  return order;
}

bool row_order::has(const listed_field& field) const {
  return std::any_of(columns_.begin(), columns_.end(), [&](const sorted_field& each) { return each.field == &field; });
}

row_order::key row_order::key_of(const json& item) const {
  key made;
  made.reserve(columns_.size());
  for (const auto& column : columns_) made.push_back(value_of(item, *column.field));
  return made;
}

bool row_order::before(const key& one, const key& other) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (one[i] == other[i]) continue;
    return columns_[i].descending ? other[i] < one[i] : one[i] < other[i];
  }
  return false;
}

json row_order::spell(const key& of) {
  auto spelled = json::array();
  for (const auto& value : of) {
    if (const auto* number = std::get_if<std::int64_t>(&value))
      spelled.push_back(*number);
    else if (const auto* text = std::get_if<std::string>(&value))
      spelled.push_back(*text);
    else
      spelled.push_back(nullptr);
  }
  return spelled;
}

std::optional<row_order::key> row_order::read(const json& spelled) const {
  if (!spelled.is_array() || spelled.size() != columns_.size()) return std::nullopt;
  key made;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const auto& value = spelled[i];
    if (value.is_null())
      made.emplace_back();
    else if (is_textual(*columns_[i].field) && value.is_string())
      made.emplace_back(value.get<std::string>());
    else if (!is_textual(*columns_[i].field) && value.is_number_integer())
      made.emplace_back(value.get<std::int64_t>());
    else
      return std::nullopt;
  }
  return made;
}

}  // namespace penstock::actors
