#include "actors/governor_outlook.hpp"

#include <date/tz.h>

#include <chrono>

namespace penstock::actors {
namespace {

struct place_and_time {
  std::string_view zone;
  std::int64_t now_us = 0;
};

std::string until(const permit_decision& decision, const place_and_time& here, std::string_view word) {
  if (decision.not_before_us == 0) return {};
  return std::string{word} + local_time(decision.not_before_us, here.zone, here.now_us);
}

}  // namespace

std::string local_time(std::int64_t utc_us, std::string_view zone, std::int64_t now_us) {
  const auto at = std::chrono::time_point_cast<std::chrono::seconds>(
      std::chrono::sys_time<std::chrono::microseconds>{std::chrono::microseconds{utc_us}});
  const auto* pattern =
      utc_us - now_us < std::chrono::microseconds{std::chrono::hours{12}}.count() ? "%H:%M:%S %Z" : "%a %e %b %H:%M %Z";
  try {
    return date::format(pattern, date::make_zoned(std::string{zone}, at));
  } catch (const std::runtime_error&) {
    return date::format(pattern, at);
  }
}

std::string explain(const permit_decision& decision, std::string_view zone, std::int64_t now_us) {
  const place_and_time here{zone, now_us};
  const auto limit = std::to_string(decision.limit);
  switch (decision.reason) {
    case wait_reason::none:
    case wait_reason::nothing_waiting:
      return {};
    case wait_reason::pacs_paused:
      return "the PACS is paused by an administrator";
    case wait_reason::clock_in_doubt:
      return "the server's clock was stepped; windows stay closed until it is trusted";
    case wait_reason::window_closed:
      return "window closed" + until(decision, here, " until ");
    case wait_reason::concurrency_reached:
      return "concurrency reached: " + limit + " of " + limit + " in flight";
    case wait_reason::slow_start:
      return "slow start: at most " + limit + " in flight until retrievals have ended well again";
    case wait_reason::minute_rate_reached:
      return "rate reached: " + limit + " in any minute" + until(decision, here, ", next at ");
    case wait_reason::hour_rate_reached:
      return "rate reached: " + limit + " in any hour" + until(decision, here, ", next at ");
    case wait_reason::day_rate_reached:
      return "rate reached: " + limit + " in any day" + until(decision, here, ", next at ");
  }
  return {};
}

}  // namespace penstock::actors
