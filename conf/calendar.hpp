#pragma once
// Civil time: which window of a PACS is in force at an instant, and until when. All functions are pure and safe to call
// from any thread; the time zone database of the machine is read once.
//
// Windows are matched against the local date and time of an instant, which always exists and is unambiguous: an hour
// that the clocks repeat is open twice, an hour that they skip does not exist.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "conf/rules.hpp"

namespace penstock::conf {

/// How far from the instant a change of the window in force is searched for, either way. Every week has all its changes
/// within this.
inline constexpr std::chrono::days calendar_reach{8};

/// A span of time during which the same window is in force, or none.
struct stretch {
  /// Position in the PACS's list; nothing = closed.
  std::optional<std::size_t> window;
  /// First and past-the-end instant, UTC. `calendar_reach` away from the instant asked about when nothing changes so
  /// far: then ask again.
  std::chrono::sys_seconds begins;
  std::chrono::sys_seconds ends;

  bool operator==(const stretch&) const = default;
};

/// True when the machine's tzdata has a zone of that IANA name.
[[nodiscard]] bool is_time_zone(std::string_view name);

/// What is in force at `at`. `zone` must satisfy is_time_zone: rules that were loaded do; otherwise the answer is
/// closed.
[[nodiscard]] stretch stretch_at(const std::vector<window>& windows, std::string_view zone,
                                 std::chrono::sys_seconds at);

/// All stretches from the one in force at `from` to the one in force just before `to`, in order and without gaps. The
/// first begins at or before `from`, the last ends at or after `to`. For `from` < `to`.
[[nodiscard]] std::vector<stretch> stretches_between(const std::vector<window>& windows, std::string_view zone,
                                                     std::chrono::sys_seconds from, std::chrono::sys_seconds to);

/// The limits of that stretch; nothing when it is closed.
[[nodiscard]] std::optional<window_limits> limits_of(const std::vector<window>& windows, const stretch& in_force);

/// The calendar date at `at` in `zone`; UTC's when there is no such zone.
[[nodiscard]] std::chrono::year_month_day local_date(std::chrono::sys_seconds at, std::string_view zone);

/// `valid_through` is the last day, inclusive; nothing never expires.
[[nodiscard]] bool is_past(const std::optional<std::chrono::year_month_day>& valid_through,
                           std::chrono::year_month_day today);

/// The first instant at which `valid_through` is past in `zone`: the local midnight that ends it.
[[nodiscard]] std::chrono::sys_seconds end_of_day(std::chrono::year_month_day day, std::string_view zone);

/// The first instant after `at` at which the clocks of `zone` (else UTC) show a full hour, or are changed.
[[nodiscard]] std::chrono::sys_seconds next_local_hour(std::chrono::sys_seconds at, std::string_view zone);

}  // namespace penstock::conf
