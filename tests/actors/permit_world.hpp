#pragma once
// A hostile little world for permit_policy and query_policy: crashes, reboots, a disk that forgets, sends that dawdle,
// retrievals that go on after a crash, pauses; and what hostile_site does to clocks and rules. What the PACS sees is
// kept for permit_judge. `Policy` may be a broken one; `flaws` break the way in which a server would use it.

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "actors/permit_policy.hpp"
#include "tests/actors/hostile_site.hpp"
#include "tests/actors/permit_judge.hpp"
#include "tests/actors/query_desk.hpp"
#include "tests/actors/server_state.hpp"

namespace penstock::test {

template <class Policy>
class permit_world {
 public:
  permit_world(std::uint32_t seed, season when, flaws broken, bool keep_events = false) : site_(seed, when, broken) {
    site_.keep_events = keep_events;
    site_.clock.reboot(second_ns, site_.draw(0, 5 * second_ns));
    restart();
  }

  void run(int events) {
    for (int i = 0; i < events; ++i) step();
    advance(10 * second_ns);
  }

  [[nodiscard]] const permit_judge& judge() const { return site_.judge; }  ///< knows what the PACS saw
  [[nodiscard]] const std::map<actors::wait_reason, int>& waits() const { return waits_; }
  [[nodiscard]] const std::vector<std::string>& events() const { return site_.events; }

 private:
  static constexpr auto second_ns = hostile_site::second_ns;

  void step() {
    const auto dice = site_.draw(0, 99);
    if (dice < 80) advance(site_.draw_pause(not_before_ns_));
    if (dice >= 80 && dice < 86) kill();
    if (dice >= 86 && dice < 88) reboot();
    if (dice >= 88 && dice < 91) site_.step_clock();
    if (dice >= 91 && dice < 93) site_.synchronise();
    if (dice >= 93 && dice < 96) site_.reload();
    if (dice >= 96 && dice < 97) lose_disk();
    if (dice >= 97) pause();
    if (disk_.paused && site_.draw(0, 3) == 0) resume();
    if (site_.draw(0, 2) == 0 && site_.clock.in_doubt()) site_.synchronise();
    if (!offers_.empty() && site_.draw(0, 1) == 0) claim();
    ask();
    if (site_.draw(0, 1) == 0)
      queries_.ask(site_.now(), site_.clock.true_ns(), site_.judge.rules.back().find_per_minute, site_.random);
  }

  void pause() {
    if (std::exchange(disk_.paused, true)) return;
    site_.note("paused");
    site_.judge.pauses.push_back({grants_});
    policy_.pause("maintenance");
  }
  void resume() {
    site_.note("resumed");
    disk_.paused = false;
    site_.judge.pauses.back().ends_after = grants_;
    site_.judge.pauses.back().ended_by = process_;
    policy_.resume();
  }

  void ask() {
    report_orphans();
    std::vector<actors::waiting_project> waiting;
    for (std::size_t i = 0; i < site_projects.size(); ++i)
      if (site_.may_want(i)) waiting.push_back({site_projects[i], static_cast<std::uint32_t>(i + 1)});
    for (int i = 0; i < 6; ++i) {
      const auto at = site_.now();
      const auto decision = policy_.decide(at, site_.contract(at), waiting);
      for (const auto permit : policy_.take_expired_leases()) disk_.erase_lease(permit);
      ++waits_[decision.reason];
      not_before_ns_ = decision.not_before_boottime_ns;
      if (!decision.granted()) break;
      start(decision.project == site_projects[0] ? 0 : 1);
    }
    for (const auto number : policy_.prune(site_.now())) disk_.erase_stamp(number);
  }

  void start(std::size_t project) {
    const auto permit = ++permits_;
    const auto stamp = policy_.reserve(site_.now(), permit, site_projects[project]);
    if (site_.draw(0, 9) == 0) return policy_.withdraw(permit);
    if (site_.draw(0, 1) == 0)
      offers_.push_back({permit, project});
    else
      send(stamp, project);
  }

  /// What was offered some time ago is made ready by now.
  void claim() {
    const auto [permit, project] = offers_.front();
    offers_.erase(offers_.begin());
    if (!site_.broken.forget_project_at_claim && !site_.may_want(project)) return policy_.withdraw(permit);
    const auto at = site_.now();
    const auto renewed = policy_.renew(at, site_.contract(at), permit);
    if (renewed.stamp) send(*renewed.stamp, project);
  }

  void send(const actors::start_stamp& stamp, std::size_t project) {
    const auto late = (site_.broken.send_late ? 5 : 1) * second_ns;
    auto send_ns = site_.draw(0, 3) == 0 ? late : site_.draw(0, 1) * site_.draw(0, late);
    const auto persisted_ns = site_.draw(0, send_ns);
    if (site_.draw(0, 9) == 0) send_ns = -1;
    site_.note((send_ns < 0 ? "stamped and wasted: " : "a start: ") + std::to_string(stamp.number));
    const auto true_ns = site_.clock.true_ns();
    pending_.push_back({true_ns + persisted_ns,
                        send_ns < 0 ? -1 : true_ns + send_ns,
                        stamp,
                        {stamp.number, site_projects[project]},
                        {++grants_, site_.judge.rules.size() - 1, project, process_, true_ns}});
  }

