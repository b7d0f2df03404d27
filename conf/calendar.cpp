#include "conf/calendar.hpp"

#include <date/tz.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace penstock::conf {
namespace {

using std::chrono::minutes;
using std::chrono::sys_seconds;

/// Past both ends by what a zone may be away from UTC, and a day for windows that run over midnight.
constexpr std::chrono::days margin{2};

const date::time_zone* zone_named(std::string_view name) {
  try {
    const auto* zone = date::locate_zone(std::string{name});
    (void)zone->get_info(sys_seconds{});  // reads the zone's file
    return zone;
  } catch (const std::exception&) {
    return nullptr;
  }
}

bool has_day(std::uint8_t days, unsigned day) { return ((days >> day) & 1U) != 0; }

bool is_open(const window& one, unsigned day, unsigned minute) {
  if (one.from_minute < one.to_minute)
    return has_day(one.days, day) && minute >= one.from_minute && minute < one.to_minute;
  const auto day_before = (day + 6) % 7;
  return (has_day(one.days, day) && minute >= one.from_minute) ||
         (has_day(one.days, day_before) && minute < one.to_minute);
}

std::optional<std::size_t> match(const std::vector<window>& windows, const date::time_zone& zone, sys_seconds at) {
  const auto local = zone.to_local(at);
  const auto midnight = date::floor<date::days>(local);
  const auto day = date::weekday{midnight}.iso_encoding() - 1;
  const auto minute = static_cast<unsigned>(date::floor<minutes>(local - midnight).count());
  for (std::size_t i = 0; i < windows.size(); ++i)
    if (is_open(windows[i], day, minute)) return i;
  return std::nullopt;
}

/// The instants at which the clocks of `zone` show `local`: one, two (repeated) or the jump over it (skipped).
void add_instants(const date::time_zone& zone, date::local_seconds local, std::vector<sys_seconds>& into) {
  const auto info = zone.get_info(local);
  const auto time = local.time_since_epoch();
  if (info.result == date::local_info::nonexistent) return into.push_back(info.first.end);
  into.push_back(sys_seconds{time - info.first.offset});
  if (info.result == date::local_info::ambiguous) into.push_back(sys_seconds{time - info.second.offset});
}

/// Every instant from `from` to `to` (and some around) at which the window in force could change: edges of windows on
/// every local day, midnights, and changes of the clocks. Sorted.
std::vector<sys_seconds> possible_changes(const std::vector<window>& windows, const date::time_zone& zone,
                                          sys_seconds from, sys_seconds to) {
  std::vector<sys_seconds> found;
  const auto last_day = date::floor<date::days>(zone.to_local(to)) + margin;
  for (auto day = date::floor<date::days>(zone.to_local(from)) - margin; day <= last_day; day += date::days{1}) {
    add_instants(zone, day, found);
    for (const auto& one : windows) {
      add_instants(zone, day + minutes{one.from_minute}, found);
      add_instants(zone, day + minutes{one.to_minute}, found);
    }
  }
  for (auto info = zone.get_info(from - margin); info.end < to + margin; info = zone.get_info(info.end))
    found.push_back(info.end);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::chrono::sys_days days_of(std::chrono::year_month_day day) { return std::chrono::sys_days{day}; }

}  // namespace

bool is_time_zone(std::string_view name) { return zone_named(name) != nullptr; }

stretch stretch_at(const std::vector<window>& windows, std::string_view zone_name, sys_seconds at) {
  stretch answer{std::nullopt, at - calendar_reach, at + calendar_reach};
  const auto* zone = zone_named(zone_name);
  if (!zone) return answer;
  answer.window = match(windows, *zone, at);
  const auto changes = possible_changes(windows, *zone, at - calendar_reach, at + calendar_reach);
  const auto ahead = std::upper_bound(changes.begin(), changes.end(), at);
  for (auto change = ahead; change != changes.end() && *change < answer.ends; ++change)
    if (match(windows, *zone, *change) != answer.window) answer.ends = *change;
  for (auto change = ahead; change != changes.begin() && *std::prev(change) > answer.begins; --change)
    if (match(windows, *zone, *std::prev(change) - std::chrono::seconds{1}) != answer.window)
      answer.begins = *std::prev(change);
  return answer;
}

std::vector<stretch> stretches_between(const std::vector<window>& windows, std::string_view zone_name, sys_seconds from,
                                       sys_seconds to) {
  const auto* zone = zone_named(zone_name);
  if (!zone) return {{std::nullopt, from, to}};
  std::vector<stretch> found{stretch_at(windows, zone_name, from)};
  for (const auto change : possible_changes(windows, *zone, from, to)) {
    if (change <= from || change >= to) continue;
    const auto window = match(windows, *zone, change);
    if (window == found.back().window) continue;
    found.back().ends = change;
    found.push_back({window, change, to});
  }
  found.back().ends = stretch_at(windows, zone_name, to - std::chrono::seconds{1}).ends;
  return found;
}

std::optional<window_limits> limits_of(const std::vector<window>& windows, const stretch& in_force) {
  if (!in_force.window || *in_force.window >= windows.size()) return std::nullopt;
  return windows[*in_force.window].limits;
}

std::chrono::year_month_day local_date(sys_seconds at, std::string_view zone_name) {
  const auto* zone = zone_named(zone_name);
  const auto local = zone ? zone->to_local(at).time_since_epoch() : at.time_since_epoch();
  return std::chrono::floor<std::chrono::days>(sys_seconds{local});
}

bool is_past(const std::optional<std::chrono::year_month_day>& valid_through, std::chrono::year_month_day today) {
  return valid_through && today > *valid_through;
}

sys_seconds end_of_day(std::chrono::year_month_day day, std::string_view zone_name) {
  const auto next = days_of(day) + std::chrono::days{1};
  const auto* zone = zone_named(zone_name);
  if (!zone) return next;
  std::vector<sys_seconds> instants;
  add_instants(*zone, date::local_seconds{std::chrono::seconds{next.time_since_epoch()}}, instants);
  return instants.front();
}

sys_seconds next_local_hour(sys_seconds at, std::string_view zone_name) {
  const std::chrono::hours hour{1};
  const auto* zone = zone_named(zone_name);
  if (!zone) return std::chrono::floor<std::chrono::hours>(at) + hour;
  const auto local = zone->to_local(at);
  return std::min<sys_seconds>(at + hour - (local - date::floor<std::chrono::hours>(local)), zone->get_info(at).end);
}

}  // namespace penstock::conf
