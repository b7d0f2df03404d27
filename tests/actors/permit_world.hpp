#pragma once
// A hostile little world for permit_policy: true time, a wall clock that steps, crashes, reboots, rules that change,
// sends that dawdle, retrievals that go on after a crash. What the PACS sees is kept for permit_judge. `Policy` may be
// a broken one; `flaws` break the way in which a server would use it.

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "actors/permit_policy.hpp"
#include "tests/actors/hostile_clock.hpp"
#include "tests/actors/permit_judge.hpp"

namespace penstock::test {

struct flaws {
  bool forget_stamps_at_kill = false;
  bool forget_stamps_at_reboot = false;
  bool forget_leases_at_kill = false;
  bool trust_clock_in_doubt = false;
  bool send_late = false;          ///< up to five times the send deadline
  bool ignore_quiet_time = false;  ///< arrivals of orphaned retrievals are not reported
};

template <class Policy>
class permit_world {
 public:
  permit_world(std::uint32_t seed, flaws broken) : random_(seed), broken_(broken) {
    draw_rules();
    reboot();
  }

  void run(int events) {
    for (int i = 0; i < events; ++i) step();
    advance(10 * second_ns);
  }

  /// What the PACS saw.
  [[nodiscard]] const permit_judge& judge() const { return judge_; }
  [[nodiscard]] const std::map<actors::wait_reason, int>& waits() const { return waits_; }

 private:
  struct pending_send {
    std::int64_t persisted_ns, send_ns;  ///< send_ns -1 = never
    actors::start_stamp stamp;
    actors::lease lease;
    conf::window_limits limits;
    std::uint64_t grant;
  };
  struct flight {
    std::uint64_t permit;
    std::size_t seen;
    bool orphaned;
  };
  static constexpr std::int64_t second_ns = 1'000'000'000;
  static constexpr std::int64_t guard_ns = 250'000'000;
  static constexpr std::int64_t quiet_ns = 30 * second_ns;

  void step() {
    const auto dice = draw(0, 99);
    if (dice < 84) advance(draw_pause());
    if (dice >= 84 && dice < 90) kill();
    if (dice >= 90 && dice < 92) reboot();
    if (dice >= 92 && dice < 95) clock_.step(draw(-100'000'000'000, 100'000'000'000));
    if (dice >= 95 && dice < 97) clock_.synchronise(draw(-hostile_clock::max_error_us, hostile_clock::max_error_us));
    if (dice >= 97) draw_rules();
    if (draw(0, 2) == 0 && clock_.in_doubt())
      clock_.synchronise(draw(-hostile_clock::max_error_us, hostile_clock::max_error_us));
    if (!offers_.empty() && draw(0, 1) == 0) claim();
    ask();
  }

  std::int64_t draw(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>{least, most}(random_);
  }

  std::int64_t draw_pause() {
    if (not_before_ns_ > clock_.boottime_ns() && draw(0, 2) == 0)
      return not_before_ns_ - clock_.boottime_ns() + draw(-1, 1);
    const auto dice = draw(0, 9);
    if (dice < 5) return draw(0, 3 * second_ns);
    if (dice < 8) return draw(0, 70 * second_ns);
    return draw(0, (dice < 9 ? 3'700 : 90'000) * second_ns);
  }

  /// New limits for the stretches to come. What is open when does not change, so that it can be judged afterwards.
  void draw_rules() {
    const auto maybe = [&](std::int64_t most) {
      return draw(0, 3) == 0 ? std::nullopt : std::optional{static_cast<std::uint32_t>(draw(1, most))};
    };
    limits_ = {static_cast<std::uint32_t>(draw(1, 3)), maybe(4), maybe(6), maybe(12), false};
  }

  [[nodiscard]] actors::contract contract() const {
    const auto wall_us = clock_.now(broken_.trust_clock_in_doubt).wall_us;
    const auto into_us = (wall_us - hostile_clock::epoch_us) % 900'000'000;
    const auto begin_us = wall_us - into_us;
    const auto quiet = std::chrono::milliseconds{quiet_ns / 1'000'000};
    if (into_us < 0) return {std::nullopt, begin_us - 300'000'000, begin_us, quiet};
    if (into_us < 600'000'000) return {limits_, begin_us, begin_us + 600'000'000, quiet};
    return {std::nullopt, begin_us + 600'000'000, begin_us + 900'000'000, quiet};
  }

  void ask() {
    report_orphans();
    for (int i = 0; i < 6; ++i) {
      const auto decision =
          policy_.decide(clock_.now(broken_.trust_clock_in_doubt), contract(), {{"alz", 1}, {"ms", 2}});
      for (const auto permit : policy_.take_expired_leases()) erase_lease(permit);
      ++waits_[decision.reason];
      not_before_ns_ = decision.not_before_boottime_ns;
      if (!decision.granted()) break;
      start(decision.project);
    }
    for (const auto number : policy_.prune(clock_.now(broken_.trust_clock_in_doubt)))
      std::erase_if(stamps_, [&](const auto& stamp) { return stamp.number == number; });
  }

