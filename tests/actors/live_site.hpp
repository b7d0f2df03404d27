#pragma once
// One PACS as it is governed live: the policy, asked by a clock of its own, retrievals that take their time, projects
// that expire. Times are wall clock; the boot clock goes with it.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actors/forecast.hpp"
#include "conf/calendar.hpp"

namespace penstock::test {

class live_site {
 public:
  live_site(conf::pacs pacs, actors::forecast_input given) : pacs_(std::move(pacs)), given_(std::move(given)) {
    now_ = given_.now;
    for (const auto& one : given_.projects) left_[one.project] = one.waiting;
  }

  /// How long the next retrieval takes.
  std::function<std::int64_t()> retrieval_us = [this] { return given_.mean_retrieval.count(); };
  /// How much longer what runs at the beginning takes.
  std::function<std::int64_t()> rest_us = [this] { return given_.mean_retrieval.count() / 2; };

  /// Asks after each pause that `next_pause` gives; it is told when the policy wants to be asked, or 0.
  void run(std::int64_t until_us, const std::function<std::int64_t(std::int64_t)>& next_pause) {
    for (const auto& one : given_.running) flights_.push_back({now_.wall_us + rest_us(), one.permit, one.project});
    while (now_.wall_us < until_us) {
      const auto pause_us = next_pause(ask());
      now_.wall_us += pause_us;
      now_.boottime_ns += pause_us * 1000;
    }
  }

  std::map<std::string, std::vector<std::int64_t>> starts_us;
  [[nodiscard]] std::int64_t now_us() const { return now_.wall_us; }

 private:
  struct flight {
    std::int64_t ends_us;
    std::uint64_t permit;
    std::string project;
  };

  [[nodiscard]] bool has_expired(const std::string& project) const {
    for (const auto& one : given_.projects)
      if (one.project == project) return one.expires_us && *one.expires_us <= now_.wall_us;
    return false;
  }

  /// Until when nothing changes unless the policy says so, as far as this site knows.
  std::int64_t ask() {
    const std::chrono::sys_seconds second{std::chrono::seconds{now_.wall_us / 1'000'000}};
    if (now_.wall_us >= terms_.ends_us) {
      const auto stretch = conf::stretch_at(pacs_.windows, pacs_.timezone, second);
      terms_ = {conf::limits_of(pacs_.windows, stretch), stretch.begins.time_since_epoch().count() * 1'000'000,
                stretch.ends.time_since_epoch().count() * 1'000'000, pacs_.lease_quiet};
    }
    const bool abort = terms_.limits && terms_.limits->abort && terms_.limits->concurrent == 0;
    std::erase_if(flights_, [&](const flight& one) {
      if (one.ends_us > now_.wall_us && !abort && !has_expired(one.project)) return false;
      given_.policy.retrieval_ended(one.permit);
      return true;
    });
    auto next_us = terms_.ends_us;
    std::vector<actors::waiting_project> waiting;
    for (;;) {
      waiting.clear();
      for (const auto& one : given_.projects)
        if (left_[one.project] > 0 && !has_expired(one.project)) waiting.push_back({one.project, one.weight});
      const auto decision = given_.policy.decide(now_, terms_, waiting);
      if (!decision.granted()) {
        if (decision.not_before_us > 0) next_us = std::min(next_us, decision.not_before_us);
        break;
      }
      static_cast<void>(given_.policy.reserve(now_, ++permits_, decision.project));
      flights_.push_back({now_.wall_us + retrieval_us(), permits_, decision.project});
      starts_us[decision.project].push_back(now_.wall_us);
      --left_[decision.project];
    }
    for (const auto& one : flights_) next_us = std::min(next_us, one.ends_us);
    for (const auto& one : given_.projects)
      if (one.expires_us && *one.expires_us > now_.wall_us) next_us = std::min(next_us, *one.expires_us);
    return next_us;
  }

  conf::pacs pacs_;
  actors::forecast_input given_;
  actors::instant now_;
  actors::contract terms_;
  std::map<std::string, std::uint64_t> left_;
  std::vector<flight> flights_;
  std::uint64_t permits_ = 1'000'000;
};

}  // namespace penstock::test
