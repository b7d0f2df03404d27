#include "tools/console/row_view.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <functional>
#include <unordered_map>

namespace penstock::console {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::optional<int> digits(std::string_view text, std::size_t begin, std::size_t count) {
  int value = 0;
  if (begin + count > text.size()) return std::nullopt;
  const auto* end = text.data() + begin + count;
  const auto read = std::from_chars(text.data() + begin, end, value);
  return read.ec == std::errc{} && read.ptr == end ? std::optional{value} : std::nullopt;
}

std::optional<double> days_of(std::string_view value) {
  const bool dashes = value.size() >= 10 && value[4] == '-';
  const auto year = digits(value, 0, 4);
  const auto month = digits(value, dashes ? 5 : 4, 2);
  const auto day = digits(value, dashes ? 8 : 6, 2);
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return static_cast<double>(std::chrono::sys_days{date}.time_since_epoch().count());
}

/// Never 0. The id belongs to it: a slot may have got another row with the same value.
std::uint64_t mark_of(std::string_view value, std::string_view id) {
  const std::hash<std::string_view> hash;
  return (hash(value) * 31 + hash(id)) | 1U;
}

/// Few comparisons when `fresh` is short: what lies between is moved as a whole.
template <class Earlier>
void insert_sorted(std::vector<row_store::slot>& order, const std::vector<row_store::slot>& fresh, Earlier earlier) {
  if (fresh.empty()) return;
  std::vector<row_store::slot> merged;
  merged.reserve(order.size() + fresh.size());
  auto from = order.cbegin();
  for (const auto at : fresh) {
    const auto to = std::lower_bound(from, order.cend(), at, earlier);
    merged.insert(merged.end(), from, to);
    merged.push_back(at);
    from = to;
  }
  merged.insert(merged.end(), from, order.cend());
  order.swap(merged);
}

}  // namespace

std::vector<std::string> facts_of(const row_store& rows, const std::vector<column_spec>& columns, std::string_view id) {
  constexpr std::size_t title_columns = 18;
  std::vector<std::string> lines;
  const auto at = rows.find(id);
  for (std::size_t i = 0; at && i < columns.size(); ++i) {
    const auto value = rows.value(*at, i);
    if (value.empty()) continue;
    auto title = columns[i].title;
    title.resize(std::max(title.size() + 1, title_columns), ' ');
    lines.push_back(title + (columns[i].shown ? columns[i].shown(value) : std::string{value}));
  }
  return lines;
}

std::optional<double> measure_of(value_kind kind, std::string_view value) {
  if (kind == value_kind::time) return days_of(value);
  double number = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
  return read.ec == std::errc{} ? std::optional{number} : std::nullopt;
}

