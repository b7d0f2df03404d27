#include "tools/console/row_store.hpp"

#include <algorithm>

namespace penstock::console {
namespace {

constexpr char end_of_value = '\x1f';

void append_value(std::string& to, std::string_view value) {
  for (const char c : value) to += c == end_of_value ? ' ' : c;
  to += end_of_value;
}

}  // namespace

void row_store::touch(slot at) {
  ++version_;
  touched_.push_back(at);
  if (touched_.size() > 2 * most_touched)
    touched_.erase(touched_.begin(), touched_.end() - static_cast<std::ptrdiff_t>(most_touched));
}

bool row_store::put(const std::string& id, const std::vector<std::string>& values) {
  std::string packed;
  for (std::size_t i = 0; i < columns_; ++i) append_value(packed, i < values.size() ? values[i] : "");
  const auto known = by_id_.find(id);
  if (known != by_id_.end()) {
    if (rows_[known->second].values == packed) return true;
    rows_[known->second].values = std::move(packed);
    rows_[known->second].values.shrink_to_fit();
    touch(known->second);
    return true;
  }
  if (by_id_.size() >= most_rows) return false;
  if (free_.empty()) {
    free_.push_back(static_cast<slot>(rows_.size()));
    rows_.emplace_back();
  }
  const auto at = free_.back();
  free_.pop_back();
  packed.shrink_to_fit();
  rows_[at] = {id, std::move(packed), true};
  by_id_.emplace(id, at);
  touch(at);
  return true;
}

bool row_store::set(const std::string& id, std::size_t column, std::string_view value_text) {
  const auto known = by_id_.find(id);
  if (known == by_id_.end() || column >= columns_) return false;
  auto& values = rows_[known->second].values;
  const auto before = value(known->second, column);
  if (before == value_text) return true;
  std::string replacement;
  append_value(replacement, value_text);
  values.replace(static_cast<std::size_t>(before.data() - values.data()), before.size() + 1, replacement);
  touch(known->second);
  return true;
}

void row_store::erase(const std::string& id) {
  const auto known = by_id_.find(id);
  if (known == by_id_.end()) return;
  const auto at = known->second;
  by_id_.erase(known);
  rows_[at] = {};
  free_.push_back(at);
  touch(at);
}

void row_store::clear() {
  for (slot at = 0; at < end_slot(); ++at)
    if (rows_[at].there) erase(std::string{rows_[at].id});
}

std::optional<row_store::slot> row_store::find(std::string_view id) const {
  const auto known = by_id_.find(std::string{id});
  return known == by_id_.end() ? std::nullopt : std::optional{known->second};
}

std::string_view row_store::value(slot at, std::size_t column) const {
  std::string_view rest = rows_[at].values;
  for (; column > 0; --column) rest.remove_prefix(std::min(rest.find(end_of_value), rest.size() - 1) + 1);
  return rest.substr(0, rest.find(end_of_value));
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
