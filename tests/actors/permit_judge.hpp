#pragma once
// Was the contract kept? Judged from what the PACS saw, by counting, without any knowledge of how a policy works and
// without conf::calendar.

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/actors/civil_zone.hpp"
#include "tests/actors/site_rules.hpp"

namespace penstock::test {

/// One C-MOVE as the PACS saw it. Times are true ones since the epoch of the history.
struct seen_start {
  std::uint64_t grant = 0;  ///< in the order in which they were stamped
  std::size_t rules = 0;    ///< in force when it was stamped
  std::size_t project = 0;
  int process = 0;  ///< which stamped it
  std::int64_t stamped_ns = 0;
  std::int64_t arrived_ns = 0;
  std::int64_t ended_ns = 0;
  bool ended_well = false;
};

/// One C-FIND.
struct seen_query {
  std::uint64_t grant = 0;
  std::int64_t arrived_ns = 0;
  std::uint32_t per_minute = 0;  ///< in force when it was stamped
};

/// Between two grants.
struct seen_pause {
  std::uint64_t begins_after = 0;
  std::uint64_t ends_after = std::numeric_limits<std::uint64_t>::max();
  int ended_by = -1;  ///< process
};

class permit_judge {
 public:
  explicit permit_judge(std::int64_t epoch_s) : epoch_s_(epoch_s) {}

  std::deque<site_rules> rules;  ///< each version of the file
  std::vector<seen_start> starts;
  std::vector<seen_query> queries;
  std::vector<seen_pause> pauses;

  /// "" when the contract was kept, else what was broken. When the limits changed, those count under which the last of
  /// the starts in question was allowed.
  [[nodiscard]] std::string verdict() const {
    std::vector<std::optional<conf::window_limits>> limits;
    for (const auto& one : starts) limits.push_back(limits_at(rules_of(one).windows, *rules_of(one).zone, utc_s(one)));
    for (std::size_t i = 0; i < starts.size(); ++i) {
      if (!limits[i] || limits[i]->concurrent == 0) return "sent in a closed window";
      for (const auto& check : {&permit_judge::check_flights, &permit_judge::check_rates})
        if (auto fault = (this->*check)(starts[i], limits); !fault.empty()) return fault;
      for (const auto& check : {&permit_judge::check_project, &permit_judge::check_pauses})
        if (auto fault = (this->*check)(starts[i]); !fault.empty()) return fault;
    }
    return check_queries();
  }

 private:
  using limits_list = std::vector<std::optional<conf::window_limits>>;
  using rate = std::optional<std::uint32_t> conf::window_limits::*;
  static constexpr std::int64_t second_ns = 1'000'000'000;
  static constexpr std::pair<std::int64_t, rate> rates[] = {{60, &conf::window_limits::per_minute},
                                                            {3'600, &conf::window_limits::per_hour},
                                                            {86'400, &conf::window_limits::per_day}};
  /// A start that was allowed on a project's last day may arrive so late: on its way, and by a clock that is wrong.
  static constexpr std::int64_t last_arrival_ns = 1'300'000'000;

  [[nodiscard]] const site_rules& rules_of(const seen_start& one) const { return rules[one.rules]; }
  [[nodiscard]] std::int64_t utc_s(const seen_start& one) const { return epoch_s_ + one.arrived_ns / second_ns; }

  static bool in_flight_at(const seen_start& other, std::int64_t at_ns) {
    return other.arrived_ns <= at_ns && at_ns < other.ended_ns;
  }

  /// How many starts satisfy it, and the limits under which the last of them was allowed.
  template <class Predicate>
  [[nodiscard]] std::pair<std::size_t, conf::window_limits> gather(const limits_list& limits,
                                                                   Predicate satisfies) const {
    std::size_t count = 0;
    std::size_t last = 0;
    for (std::size_t i = 0; i < starts.size(); ++i) {
      if (!satisfies(starts[i])) continue;
      if (count++ == 0 || starts[i].grant > starts[last].grant) last = i;
    }
    return {count, limits[last].value_or(conf::window_limits{})};
  }

  [[nodiscard]] std::string check_flights(const seen_start& one, const limits_list& limits) const {
    const auto [count, last] =
        gather(limits, [&](const seen_start& other) { return in_flight_at(other, one.arrived_ns); });
    return count > last.concurrent ? "too many in flight" : "";
  }

  [[nodiscard]] std::string check_rates(const seen_start& one, const limits_list& limits) const {
    for (const auto& [seconds, limit] : rates) {
      const auto begins_ns = one.arrived_ns - seconds * second_ns;
      const auto [count, last] = gather(limits, [&](const seen_start& other) {
        return other.arrived_ns <= one.arrived_ns && other.arrived_ns > begins_ns;
      });
      if (last.*limit && count > *(last.*limit)) return "too many in " + std::to_string(seconds) + " s";
    }
    return "";
  }

  [[nodiscard]] std::string check_project(const seen_start& one) const {
    const auto& terms = rules_of(one).projects[one.project];
    if (terms.withdrawn) return "sent for a patient outside the cohort";
    if (!terms.valid_through) return "";
    const auto latest_s = epoch_s_ + (one.arrived_ns - last_arrival_ns) / second_ns;
    const auto last_day = std::chrono::sys_days{*terms.valid_through}.time_since_epoch().count();
    return local_day(*rules_of(one).zone, latest_s) > last_day ? "sent for an expired project" : "";
  }

  /// 1, 2, 4, ... in flight, after 0, 1, 3, ... retrievals that were started since the pause and have ended well.
  [[nodiscard]] std::string check_pauses(const seen_start& one) const {
    const seen_pause* last = nullptr;
    for (const auto& pause : pauses) {
      if (one.grant > pause.begins_after && one.grant <= pause.ends_after) return "started during a pause";
      if (pause.ended_by == one.process && one.grant > pause.ends_after) last = &pause;
    }
    if (!last) return "";
    std::size_t well = 0;
    std::size_t flying = 0;
    for (const auto& other : starts) {
      const bool since = other.process == one.process && other.grant > last->ends_after;
      if (since && other.ended_well && other.ended_ns <= one.stamped_ns) ++well;
      if (other.grant <= one.grant && in_flight_at(other, one.arrived_ns)) ++flying;
    }
    std::size_t allowed = 1;
    for (; well >= allowed; allowed *= 2) well -= allowed;
    return flying > allowed ? "too many at once after a pause" : "";
  }

  [[nodiscard]] std::string check_queries() const {
    for (const auto& one : queries) {
      std::size_t count = 0;
      const auto* last = &one;
      for (const auto& other : queries) {
        if (other.arrived_ns > one.arrived_ns || other.arrived_ns <= one.arrived_ns - 60 * second_ns) continue;
        ++count;
        if (other.grant > last->grant) last = &other;
      }
      if (count > last->per_minute) return "too many queries in 60 s";
    }
    return "";
  }

  std::int64_t epoch_s_;
};

}  // namespace penstock::test
