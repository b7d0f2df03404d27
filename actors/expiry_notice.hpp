#pragma once
// What the members of a project are told before its approval ends, and when. Pure: the queue keeps what was said last,
// so that each notice is given once, and again after the project was extended.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "messages/fields.hpp"

namespace penstock::actors {

/// In the order in which they fall due.
enum class expiry_stage : std::uint8_t { none, month_ahead, week_ahead, day_ahead, expired };

/// Days before the last day from which a notice is due.
inline constexpr std::int64_t month_ahead_days = 30;
inline constexpr std::int64_t week_ahead_days = 7;
inline constexpr std::int64_t day_ahead_days = 1;

/// What was said last, as it is persisted. For another last day, nothing was said yet.
struct said_expiry {
  std::int64_t valid_through_days = 0;  ///< the last day, in days since 1970
  std::uint8_t stage = 0;               ///< an expiry_stage
  PENSTOCK_FIELDS(valid_through_days, stage);
};

struct expiry_notice {
  std::string text;  ///< for the members
  said_expiry said;  ///< to be kept, so that it is not said again
};

/// The notice that is due at `now_us` and was not said yet. Who was not told in time is told only the latest. `now_us`
/// is the highest wall clock ever seen, `zone` that of the rules; nothing falls due without `valid_through`.
[[nodiscard]] std::optional<expiry_notice> due_expiry_notice(
    std::string_view project, const std::optional<std::chrono::year_month_day>& valid_through, std::string_view zone,
    std::int64_t now_us, const std::optional<said_expiry>& said);

}  // namespace penstock::actors
