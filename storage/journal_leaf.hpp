#pragma once
// An entry as the text that is hashed, and the identifiers that lie beside it (JOURNAL.md). Pure functions.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "messages/journal.hpp"
#include "messages/result.hpp"

namespace penstock::storage {

inline constexpr int leaf_version = 1;
inline constexpr std::size_t salt_bytes = 16;
/// Details nest no deeper: whoever verifies them later may use a recursive parser.
inline constexpr int details_nesting_limit = 16;

struct leaf_stamp {
  std::uint64_t sequence = 0;
  std::int64_t at_us = 0;
  std::int64_t boottime_ns = 0;
  std::string_view boot_id;
};

struct composed_leaf {
  std::string text;
  std::string side_car;  ///< empty when the entry has no identifiers
};

/// errc::bad_request when `details` is not an object, nests too deep or holds a float, when two identifiers have one
/// name, or when there is no kind; errc::too_large when `details` alone is over `limit_bytes` or the text is.
[[nodiscard]] messages::result<composed_leaf> compose_leaf(const messages::journal_entry& entry,
                                                           const leaf_stamp& stamp, std::size_t limit_bytes,
                                                           const std::function<void(std::span<std::uint8_t>)>& random);

/// errc::corrupt when a value in `side_car` is not what `leaf` committed to. Absent values were erased and are in
/// order.
[[nodiscard]] messages::result<void> check_side_car(std::string_view leaf, std::string_view side_car);

}  // namespace penstock::storage