  void advance(std::int64_t pause_ns) {
    const auto until_ns = site_.clock.true_ns() + std::max<std::int64_t>(pause_ns, 0);
    for (auto& one : pending_) settle(one, until_ns);
    std::erase_if(pending_, [&](const auto& one) { return one.persisted_ns <= until_ns && one.send_ns <= until_ns; });
    queries_.advance(until_ns, site_.judge.queries);
    site_.clock.advance_to(until_ns);
    std::erase_if(flights_, [&](const flight& one) {
      const auto& seen = site_.judge.starts[one.seen];
      if (one.orphaned || seen.ended_ns > until_ns) return false;
      policy_.retrieval_ended(one.permit, seen.ended_well);
      disk_.erase_lease(one.permit);
      return true;
    });
  }

  void settle(pending_send& one, std::int64_t until_ns) {
    if (one.persisted_ns <= until_ns) disk_.persist(one.stamp, one.lease);
    if (one.persisted_ns > until_ns || one.send_ns > until_ns) return;
    if (one.send_ns < 0) {
      policy_.waste(one.lease.permit);
      disk_.erase_lease(one.lease.permit);
      return;
    }
    auto& start = site_.judge.starts.emplace_back(one.start);
    start.arrived_ns = one.send_ns + site_.draw(0, second_ns / 4 - 1);
    start.ended_ns = start.arrived_ns + site_.draw(0, site_.draw(0, 1) == 0 ? 5 * second_ns : 300 * second_ns);
    start.ended_well = site_.draw(0, 3) > 0;
    flights_.push_back({one.lease.permit, site_.judge.starts.size() - 1});
  }

  /// While an orphaned retrieval goes on, something arrives again and again, if only just before its lease would end;
  /// the last time at its end.
  void report_orphans() {
    std::erase_if(flights_, [&](flight& one) {
      if (!one.orphaned) return false;
      const auto true_ns = site_.clock.true_ns();
      const auto end_ns = site_.judge.starts[one.seen].ended_ns;
      one.heard_ns = std::max(one.heard_ns, std::min(true_ns - site_.draw(0, hostile_site::quiet_ns - 1), end_ns));
      if (end_ns <= true_ns) one.heard_ns = end_ns;
      auto at = site_.now();
      at.boottime_ns = one.heard_ns - site_.clock.booted_ns();
      if (!site_.broken.ignore_quiet_time && at.boottime_ns > 0) policy_.arrived(one.permit, at);
      return end_ns <= true_ns;
    });
  }

  void restart() {
    ++process_;
    pending_.clear();
    offers_.clear();
    site_.forget_contract();
    policy_ = Policy{};
    if (site_.broken.forget_leases_at_kill) disk_.leases.clear();
    for (auto& one : flights_) {
      one.orphaned = true;
      one.heard_ns = site_.clock.true_ns();
    }
    policy_.restore(disk_.stamps, disk_.leases, site_.now());
    queries_.restart(site_.now());
    if (disk_.paused && !site_.broken.forget_pause_at_kill) policy_.pause("maintenance");
    if (disk_.lost_us && !site_.broken.believe_a_lost_disk) assume_full();
  }

  /// A wall clock in doubt does not say how long ago that was: it then counts from now.
  void assume_full() {
    auto since = site_.now();
    if (!since.clock_in_doubt) since.boottime_ns -= std::max<std::int64_t>(since.wall_us - *disk_.lost_us, 0) * 1000;
    policy_.assume_full(since);
    queries_.assume_full(since);
  }

  void kill() {
    site_.note("killed");
    if (site_.broken.forget_stamps_at_kill) disk_.stamps.clear();
    restart();
  }

  /// Found by a server whose clock is good; nothing runs on for longer than retrievals without a sign of life may.
  void lose_disk() {
    site_.note("killed, and the disk has forgotten");
    if (site_.clock.in_doubt()) site_.synchronise();
    disk_.lose_all();
    queries_.lose_disk();
    disk_.lost_us = site_.now().wall_us;
    for (const auto& one : flights_) {
      auto& ends_ns = site_.judge.starts[one.seen].ended_ns;
      ends_ns = std::min(ends_ns, site_.clock.true_ns() + hostile_site::quiet_ns);
    }
    flights_.clear();
    restart();
  }

  void reboot() {
    const auto off_ns = site_.draw(1, site_.draw(0, 1) == 0 ? 20 : 100'000) * second_ns;
    site_.note("rebooted, off for " + std::to_string(off_ns / second_ns) + " s");
    site_.clock.reboot(off_ns, site_.draw(0, 5 * second_ns));
    if (site_.broken.forget_stamps_at_reboot) disk_.stamps.clear();
    if (site_.draw(0, 1) == 0) site_.step_clock();
    restart();
  }

  hostile_site site_;
  Policy policy_;
  query_desk queries_;
  server_disk disk_;
  int process_ = 0;
  std::uint64_t permits_ = 0;
  std::uint64_t grants_ = 0;
  std::int64_t not_before_ns_ = 0;
  std::vector<pending_send> pending_;
  std::vector<offer> offers_;
  std::vector<flight> flights_;
  std::map<actors::wait_reason, int> waits_;
};

}  // namespace penstock::test
