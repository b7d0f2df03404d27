#pragma once
// When what waits at one PACS would start, if nothing else were asked for: permit_policy itself, played forward on a
// copy with simulated instants over the windows to come. Pure; costs about 20 ms (tests/actors/forecast_test.cpp
// prints it).
//
// What cannot be known is how long retrievals take. So time is played three times: with retrievals at the mean, and
// `retrieval_spread` faster and slower, and what runs now ending at once, halfway and last. Limits alone keep order:
// whatever takes longer makes every later start later. So each position starts between the earliest and the latest of
// the three. (A project that expires on the way frees turns at its own time; then the three are good samples, no
// proof.) The clock is taken to be trusted, the PACS to answer, the rules to stay.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actors/permit_policy.hpp"
#include "conf/rules.hpp"
#include "messages/permits.hpp"

namespace penstock::actors {

/// What is farther away is "not within N days".
inline constexpr std::chrono::days longest_forecast{14};
/// Starts that one play simulates unless told otherwise, and starts times projects, since each of them is looked at for
/// whose turn it is: what keeps a forecast short enough for an actor. What comes after them is "later".
inline constexpr std::size_t most_forecast_starts = 16'000;
inline constexpr std::size_t most_forecast_turns = 80'000;
/// Steps of one project's curve.
inline constexpr std::size_t most_forecast_steps = 64;
/// A step that takes no longer is not divided.
inline constexpr std::chrono::seconds shortest_forecast_step{60};
/// The mean time of a retrieval may turn out so many per cent lower or higher.
inline constexpr std::int64_t retrieval_spread_percent = 25;

/// One project that waits for the PACS.
struct queued_project {
  std::string project;
  std::uint32_t weight = 1;
  std::uint64_t waiting = 0;               ///< its positions are 1 to `waiting`
  std::optional<std::int64_t> expires_us;  ///< from here on nothing of it starts, and what runs is aborted
};

struct forecast_input {
  permit_policy policy;  ///< a copy of the live one
  instant now;
  /// The permits in flight. Those that a crash left behind do not belong here: they end by their quiet time.
  std::vector<lease> running;
  std::vector<queued_project> projects;
  std::chrono::microseconds mean_retrieval{60'000'000};
  std::chrono::days horizon{7};            ///< at most `longest_forecast`
  std::optional<std::size_t> most_starts;  ///< nothing = affordable_starts
};

/// How it ends for the project, or for one of its positions.
enum class forecast_end : std::uint8_t {
  started,          ///< within the horizon
  beyond_horizon,   ///< not within it
  beyond_starts,    ///< after the starts that were simulated
  project_expired,  ///< not before the project is extended
  pacs_paused       ///< not before the PACS is resumed
};

using messages::forecast_step;

struct project_forecast {
  std::string project;
  std::uint64_t waiting = 0;
  std::uint64_t starts = 0;  ///< within the horizon, with retrievals at the mean
  forecast_end end = forecast_end::started;
  std::int64_t done_us = 0;  ///< when its last retrieval ends, at the mean; only when all is started
  std::vector<forecast_step> steps;
  /// Beyond the last step: what starts at all starts after this, and nothing above `possible` does.
  std::int64_t later_than_us = 0;
  std::uint64_t possible = 0;
};

/// A local hour of the PACS's zone, or the part of it that is in one window.
struct forecast_hour {
  std::int64_t begins_us = 0;
  std::int64_t ends_us = 0;
  std::string window;  ///< its name; "" = closed
  std::optional<conf::window_limits> limits;
  /// At most so many, however many wait: what the limits leave after the starts before it, at the mean time that a
  /// retrieval takes.
  std::uint64_t may_start = 0;
  std::vector<std::uint64_t> starts;  ///< in the order of forecast::projects
};

struct forecast {
  std::vector<project_forecast> projects;  ///< in the order of the input
  std::vector<forecast_hour> hours;        ///< up to `ends_us`
  std::int64_t ends_us = 0;                ///< the horizon, or where no more starts were simulated
};

/// So many starts are simulated for so many projects.
[[nodiscard]] std::size_t affordable_starts(std::size_t projects);

[[nodiscard]] forecast make_forecast(const conf::pacs& pacs, forecast_input input);

/// When one position of a project starts.
struct start_estimate {
  forecast_end end = forecast_end::started;
  std::int64_t earliest_us = 0;
  std::optional<std::int64_t> latest_us;  ///< nothing = unknown, or never
};

/// `position` counts from 1.
[[nodiscard]] start_estimate estimate_start(const project_forecast& project, std::uint64_t position);

}  // namespace penstock::actors