  void start(const std::string& project) {
    const auto permit = ++permits_;
    const auto stamp = policy_.reserve(clock_.now(broken_.trust_clock_in_doubt), permit, project);
    if (draw(0, 9) == 0) return policy_.withdraw(permit);
    if (draw(0, 1) == 0)
      offers_.push_back({permit, project});
    else
      send(stamp, project);
  }

  /// What was offered some time ago is made ready by now.
  void claim() {
    const auto offer = offers_.front();
    offers_.erase(offers_.begin());
    const auto renewed = policy_.renew(clock_.now(broken_.trust_clock_in_doubt), contract(), offer.permit);
    if (renewed.stamp) send(*renewed.stamp, offer.project);
  }

  void send(const actors::start_stamp& stamp, const std::string& project) {
    const auto permit = stamp.number;
    const auto late = (broken_.send_late ? 5 : 1) * second_ns;
    auto send_ns = draw(0, 3) == 0 ? late : draw(0, 1) * draw(0, late);
    const auto persisted_ns = draw(0, send_ns);
    if (draw(0, 9) == 0) send_ns = -1;
    pending_.push_back({clock_.true_ns() + persisted_ns,
                        send_ns < 0 ? -1 : clock_.true_ns() + send_ns,
                        stamp,
                        {permit, project},
                        limits_,
                        ++grants_});
  }

  void advance(std::int64_t pause_ns) {
    const auto until_ns = clock_.true_ns() + std::max<std::int64_t>(pause_ns, 0);
    for (auto& one : pending_) settle(one, until_ns);
    std::erase_if(pending_, [&](const auto& one) { return one.persisted_ns <= until_ns && one.send_ns <= until_ns; });
    clock_.advance_to(until_ns);
    std::erase_if(flights_, [&](const flight& one) {
      const bool over = !one.orphaned && judge_.seen[one.seen].ended_ns <= until_ns;
      if (over) end_lease(one.permit);
      return over;
    });
  }

  void settle(pending_send& one, std::int64_t until_ns) {
    if (one.persisted_ns > until_ns || (one.send_ns > until_ns)) {
      if (one.persisted_ns <= until_ns) persist(one);
      return;
    }
    persist(one);
    if (one.send_ns < 0) {
      policy_.waste(one.lease.permit);
      erase_lease(one.lease.permit);
      return;
    }
    const auto arrived_ns = one.send_ns + draw(0, guard_ns - 1);
    const auto lasts_ns = draw(0, 1) == 0 ? draw(0, 5 * second_ns) : draw(0, 300 * second_ns);
    judge_.seen.push_back({one.grant, arrived_ns, arrived_ns + lasts_ns, one.limits});
    flights_.push_back({one.lease.permit, judge_.seen.size() - 1, false});
  }

  void persist(const pending_send& one) {
    const auto known = [&](const auto& lease) { return lease.permit == one.lease.permit; };
    if (std::any_of(leases_.begin(), leases_.end(), known)) return;
    stamps_.push_back(one.stamp);
    leases_.push_back(one.lease);
  }

  void end_lease(std::uint64_t permit) {
    policy_.retrieval_ended(permit);
    erase_lease(permit);
  }

  void erase_lease(std::uint64_t permit) {
    std::erase_if(leases_, [&](const auto& lease) { return lease.permit == permit; });
  }

  /// While an orphaned retrieval goes on, something arrives again and again; the last time at its end.
  void report_orphans() {
    std::erase_if(flights_, [&](const flight& one) {
      if (!one.orphaned) return false;
      const auto end_ns = judge_.seen[one.seen].ended_ns;
      auto at = clock_.now(broken_.trust_clock_in_doubt);
      at.boottime_ns = std::min(at.boottime_ns, end_ns - clock_.booted_ns());
      if (!broken_.ignore_quiet_time && at.boottime_ns > 0) policy_.arrived(one.permit, at);
      return end_ns <= clock_.true_ns();
    });
  }

  void restart() {
    pending_.clear();
    offers_.clear();
    policy_ = Policy{};
    if (broken_.forget_leases_at_kill) leases_.clear();
    for (auto& one : flights_) one.orphaned = true;
    policy_.restore(stamps_, leases_, clock_.now(broken_.trust_clock_in_doubt));
  }

  void kill() {
    if (broken_.forget_stamps_at_kill) stamps_.clear();
    restart();
  }

  void reboot() {
    clock_.reboot(draw(1, draw(0, 1) == 0 ? 20 : 100'000) * second_ns, draw(0, 5 * second_ns));
    if (broken_.forget_stamps_at_reboot) stamps_.clear();
    if (draw(0, 1) == 0) clock_.step(draw(-100'000'000'000, 100'000'000'000));
    restart();
  }

  std::mt19937 random_;
  flaws broken_;
  Policy policy_;
  conf::window_limits limits_;
  hostile_clock clock_;
  std::uint64_t permits_ = 0;
  std::uint64_t grants_ = 0;
  std::int64_t not_before_ns_ = 0;
  std::vector<pending_send> pending_;
  std::vector<actors::lease> offers_;
  std::vector<flight> flights_;
  std::vector<actors::start_stamp> stamps_;  ///< what is on the disk
  std::vector<actors::lease> leases_;        ///< what is on the disk
  permit_judge judge_;
  std::map<actors::wait_reason, int> waits_;
};

}  // namespace penstock::test
