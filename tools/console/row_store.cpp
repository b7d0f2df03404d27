#include "tools/console/row_store.hpp"

#include <algorithm>

namespace penstock::console {
namespace {

constexpr char end_of_value = '\x1f';
constexpr char shared_value = '\x1e';
constexpr std::size_t number_digits = 4;
constexpr std::size_t packed_number = 1 + number_digits;
constexpr unsigned digit_bits = 6;
constexpr char zero_digit = '@';

void append_number(std::string& to, text_pool::number number) {
  to += shared_value;
  for (std::size_t i = 0; i < number_digits; ++i, number >>= digit_bits)
    to += static_cast<char>(zero_digit + (number & ((1U << digit_bits) - 1)));
}

text_pool::number number_in(std::string_view packed) {
  text_pool::number number = 0;
  for (std::size_t i = packed_number; i-- > 1;)
    number = number << digit_bits | static_cast<text_pool::number>(packed[i] - zero_digit);
  return number;
}

}  // namespace

row_store::row_store(const row_shape& shape)
    : shared_(shape.columns, false), counted_column_(shape.counted), by_id_(0, id_hash{this}, same_id{this}) {
  for (const auto column : shape.shared) shared_[column] = true;
}

void row_store::append_value(std::string& to, std::size_t column, std::string_view value) {
  if (shared_[column] && value.size() > packed_number)
    append_number(to, pool_.keep(value));
  else
    for (const char c : value) to += c == end_of_value || c == shared_value ? ' ' : c;
  to += end_of_value;
}

void row_store::release(std::string_view packed_values) {
  for (auto at = packed_values.find(shared_value); at != packed_values.npos;
       at = packed_values.find(shared_value, at + packed_number))
    pool_.release(number_in(packed_values.substr(at, packed_number)));
}

void row_store::count(slot at, bool more) {
  if (!counted_column_) return;
  const auto text = value(at, *counted_column_);
  auto found = counts_.find(text);
  if (found == counts_.end()) found = counts_.emplace(text, 0).first;
  if (more)
    ++found->second;
  else if (--found->second == 0)
    counts_.erase(found);
}

void row_store::touch(slot at) {
  ++version_;
  touched_.push_back(at);
  if (touched_.size() > 2 * most_touched)
    touched_.erase(touched_.begin(), touched_.end() - static_cast<std::ptrdiff_t>(most_touched));
}

bool row_store::put(const std::string& id, const std::vector<std::string>& values) {
  std::string packed;
  for (std::size_t i = 0; i < columns(); ++i) append_value(packed, i, i < values.size() ? values[i] : "");
  packed.shrink_to_fit();
  if (const auto known = find(id)) {
    auto& kept = rows_[*known].values;
    const bool same = kept == packed;
    if (!same) count(*known, false);
    kept.swap(packed);
    release(packed);
    if (same) return true;
    count(*known, true);
    touch(*known);
    return true;
  }
  if (by_id_.size() >= most_rows) {
    release(packed);
    return false;
  }
  if (free_.empty()) {
    free_.push_back(static_cast<slot>(rows_.size()));
    rows_.emplace_back();
  }
  const auto at = free_.back();
  free_.pop_back();
  rows_[at] = {id, std::move(packed), true};
  by_id_.insert(at);
  count(at, true);
  touch(at);
  return true;
}

bool row_store::set(const std::string& id, std::size_t column, std::string_view value_text) {
  const auto known = find(id);
  if (!known || column >= columns()) return false;
  if (value(*known, column) == value_text) return true;
  auto& values = rows_[*known].values;
  const auto before = packed_value(*known, column);
  std::string replacement;
  append_value(replacement, column, value_text);
  const bool counted = column == counted_column_;
  if (counted) count(*known, false);
  release(before);
  values.replace(static_cast<std::size_t>(before.data() - values.data()), before.size() + 1, replacement);
  if (counted) count(*known, true);
  touch(*known);
  return true;
}

void row_store::erase(const std::string& id) {
  const auto known = by_id_.find(std::string_view{id});
  if (known == by_id_.end()) return;
  const auto at = *known;
  count(at, false);
  by_id_.erase(known);
  release(rows_[at].values);
  rows_[at] = {};
  free_.push_back(at);
  ++erased_;
  touch(at);
}

void row_store::clear() {
  for (slot at = 0; at < end_slot(); ++at)
    if (rows_[at].there) erase(std::string{rows_[at].id});
}

std::optional<row_store::slot> row_store::find(std::string_view id) const {
  const auto known = by_id_.find(id);
  return known == by_id_.end() ? std::nullopt : std::optional{*known};
}

std::string_view row_store::packed_value(slot at, std::size_t column) const {
  std::string_view rest = rows_[at].values;
  for (; column > 0; --column) rest.remove_prefix(std::min(rest.find(end_of_value), rest.size() - 1) + 1);
  return rest.substr(0, rest.find(end_of_value));
}

std::string_view row_store::value(slot at, std::size_t column) const {
  const auto packed = packed_value(at, column);
  return !packed.empty() && packed.front() == shared_value ? pool_.at(number_in(packed)) : packed;
}

std::optional<std::vector<row_store::slot>> row_store::touched_since(std::uint64_t version) const {
  const auto changes = version_ - version;
  if (changes > touched_.size() || changes > most_touched) return std::nullopt;
  std::vector<slot> found{touched_.end() - static_cast<std::ptrdiff_t>(changes), touched_.end()};
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace penstock::console
