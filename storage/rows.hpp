#pragma once
// State rows as structs: what actors load at their start and what listings read. Written through journal entries only.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "messages/journal.hpp"
#include "messages/result.hpp"
#include "storage/codec.hpp"
#include "storage/row_store.hpp"

namespace penstock::storage {

/// A row to put, for a journal entry.
template <messages::described T>
[[nodiscard]] messages::state_row put_row(std::string key, const T& value) {
  return {std::move(key), encode(value), false};
}

[[nodiscard]] inline messages::state_row erase_row(std::string key) { return {std::move(key), {}, true}; }

/// The row under `key`, nothing when absent. `what` names the kind of row for the error text.
template <messages::described T>
[[nodiscard]] messages::result<std::optional<T>> read_row(const row_reader& core, std::string_view key,
                                                          std::string_view what) {
  auto found = core.get(column::rows, key);
  if (!found) return found.error();
  if (!found->has_value()) return std::optional<T>{};
  auto decoded = decode<T>(**found, what);
  if (!decoded) return decoded.error();
  return std::optional<T>{std::move(*decoded)};
}

/// Calls `visit(key, row)` for each row of `range`; the first row that does not decode ends it with errc::corrupt.
template <messages::described T>
[[nodiscard]] messages::result<scan_end> read_rows(const row_reader& core, const row_range& range,
                                                   std::string_view what,
                                                   const std::function<bool(std::string_view, T&&)>& visit) {
  std::optional<messages::failure> broken;
  auto end = core.scan(column::rows, range, [&](std::string_view key, std::string_view value) {
    auto decoded = decode<T>(value, what);
    if (decoded) return visit(key, std::move(*decoded));
    broken = decoded.error();
    return false;
  });
  if (broken) return *broken;
  return end;
}

}  // namespace penstock::storage
