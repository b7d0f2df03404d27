#include "actors/forecast_report.hpp"

#include <date/tz.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

namespace penstock::actors {
namespace {

using nlohmann::json;
using std::chrono::sys_seconds;

constexpr std::int64_t minute_us = 60'000'000;
constexpr std::int64_t hour_us = 60 * minute_us;
/// A start that is known to within so much is told as one time.
constexpr std::int64_t one_time_us = 10 * minute_us;

sys_seconds seconds_of(std::int64_t utc_us) {
  return sys_seconds{std::chrono::floor<std::chrono::seconds>(std::chrono::microseconds{utc_us})};
}

/// The clocks of a zone; UTC's when there is no such zone.
class local_clocks {
 public:
  explicit local_clocks(std::string_view zone) {
    try {
      zone_ = date::locate_zone(std::string{zone});
    } catch (const std::runtime_error&) {
      zone_ = date::locate_zone("UTC");
    }
  }

  [[nodiscard]] std::string text(const char* pattern, std::int64_t utc_us) const {
    return date::format(pattern, date::make_zoned(zone_, seconds_of(utc_us)));
  }
  [[nodiscard]] date::local_days day(std::int64_t utc_us) const {
    return date::floor<date::days>(zone_->to_local(seconds_of(utc_us)));
  }
  [[nodiscard]] auto offset(std::int64_t utc_us) const { return zone_->get_info(seconds_of(utc_us)).offset; }

  /// "" for today, "Monday" within a week, else "5 Dec"; with a space after it.
  [[nodiscard]] std::string day_text(std::int64_t utc_us, std::int64_t now_us) const {
    const auto ahead = (day(utc_us) - day(now_us)).count();
    if (ahead == 0) return {};
    if (ahead > 0 && ahead < 7) return text("%A ", utc_us);
    const auto month_text = text("%e %b ", utc_us);
    return month_text.substr(month_text.find_first_not_of(' '));
  }

 private:
  const date::time_zone* zone_ = nullptr;
};

std::int64_t rounded_down(std::int64_t utc_us, std::int64_t unit_us) { return utc_us - utc_us % unit_us; }
std::int64_t rounded_up(std::int64_t utc_us, std::int64_t unit_us) {
  return rounded_down(utc_us + unit_us - 1, unit_us);
}

std::string about(const local_clocks& clocks, std::int64_t earliest_us, std::int64_t latest_us, std::int64_t now_us) {
  if (latest_us <= now_us + minute_us) return "about now";
  const bool exact = latest_us - earliest_us <= 2 * minute_us && latest_us - now_us <= hour_us;
  const auto unit_us = exact ? minute_us : 5 * minute_us;
  auto middle_us = rounded_down(std::midpoint(earliest_us, latest_us) + unit_us / 2, unit_us);
  if (middle_us < now_us) middle_us += unit_us;
  return "about " + clocks.day_text(middle_us, now_us) + clocks.text("%H:%M", middle_us);
}

/// Rounded outwards. Where the clocks are changed in between, each time names its own.
std::string between(const local_clocks& clocks, std::int64_t earliest_us, std::int64_t latest_us, std::int64_t now_us) {
  const auto from_us = rounded_down(earliest_us, 5 * minute_us);
  const auto to_us = rounded_up(latest_us, 5 * minute_us);
  const auto* time = clocks.offset(from_us) == clocks.offset(to_us) ? "%H:%M" : "%H:%M %Z";
  const auto from_text = clocks.day_text(from_us, now_us) + clocks.text(time, from_us);
  if (clocks.day(from_us) == clocks.day(to_us)) return from_text + "-" + clocks.text(time, to_us);
  return from_text + " - " + clocks.day_text(to_us, now_us) + clocks.text(time, to_us);
}

json limits_of(const std::optional<conf::window_limits>& limits) {
  json told = json::object();
  if (!limits) return told;
  told["concurrent"] = limits->concurrent;
  if (limits->per_minute) told["per_minute"] = *limits->per_minute;
  if (limits->per_hour) told["per_hour"] = *limits->per_hour;
  if (limits->per_day) told["per_day"] = *limits->per_day;
  if (limits->abort) told["abort"] = true;
  return told;
}

std::string reason_of(const project_forecast& project, const forecast& told, std::chrono::days horizon) {
  switch (project.end) {
    case forecast_end::started:
      return {};
    case forecast_end::beyond_horizon:
      return "not within " + std::to_string(horizon.count()) + (horizon.count() == 1 ? " day" : " days");
    case forecast_end::beyond_starts: {
      std::uint64_t starts = 0;
      for (const auto& one : told.projects) starts += one.starts;
      return "later than the first " + std::to_string(starts) + " starts";
    }
    case forecast_end::project_expired:
      return "not before the project is extended";
    case forecast_end::pacs_paused:
      return "not before the PACS is resumed";
  }
  return {};
}

}  // namespace

std::string estimate_text(const start_estimate& estimate, std::int64_t now_us, std::string_view zone) {
  if (estimate.end == forecast_end::project_expired) return "not before the project is extended";
  if (estimate.end == forecast_end::pacs_paused) return "not before the PACS is resumed";
  const local_clocks clocks{zone};
  const auto earliest_us = std::max(estimate.earliest_us, now_us);
  if (!estimate.latest_us) {
    const auto after_us = rounded_down(earliest_us, 5 * minute_us);
    return "after " + clocks.day_text(after_us, now_us) + clocks.text("%H:%M", after_us);
  }
  const auto latest_us = std::max(*estimate.latest_us, earliest_us);
  if (latest_us - earliest_us <= one_time_us) return about(clocks, earliest_us, latest_us, now_us);
  return between(clocks, earliest_us, latest_us, now_us);
}

json simulation_document(const conf::pacs& pacs, const forecast& told, std::chrono::days horizon,
                         const std::function<bool(std::string_view)>& is_shown) {
  const local_clocks clocks{pacs.timezone};
  const auto time_text = [&](std::int64_t utc_us) { return clocks.text("%FT%T%Ez", utc_us); };
  json hours = json::array();
  for (const auto& hour : told.hours) {
    json starts = json::object();
    for (std::size_t i = 0; i < told.projects.size(); ++i)
      if (hour.starts[i] > 0 && is_shown(told.projects[i].project)) starts[told.projects[i].project] = hour.starts[i];
    hours.push_back({{"begins", time_text(hour.begins_us)},
                     {"ends", time_text(hour.ends_us)},
                     {"window", hour.window},
                     {"limits", limits_of(hour.limits)},
                     {"may_start", hour.may_start},
                     {"starts", std::move(starts)}});
  }
  json projects = json::array();
  for (const auto& project : told.projects) {
    if (!is_shown(project.project)) continue;
    projects.push_back({{"project", project.project},
                        {"waiting", project.waiting},
                        {"starts", project.starts},
                        {"done", project.done_us == 0 ? json{} : json(time_text(project.done_us))},
                        {"reason", reason_of(project, told, horizon)}});
  }
  return {{"pacs", pacs.id},
          {"zone", pacs.timezone},
          {"until", time_text(told.ends_us)},
          {"hours", std::move(hours)},
          {"projects", std::move(projects)}};
}

}  // namespace penstock::actors