bool contains_text(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

std::string row_view::shown(row_store::slot at, std::size_t column) const {
  const auto value = rows_.value(at, column);
  return columns_[column].shown ? columns_[column].shown(value) : std::string{value};
}

void row_view::sort_by(std::size_t column, bool descending) {
  stale_ = stale_ || column != sort_column_ || descending != descending_;
  sort_column_ = column;
  descending_ = descending;
}

void row_view::set_filter(row_filter filter) {
  stale_ = stale_ || !(filter == filter_);
  filter_ = std::move(filter);
}

bool row_view::accepts(row_store::slot at, std::optional<std::size_t> but_for) const {
  for (const auto& [column, wanted] : filter_.values)
    if (column != but_for && !wanted.empty() && !wanted.contains(std::string{rows_.value(at, column)})) return false;
  for (const auto& [column, range] : filter_.ranges) {
    if (column == but_for) continue;
    const auto measure = measure_of(columns_[column].kind, rows_.value(at, column));
    if (!measure || *measure < range.from || *measure > range.to) return false;
  }
  for (const auto& [column, list] : filter_.lists)
    if (!list.contains(std::string{rows_.value(at, column)})) return false;
  if (filter_.text.empty()) return true;
  for (std::size_t column = 0; column < columns_.size(); ++column)
    if (contains_text(shown(at, column), filter_.text)) return true;
  return false;
}

/// By value, then by id, so that the order of equal rows never changes.
bool row_view::before(row_store::slot a, row_store::slot b) const {
  const auto left = rows_.value(a, sort_column_);
  const auto right = rows_.value(b, sort_column_);
  if (columns_[sort_column_].kind == value_kind::number) {
    const auto x = measure_of(value_kind::number, left);
    const auto y = measure_of(value_kind::number, right);
    if (x != y) return descending_ ? y < x : x < y;
  } else if (const int order = left.compare(right); order != 0) {
    return descending_ ? order > 0 : order < 0;
  }
  return rows_.id(a) < rows_.id(b);
}

void row_view::rebuild() {
  order_.clear();
  // Values are looked up once a row, not once a comparison: 100,000 rows are sorted in a tenth of the time.
  struct keyed {
    std::string_view text;
    std::optional<double> number;
    row_store::slot at;
  };
  std::vector<keyed> keys;
  const bool numbers = columns_[sort_column_].kind == value_kind::number;
  for (row_store::slot at = 0; at < rows_.end_slot(); ++at) {
    if (!rows_.is_row(at) || !accepts(at)) continue;
    const auto text = rows_.value(at, sort_column_);
    keys.push_back({text, numbers ? measure_of(value_kind::number, text) : std::nullopt, at});
  }
  std::sort(keys.begin(), keys.end(), [&](const keyed& a, const keyed& b) {
    if (numbers && a.number != b.number) return descending_ ? b.number < a.number : a.number < b.number;
    const int order = numbers ? 0 : a.text.compare(b.text);
    if (order != 0) return descending_ ? order > 0 : order < 0;
    return rows_.id(a.at) < rows_.id(b.at);
  });
  order_.reserve(keys.size());
  for (const auto& key : keys) order_.push_back(key.at);
  placed_.assign(rows_.end_slot(), 0);
  for (const auto& key : keys) placed_[key.at] = mark_of(key.text, rows_.id(key.at));
}

std::uint64_t row_view::placing(row_store::slot at) const {
  return rows_.is_row(at) && accepts(at) ? mark_of(rows_.value(at, sort_column_), rows_.id(at)) : 0;
}

void row_view::merge(const std::vector<row_store::slot>& touched) {
  placed_.resize(rows_.end_slot(), 0);
  std::vector<row_store::slot> moved;
  std::vector<row_store::slot> fresh;
  for (const auto at : touched) {
    const auto now = placing(at);
    if (now == placed_[at]) continue;
    if (placed_[at] != 0) moved.push_back(at);
    if (now != 0) fresh.push_back(at);
    placed_[at] = now;
  }
  if (!moved.empty()) {
    const auto has_moved = [&](row_store::slot at) { return std::binary_search(moved.begin(), moved.end(), at); };
    order_.erase(std::remove_if(order_.begin(), order_.end(), has_moved), order_.end());
  }
  const auto earlier = [&](auto a, auto b) { return before(a, b); };
  std::sort(fresh.begin(), fresh.end(), earlier);
  insert_sorted(order_, fresh, earlier);
}

void row_view::refresh() {
  const auto touched = rows_.touched_since(seen_version_);
  if (stale_ || !touched || !touched->empty()) ++version_;
  if (stale_ || !touched)
    rebuild();
  else if (!touched->empty())
    merge(*touched);
  stale_ = false;
  seen_version_ = rows_.version();
}

std::optional<std::size_t> row_view::position_of(std::string_view id) const {
  const auto at = rows_.find(id);
  if (!at || !accepts(*at)) return std::nullopt;
  const auto found = std::lower_bound(order_.begin(), order_.end(), *at, [&](auto a, auto b) { return before(a, b); });
  if (found == order_.end() || *found != *at) return std::nullopt;
  return static_cast<std::size_t>(found - order_.begin());
}

facet_counts row_view::count(std::size_t column) const {
  facet_counts counted;
  std::unordered_map<std::string, std::size_t> by_value;
  bool first = true;
  const auto kind = columns_[column].kind;
  for (row_store::slot at = 0; at < rows_.end_slot(); ++at) {
    if (!rows_.is_row(at)) continue;
    const auto value = rows_.value(at, column);
    // The ends of a range stay where they are while other filters change.
    if (kind != value_kind::text) {
      const auto measure = measure_of(kind, value);
      if (!measure) continue;
      counted.least = first ? *measure : std::min(counted.least, *measure);
      counted.greatest = first ? *measure : std::max(counted.greatest, *measure);
      first = false;
    } else if (accepts(at, column)) {
      ++by_value[std::string{value}];
    }
  }
  counted.values.assign(by_value.begin(), by_value.end());
  if (const auto chosen = filter_.values.find(column); chosen != filter_.values.end())
    for (const auto& value : chosen->second)
      if (!by_value.contains(value)) counted.values.emplace_back(value, 0);
  std::sort(counted.values.begin(), counted.values.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  for (std::size_t i = most_values; i < counted.values.size(); ++i) counted.others += counted.values[i].second;
  counted.values.resize(std::min(counted.values.size(), most_values));
  return counted;
}

}  // namespace penstock::console
