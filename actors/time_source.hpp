#pragma once
// The clocks that decisions are made with, brought in from outside so that a test may own them.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "actors/sliding_log.hpp"

namespace penstock::actors {

/// `utc_us`: microseconds since 1970; `boottime_ns`: CLOCK_BOOTTIME, which no step of the wall clock moves; `boot_id`:
/// of the running kernel. `in_doubt`: the wall clock is unsynchronised or was stepped, so civil windows must fail
/// closed.
struct time_source {
  std::function<std::int64_t()> utc_us;
  std::function<std::int64_t()> boottime_ns;
  std::function<bool()> in_doubt;
  std::string boot_id;
  /// The latest wall clock time that was ever seen, here or before the last restart; none given: `utc_us`.
  std::function<std::int64_t()> latest_utc_us = {};

  [[nodiscard]] instant now() const;
  /// What approvals and trainings are judged by: it never goes back, whatever is done to the clock.
  [[nodiscard]] std::chrono::sys_seconds approval_time() const;
};

/// The machine's clocks. A machine whose kernel does not know whether it is synchronised (adjtimex says so on many
/// virtual machines) is believed: `in_doubt` is true only after a step of the wall clock against CLOCK_BOOTTIME of more
/// than two seconds, for as long as ten minutes.
[[nodiscard]] time_source system_time_source();

/// The same clocks, which have seen `seen_us` already.
[[nodiscard]] time_source having_seen(time_source clocks, std::int64_t seen_us);

/// "2026-03-08T12:00:00.000Z".
[[nodiscard]] std::string rfc3339(std::int64_t utc_us);

}  // namespace penstock::actors
