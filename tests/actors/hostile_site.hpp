#pragma once
// What surrounds a server in a hostile little world: true time and the clocks that one can read, rules files that
// change, and who keeps account of it all. permit_world puts the server and the PACS into it.

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "actors/permit_policy.hpp"
#include "conf/calendar.hpp"
#include "tests/actors/hostile_clock.hpp"
#include "tests/actors/permit_judge.hpp"
#include "tests/actors/site_rules.hpp"

namespace penstock::test {

/// How a server may be wrong, or use a policy wrongly.
struct flaws {
  bool forget_stamps_at_kill = false;
  bool forget_stamps_at_reboot = false;
  bool forget_leases_at_kill = false;
  bool forget_pause_at_kill = false;
  bool trust_clock_in_doubt = false;
  bool send_late = false;                ///< up to five times the send deadline
  bool ignore_quiet_time = false;        ///< arrivals of orphaned retrievals are not reported
  bool believe_a_lost_disk = false;      ///< what was lost was never started
  bool summer_is_winter = false;         ///< windows by standard time all year
  bool keep_window_at_reload = false;    ///< new rules wait for the window to end
  bool forget_project_at_claim = false;  ///< what was offered is stamped, whatever the project's terms are by then
};

class hostile_site {
 public:
  static constexpr std::int64_t second_ns = 1'000'000'000;
  static constexpr std::int64_t quiet_ns = 30 * second_ns;  ///< of a lease that a crash left behind

  hostile_site(std::uint32_t seed, season when, flaws wrong)
      : random(seed), broken(wrong), maker(random, seed, when), clock(maker.epoch_s()), judge(maker.epoch_s()) {
    reload();
  }

  std::int64_t draw(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>{least, most}(random);
  }
  void note(const std::string& what) {
    if (keep_events) events.push_back(std::to_string(clock.true_ns() / 1'000'000) + " ms: " + what);
  }
  [[nodiscard]] actors::instant now() const { return clock.now(broken.trust_clock_in_doubt); }

  /// Until the next event; often exactly until something may change.
  [[nodiscard]] std::int64_t draw_pause(std::int64_t not_before_ns) {
    if (not_before_ns > clock.boottime_ns() && draw(0, 2) == 0)
      return not_before_ns - clock.boottime_ns() + draw(-1, 1);
    const auto dice = draw(0, 19);
    if (dice < 10) return draw(0, 3 * second_ns);
    if (dice < 15) return draw(0, 70 * second_ns);
    if (dice < 17) return (contract_.ends_us - now().wall_us) * 1000 - draw(-1 * second_ns, 3 * second_ns);
    return draw(0, (dice < 19 ? 3'700 : 90'000) * second_ns);
  }
  void step_clock() {
    const std::int64_t most = draw(0, 1) == 0 ? 100 : 7'200;
    const auto by_us = draw(-most * 1'000'000, most * 1'000'000);
    note("the wall clock is stepped by " + std::to_string(by_us / 1000) + " ms");
    clock.step(by_us);
  }
  void synchronise() {
    note("the wall clock is synchronised");
    clock.synchronise(draw(-hostile_clock::max_error_us, hostile_clock::max_error_us));
  }
  /// A restarted server has no window in mind yet.
  void forget_contract() { contract_ = {}; }
  void reload() {
    note("a new rules file");
    judge.rules.push_back(maker.make());
    if (!broken.keep_window_at_reload) contract_ = {};
  }
  /// Kept until it ends or the rules change, as a governor does.
  const actors::contract& contract(const actors::instant& at) {
    if (at.wall_us >= contract_.begins_us && at.wall_us < contract_.ends_us) return contract_;
    const auto& rules = judge.rules.back();
    const auto in_force = stretch_at(rules, std::chrono::sys_seconds{std::chrono::seconds{at.wall_us / 1'000'000}});
    contract_ = {conf::limits_of(rules.windows, in_force), in_force.begins.time_since_epoch().count() * 1'000'000,
                 in_force.ends.time_since_epoch().count() * 1'000'000, std::chrono::milliseconds{quiet_ns / 1'000'000}};
    return contract_;
  }

  /// As the queue of the project judges it.
  bool may_want(std::size_t project) {
    const auto& rules = judge.rules.back();
    const auto& terms = rules.projects[project];
    if (terms.withdrawn || !terms.valid_through) return !terms.withdrawn;
    latest_us_ = std::max(latest_us_, now().wall_us);
    const auto ends_s = conf::end_of_day(*terms.valid_through, rules.zone->name).time_since_epoch().count();
    return latest_us_ < ends_s * 1'000'000;
  }

  /// conf::stretch_at, asked once for each stretch of a timetable: it takes longer than all the rest of a history.
  [[nodiscard]] conf::stretch stretch_at(const site_rules& rules, std::chrono::sys_seconds at) const {
    using known_stretches = std::map<std::chrono::sys_seconds, conf::stretch>;
    static std::map<std::pair<std::uint64_t, bool>, known_stretches> known;
    constexpr std::size_t most_timetables = 256;
    if (known.size() > most_timetables) known.clear();
    auto& of = known[{rules.timetable, broken.summer_is_winter}];
    if (const auto next = of.upper_bound(at); next != of.begin() && at < std::prev(next)->second.ends)
      return std::prev(next)->second;
    if (!broken.summer_is_winter) {
      const auto found = conf::stretch_at(rules.windows, rules.zone->name, at);
      return of[found.begins] = found;
    }
    const std::chrono::seconds shift{rules.zone->standard_s};
    auto found = conf::stretch_at(rules.windows, "UTC", at + shift);
    found.begins -= shift;
    found.ends -= shift;
    return of[found.begins] = found;
  }

  std::mt19937 random;
  flaws broken;
  rules_maker maker;
  hostile_clock clock;
  permit_judge judge;
  bool keep_events = false;
  std::vector<std::string> events;  ///< what happened, one line each

 private:
  actors::contract contract_;
  std::int64_t latest_us_ = 0;  ///< the highest wall clock ever seen; survives the server
};

}  // namespace penstock::test
