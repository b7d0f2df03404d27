#include "actors/governor_outlook.hpp"

#include <date/tz.h>

#include <chrono>

namespace penstock::actors {
namespace {

std::string until(const permit_decision& decision, std::string_view zone, std::string_view word) {
  if (decision.not_before_us == 0) return {};
  return std::string{word} + local_time(decision.not_before_us, zone);
}

}  // namespace

std::string local_time(std::int64_t utc_us, std::string_view zone) {
  const auto at = std::chrono::time_point_cast<std::chrono::seconds>(
      std::chrono::sys_time<std::chrono::microseconds>{std::chrono::microseconds{utc_us}});
  const auto now = std::chrono::system_clock::now();
  const auto* pattern = at - now < std::chrono::hours{12} ? "%H:%M:%S %Z" : "%a %e %b %H:%M %Z";
  try {
    return date::format(pattern, date::make_zoned(std::string{zone}, at));
  } catch (const std::runtime_error&) {
    return date::format(pattern, at);
  }
}

std::string explain(const permit_decision& decision, std::string_view zone) {
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
      return "window closed" + until(decision, zone, " until ");
    case wait_reason::concurrency_reached:
      return "concurrency reached: " + limit + " of " + limit + " in flight";
    case wait_reason::slow_start:
      return "slow start: at most " + limit + " in flight until retrievals have ended well again";
    case wait_reason::minute_rate_reached:
      return "rate reached: " + limit + " in any minute" + until(decision, zone, ", next at ");
    case wait_reason::hour_rate_reached:
      return "rate reached: " + limit + " in any hour" + until(decision, zone, ", next at ");
    case wait_reason::day_rate_reached:
      return "rate reached: " + limit + " in any day" + until(decision, zone, ", next at ");
  }
  return {};
}

}  // namespace penstock::actors
