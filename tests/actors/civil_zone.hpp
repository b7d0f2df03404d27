#pragma once
// Civil time by plain arithmetic, to judge by: written from the laws in force since 2008, without any time zone
// database.

#include <chrono>
#include <cstdint>
#include <optional>

#include "conf/rules.hpp"

namespace penstock::test {

struct civil_zone {
  enum class summer_law : std::uint8_t { none, american, european, lord_howe };

  const char* name;
  std::int64_t standard_s;  ///< ahead of UTC
  std::int64_t summer_s;
  summer_law law;

  /// UTC seconds at which summer time begins or ends in that year; the law must not be `none`.
  [[nodiscard]] std::int64_t summer_begins_s(int year) const {
    using namespace std::chrono;
    const auto y = std::chrono::year{year};
    if (law == summer_law::american) return day_s(y / March / Sunday[2]) + 2 * 3'600 - standard_s;
    if (law == summer_law::european) return day_s(y / March / Sunday[last]) + 3'600;
    return day_s(y / October / Sunday[1]) + 2 * 3'600 - standard_s;
  }
  [[nodiscard]] std::int64_t summer_ends_s(int year) const {
    using namespace std::chrono;
    const auto y = std::chrono::year{year};
    if (law == summer_law::american) return day_s(y / November / Sunday[1]) + 2 * 3'600 - summer_s;
    if (law == summer_law::european) return day_s(y / October / Sunday[last]) + 3'600;
    return day_s(y / April / Sunday[1]) + 2 * 3'600 - summer_s;
  }

  /// Of the clocks on the wall, counted from 1970 as if they were UTC.
  [[nodiscard]] std::int64_t local_s(std::int64_t utc_s) const {
    return utc_s + (is_summer(utc_s) ? summer_s : standard_s);
  }

 private:
  template <class Date>
  static std::int64_t day_s(Date date) {
    return std::chrono::sys_seconds{std::chrono::sys_days{date}}.time_since_epoch().count();
  }
  [[nodiscard]] bool is_summer(std::int64_t utc_s) const {
    if (law == summer_law::none) return false;
    const auto day = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds{std::chrono::seconds{utc_s}});
    const int year{std::chrono::year_month_day{day}.year()};
    const auto begins_s = summer_begins_s(year);
    const auto ends_s = summer_ends_s(year);
    if (begins_s < ends_s) return utc_s >= begins_s && utc_s < ends_s;
    return utc_s >= begins_s || utc_s < ends_s;
  }
};

/// An hour forward at night, the same in the other hemisphere by half an hour, and none at a quarter of an hour's
/// offset.
inline constexpr civil_zone civil_zones[] = {
    {"America/New_York", -5 * 3'600, -4 * 3'600, civil_zone::summer_law::american},
    {"Europe/Berlin", 3'600, 2 * 3'600, civil_zone::summer_law::european},
    {"Australia/Lord_Howe", 37'800, 39'600, civil_zone::summer_law::lord_howe},
    {"Asia/Kathmandu", 20'700, 20'700, civil_zone::summer_law::none},
};

/// Days since 1970 of the local date.
[[nodiscard]] inline std::int64_t local_day(const civil_zone& zone, std::int64_t utc_s) {
  const auto local_s = zone.local_s(utc_s);
  return local_s / 86'400 - (local_s % 86'400 < 0 ? 1 : 0);
}

/// The limits of the first window that is open then; nothing when none is.
[[nodiscard]] inline std::optional<conf::window_limits> limits_at(const std::vector<conf::window>& windows,
                                                                  const civil_zone& zone, std::int64_t utc_s) {
  const auto today = local_day(zone, utc_s);
  const auto minute_of_today = (zone.local_s(utc_s) - today * 86'400) / 60;
  for (const auto& one : windows) {
    const auto lasts = one.to_minute - one.from_minute + (one.to_minute > one.from_minute ? 0 : 1'440);
    for (const auto opened : {today - 1, today}) {
      const auto weekday = (opened + 3) % 7;  // 1 January 1970 was a Thursday
      const auto since = minute_of_today + (today - opened) * 1'440 - one.from_minute;
      if ((one.days >> weekday & 1) != 0 && since >= 0 && since < lasts) return one.limits;
    }
  }
  return std::nullopt;
}

}  // namespace penstock::test
