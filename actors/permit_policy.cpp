#include "actors/permit_policy.hpp"

#include <algorithm>
#include <array>

namespace penstock::actors {
namespace {

/// No send of a start that is stamped now is seen by the PACS later than this.
constexpr std::int64_t latest_send_us = std::chrono::microseconds{send_deadline + network_guard}.count();

permit_decision wait_for(wait_reason reason) { return {{}, reason, 0, 0, 0}; }

permit_decision wait_until_wall(wait_reason reason, const instant& now, std::int64_t until_us) {
  return {{}, reason, 0, now.boottime_ns + (until_us - now.wall_us) * 1000, until_us};
}

permit_decision wait_until_boottime(wait_reason reason, std::uint32_t limit, const instant& now,
                                    std::int64_t until_ns) {
  if (until_ns == never_ns) return {{}, reason, limit, 0, 0};
  // Rounded up: at the wall time that people are told, it is free.
  return {{}, reason, limit, until_ns, now.wall_us + (until_ns - now.boottime_ns + 999) / 1000};
}

/// Nothing when the send of a start stamped now falls into the window in force whatever the clock's error, the time
/// that the send takes, and the network do.
std::optional<permit_decision> check_window(const instant& now, const contract& in_force) {
  const auto& limits = in_force.limits;
  if (!limits || limits->concurrent == 0) return wait_until_wall(wait_reason::window_closed, now, in_force.ends_us);
  if (now.wall_us - now.max_error_us < in_force.begins_us)
    return wait_until_wall(wait_reason::window_closed, now, in_force.begins_us + now.max_error_us);
  if (now.wall_us + now.max_error_us + latest_send_us >= in_force.ends_us)
    return wait_until_wall(wait_reason::window_closed, now, in_force.ends_us);
  return std::nullopt;
}

}  // namespace

std::string_view name_of(wait_reason reason) {
  switch (reason) {
    case wait_reason::none:
      return "none";
    case wait_reason::nothing_waiting:
      return "nothing_waiting";
    case wait_reason::pacs_paused:
      return "pacs_paused";
    case wait_reason::clock_in_doubt:
      return "clock_in_doubt";
    case wait_reason::window_closed:
      return "window_closed";
    case wait_reason::concurrency_reached:
      return "concurrency_reached";
    case wait_reason::slow_start:
      return "slow_start";
    case wait_reason::minute_rate_reached:
      return "minute_rate_reached";
    case wait_reason::hour_rate_reached:
      return "hour_rate_reached";
    case wait_reason::day_rate_reached:
      return "day_rate_reached";
  }
  return "none";
}

permit_decision permit_policy::decide(const instant& now, const contract& in_force,
                                      const std::vector<waiting_project>& waiting) {
  end_quiet_leases(now, in_force);
  if (waiting.empty()) return wait_for(wait_reason::nothing_waiting);
  if (auto wait = check(now, in_force)) return *wait;
  permit_decision granted;
  granted.project = round_.next(waiting);
  return granted;
}

std::optional<permit_decision> permit_policy::check(const instant& now, const contract& in_force) {
  if (paused_) return wait_for(wait_reason::pacs_paused);
  if (now.clock_in_doubt) return wait_for(wait_reason::clock_in_doubt);
  if (auto wait = check_window(now, in_force)) return wait;
  if (auto wait = check_flights(now, in_force)) return wait;
  return check_rates(now, *in_force.limits);
}

permit_policy::renewal permit_policy::renew(const instant& now, const contract& in_force, std::uint64_t permit) {
  const auto found = leases_.find(permit);
  if (found == leases_.end()) return {std::nullopt, wait_for(wait_reason::nothing_waiting)};
  auto kept = std::move(found->second);
  withdraw(permit);
  if (auto wait = check(now, in_force)) return {std::nullopt, *wait};
  leases_[permit] = std::move(kept);
  return {log_.add(permit, now), {}};
}

start_stamp permit_policy::reserve(const instant& now, std::uint64_t permit, const std::string& project) {
  round_.take(project);
  leases_[permit] = {project, std::nullopt, false};
  return log_.add(permit, now);
}

void permit_policy::withdraw(std::uint64_t permit) {
  leases_.erase(permit);
  log_.withdraw(permit);
}

void permit_policy::retrieval_ended(std::uint64_t permit, bool well) {
  const auto found = leases_.find(permit);
  if (found == leases_.end()) return;
  const bool counts = well && !found->second.before_slow_start;
  leases_.erase(found);
  if (slow_start_limit_ == no_slow_start || !counts || ++ended_well_ < slow_start_limit_) return;
  slow_start_limit_ = slow_start_limit_ > no_slow_start / 2 ? no_slow_start : slow_start_limit_ * 2;
  ended_well_ = 0;
}

void permit_policy::resume() {
  if (paused_) begin_slow_start();
  paused_.reset();
}

void permit_policy::begin_slow_start() {
  slow_start_limit_ = 1;
  ended_well_ = 0;
  for (auto& [permit, one] : leases_) one.before_slow_start = true;
}

void permit_policy::orphan(std::uint64_t permit, const instant& now) {
  const auto found = leases_.find(permit);
  if (found != leases_.end() && !found->second.quiet_since_ns) found->second.quiet_since_ns = now.boottime_ns;
}

void permit_policy::arrived(std::uint64_t permit, const instant& now) {
  const auto found = leases_.find(permit);
  if (found != leases_.end() && found->second.quiet_since_ns) found->second.quiet_since_ns = now.boottime_ns;
}

void permit_policy::restore(std::vector<start_stamp> stamps, const std::vector<lease>& leases, const instant& now) {
  log_.restore(std::move(stamps), now);
  for (const auto& one : leases) leases_[one.permit] = {one.project, now.boottime_ns, true};
}

void permit_policy::end_quiet_leases(const instant& now, const contract& in_force) {
  const auto quiet_ns = std::chrono::nanoseconds{in_force.lease_quiet}.count();
  std::erase_if(leases_, [&](const auto& entry) {
    const auto& since_ns = entry.second.quiet_since_ns;
    const bool over = since_ns && now.boottime_ns - *since_ns >= quiet_ns;
    if (over) expired_.push_back(entry.first);
    return over;
  });
}

std::optional<permit_decision> permit_policy::check_flights(const instant& now, const contract& in_force) const {
  const auto most = std::min(in_force.limits->concurrent, slow_start_limit_);
  const auto reason = most < in_force.limits->concurrent ? wait_reason::slow_start : wait_reason::concurrency_reached;
  const auto quiet_ns = std::chrono::nanoseconds{in_force.lease_quiet}.count();
  if (unknown_flights_since_ns_ && now.boottime_ns - *unknown_flights_since_ns_ < quiet_ns)
    return wait_until_boottime(reason, most, now, *unknown_flights_since_ns_ + quiet_ns);
  if (leases_.size() < most) return std::nullopt;
  auto next_quiet_ns = never_ns;
  for (const auto& [permit, one] : leases_)
    if (one.quiet_since_ns) next_quiet_ns = std::min(next_quiet_ns, *one.quiet_since_ns + quiet_ns);
  return wait_until_boottime(reason, most, now, next_quiet_ns);
}

std::optional<permit_decision> permit_policy::check_rates(const instant& now, const conf::window_limits& limits) {
  struct rate {
    wait_reason reason;
    std::chrono::seconds window;
    std::optional<std::uint32_t> limit;
  };
  const std::array<rate, 3> rates{{{wait_reason::day_rate_reached, day_window, limits.per_day},
                                   {wait_reason::hour_rate_reached, hour_window, limits.per_hour},
                                   {wait_reason::minute_rate_reached, minute_window, limits.per_minute}}};
  std::optional<permit_decision> wait;
  auto latest_ns = now.boottime_ns;
  for (const auto& [reason, window, limit_of_rules] : rates) {
    // Without a limit there is still what the log can hold; it counts in no window that was assumed to be full.
    if (!limit_of_rules && log_.size() < conf::max_starts_per_day) continue;
    const auto limit = std::min(limit_of_rules.value_or(conf::max_starts_per_day), conf::max_starts_per_day);
    const auto free_ns = log_.free_at(now, window, limit);
    if (free_ns <= latest_ns) continue;
    latest_ns = free_ns;
    wait = wait_until_boottime(reason, limit, now, free_ns);
  }
  return wait;
}

std::int64_t query_policy::not_before(const instant& now, std::uint32_t per_minute, std::uint32_t queries) {
  const auto others = per_minute < queries ? 0 : per_minute - queries + 1;  // room for the last is room for all
  const auto free_ns = log_.free_at(now, minute_window, others);
  return free_ns <= now.boottime_ns ? 0 : free_ns;
}

}  // namespace penstock::actors
