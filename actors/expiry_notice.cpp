#include "actors/expiry_notice.hpp"

#include <array>

#include "conf/calendar.hpp"

namespace penstock::actors {
namespace {

expiry_stage stage_at(std::int64_t days_left) {
  if (days_left < 0) return expiry_stage::expired;
  if (days_left <= day_ahead_days) return expiry_stage::day_ahead;
  if (days_left <= week_ahead_days) return expiry_stage::week_ahead;
  if (days_left <= month_ahead_days) return expiry_stage::month_ahead;
  return expiry_stage::none;
}

std::string day_text(std::chrono::year_month_day day) {
  static constexpr std::array<const char*, 12> months{"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
  return std::to_string(static_cast<unsigned>(day.day())) + " " + months[static_cast<unsigned>(day.month()) - 1] + " " +
         std::to_string(static_cast<int>(day.year()));
}

std::string text_of(std::string_view project, std::chrono::year_month_day last, std::int64_t days_left) {
  const std::string name{project};
  if (days_left < 0)
    return name + " ended on " + day_text(last) +
           ": nothing is fetched or handed out until it is extended. Ask the IRB office to extend it.";
  const auto when = days_left == 0   ? std::string{"today"}
                    : days_left == 1 ? std::string{"tomorrow"}
                                     : "in " + std::to_string(days_left) + " days";
  return name + " ends " + when + ", on " + day_text(last) +
         ": after that nothing is fetched or handed out. Ask the IRB office to extend it.";
}

}  // namespace

std::optional<expiry_notice> due_expiry_notice(std::string_view project,
                                               const std::optional<std::chrono::year_month_day>& valid_through,
                                               std::string_view zone, std::int64_t now_us,
                                               const std::optional<said_expiry>& said) {
  if (!valid_through) return std::nullopt;
  const std::chrono::sys_seconds now{std::chrono::floor<std::chrono::seconds>(std::chrono::microseconds{now_us})};
  const std::chrono::sys_days last{*valid_through};
  const auto days_left = (last - std::chrono::sys_days{conf::local_date(now, zone)}).count();
  const auto stage = static_cast<std::uint8_t>(stage_at(days_left));
  const auto valid_through_days = last.time_since_epoch().count();
  const auto said_stage = said && said->valid_through_days == valid_through_days ? said->stage : std::uint8_t{0};
  if (stage <= said_stage) return std::nullopt;
  return expiry_notice{text_of(project, *valid_through, days_left), {valid_through_days, stage}};
}

}  // namespace penstock::actors
