#pragma once
// Was the contract kept? Judged from what the PACS saw, by counting, without any knowledge of how a policy works.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conf/rules.hpp"

namespace penstock::test {

/// One C-MOVE as the PACS saw it. Times are true ones.
struct seen_start {
  std::uint64_t grant = 0;  ///< in the order in which they were stamped
  std::int64_t arrived_ns = 0;
  std::int64_t ended_ns = 0;
  conf::window_limits limits;  ///< in force when it was granted
};

struct permit_judge {
  static constexpr std::int64_t second_ns = 1'000'000'000;
  /// Ten minutes open, five closed, over and over, by true UTC.
  static constexpr std::int64_t cycle_s = 900;
  static constexpr std::int64_t open_s = 600;

  std::vector<seen_start> seen;

 private:
  using rate = std::optional<std::uint32_t> conf::window_limits::*;
  static constexpr std::pair<std::int64_t, rate> rates[] = {{60, &conf::window_limits::per_minute},
                                                            {3'600, &conf::window_limits::per_hour},
                                                            {86'400, &conf::window_limits::per_day}};

  static auto within(std::int64_t seconds, std::int64_t end_ns) {
    return [=](const seen_start& other) {
      return other.arrived_ns <= end_ns && other.arrived_ns > end_ns - seconds * second_ns;
    };
  }

  /// How many starts satisfy it, and the limits under which the last of them was allowed.
  template <class Predicate>
  [[nodiscard]] std::pair<std::size_t, conf::window_limits> gather(Predicate satisfies) const {
    std::size_t count = 0;
    const seen_start* last = nullptr;
    for (const auto& one : seen) {
      if (!satisfies(one)) continue;
      ++count;
      if (!last || one.grant > last->grant) last = &one;
    }
    return {count, last ? last->limits : conf::window_limits{}};
  }

 public:
  /// "" when the contract was kept, else what was broken. When the limits changed, those count under which the last of
  /// the starts in question was allowed.
  [[nodiscard]] std::string verdict() const {
    for (const auto& one : seen) {
      if ((one.arrived_ns / second_ns) % cycle_s >= open_s) return "sent in a closed window";
      const auto in_flight = [&](const seen_start& other) {
        return other.arrived_ns <= one.arrived_ns && one.arrived_ns < other.ended_ns;
      };
      if (const auto [count, last] = gather(in_flight); count > last.concurrent) return "too many in flight";
      for (const auto& [seconds, limit] : rates)
        if (const auto [count, last] = gather(within(seconds, one.arrived_ns)); last.*limit && count > *(last.*limit))
          return "too many in " + std::to_string(seconds) + " s";
    }
    return "";
  }
};

}  // namespace penstock::test
