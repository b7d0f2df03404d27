// permit_policy and query_policy keep the contract of a PACS in every history, and the histories would show it if they
// did not.
//
//   PENSTOCK_HISTORIES=1000000 actors_test --run_test=permit_history
//     so many in all; default 100,000. PENSTOCK_FIRST_HISTORY: where each of the four seasons begins, default 0
//   PENSTOCK_HISTORY=4711 actors_test --run_test=permit_history/CASE --log_level=message
//     only that one, event by event

#include <date/tz.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "tests/actors/permit_world.hpp"

using namespace penstock::actors;
using namespace penstock::test;

namespace {

using governor = penstock::actors::permit_policy;

constexpr int events = 60;
constexpr std::int64_t second_ns = 1'000'000'000;

std::uint32_t number_from(const char* variable, std::uint32_t otherwise) {
  const auto* text = std::getenv(variable);
  return text ? static_cast<std::uint32_t>(std::stoul(text)) : otherwise;
}

/// How the history with that seed ends: "" or the broken promise.
template <class Policy>
std::string judge_history(std::uint32_t seed, season when, flaws broken, int so_many_events = events) {
  permit_world<Policy> world{seed, when, broken};
  world.run(so_many_events);
  return world.judge().verdict();
}

/// The shortest beginning of a history that breaks a promise, and how to see it.
std::string tell(std::uint32_t seed, season when) {
  int shortest = 0;
  while (shortest < events && judge_history<governor>(seed, when, {}, shortest).empty()) ++shortest;
  permit_world<governor> world{seed, when, {}, true};
  world.run(shortest);
  const auto verdict = world.judge().verdict();
  auto text = "history " + std::to_string(seed) + ", after " + std::to_string(shortest) +
              " events: " + (verdict.empty() ? "the contract is kept" : verdict);
  for (const auto& event : world.events()) text += "\n  " + event;
  const auto& this_case = boost::unit_test::framework::current_test_case().full_name();
  return text + "\nagain: PENSTOCK_HISTORY=" + std::to_string(seed) +
         " .build/release/bin/actors_test --run_test=" + this_case;
}

/// A quarter of all histories.
void keep_contract(season when) {
  const auto only = std::getenv("PENSTOCK_HISTORY") != nullptr;
  const auto first = number_from(only ? "PENSTOCK_HISTORY" : "PENSTOCK_FIRST_HISTORY", 0);
  const auto count = only ? 1 : number_from("PENSTOCK_HISTORIES", 100'000) / 4;
  std::size_t starts = 0;
  std::size_t queries = 0;
  std::map<wait_reason, std::size_t> waits;
  for (auto seed = first; seed < first + count; ++seed) {
    permit_world<governor> world{seed, when, {}};
    world.run(events);
    const auto verdict = world.judge().verdict();
    if (!verdict.empty()) BOOST_FAIL(tell(seed, when));
    starts += world.judge().starts.size();
    queries += world.judge().queries.size();
    for (const auto& [reason, times] : world.waits()) waits[reason] += static_cast<std::size_t>(times);
  }
  if (only) BOOST_TEST_MESSAGE(tell(first, when));
  BOOST_TEST_MESSAGE(count << " histories, " << starts << " starts, " << queries << " queries");
  if (count < 1'000) return;
  // The histories are worth something: much starts, and every reason to wait occurs often.
  BOOST_TEST(starts > 5 * count);
  BOOST_TEST(queries > 5 * count);
  for (const auto& [reason, times] : waits) BOOST_TEST_MESSAGE("  " << name_of(reason) << " " << times);
  for (const auto reason : {wait_reason::pacs_paused, wait_reason::clock_in_doubt, wait_reason::window_closed,
                            wait_reason::concurrency_reached, wait_reason::slow_start, wait_reason::minute_rate_reached,
                            wait_reason::hour_rate_reached, wait_reason::day_rate_reached})
    BOOST_TEST(waits[reason] > count / 2, name_of(reason));
}

/// The first promise that is found broken in so many histories, and after how many; "" when none is.
template <class Policy>
std::string first_broken(flaws broken, std::uint32_t histories = 20'000) {
  for (std::uint32_t seed = 0; seed < histories; ++seed)
    for (const auto when : {season::clocks_forward, season::clocks_back, season::leap_day, season::any}) {
      auto found = judge_history<Policy>(seed, when, broken);
      if (found.empty()) continue;
      BOOST_TEST_MESSAGE("found after " << 4 * seed + 1 << " histories: " << found);
      return found;
    }
  return "";
}

/// An offer that was allowed once is stamped whenever it is ready.
class unchecked_renewal : public governor {
 public:
  renewal renew(const instant& now, const contract&, std::uint64_t permit) {
    if (!is_in_flight(permit)) return {};
    withdraw(permit);
    return {governor::reserve(now, permit, "alz"), {}};
  }
};

/// After a pause everything that waits may start at once.
class bursting_policy : public governor {
 public:
  void pause(const std::string&) { paused_here_ = true; }
  void resume() { paused_here_ = false; }
  permit_decision decide(const instant& now, const contract& in_force, const std::vector<waiting_project>& waiting) {
    if (paused_here_) return {{}, wait_reason::pacs_paused, 0, 0, 0};
    return governor::decide(now, in_force, waiting);
  }
  renewal renew(const instant& now, const contract& in_force, std::uint64_t permit) {
    if (!paused_here_) return governor::renew(now, in_force, permit);
    withdraw(permit);
    return {};
  }

 private:
  bool paused_here_ = false;
};

/// The well-known wrong way: N tokens, refilled evenly, in place of the log; everything else is right.
class token_bucket_policy : public governor {
 public:
  permit_decision decide(const instant& now, contract in_force, const std::vector<waiting_project>& waiting) {
    const auto limits = in_force.limits;
    if (in_force.limits) in_force.limits->per_minute = in_force.limits->per_hour = in_force.limits->per_day = {};
    auto decision = governor::decide(now, in_force, waiting);
    if (!decision.granted() || !limits) return decision;
    if (!refill(now, 60, limits->per_minute) || !refill(now, 3'600, limits->per_hour) ||
        !refill(now, 86'400, limits->per_day))
      return {{}, wait_reason::minute_rate_reached, 0, now.boottime_ns + second_ns, 0};
    return decision;
  }
  start_stamp reserve(const instant& now, std::uint64_t permit, const std::string& project) {
    for (auto& [window, one] : buckets_) one.tokens -= 1;
    return governor::reserve(now, permit, project);
  }

 private:
  struct bucket {
    double tokens = 0;
    std::int64_t filled_ns = 0;
  };
  bool refill(const instant& now, int window, std::optional<std::uint32_t> limit) {
    if (!limit) return true;
    auto& one = buckets_.try_emplace(window, bucket{0.0 + *limit, now.boottime_ns}).first->second;
    one.tokens += static_cast<double>(now.boottime_ns - one.filled_ns) * *limit / (1e9 * window);
    one.tokens = std::min(one.tokens, 0.0 + *limit);
    one.filled_ns = now.boottime_ns;
    return one.tokens >= 1;
  }
  std::map<int, bucket> buckets_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(permit_history)

BOOST_AUTO_TEST_CASE(the_judge_knows_what_the_clocks_on_the_wall_show) {
  for (const auto& zone : civil_zones) {
    const auto* official = date::locate_zone(zone.name);
    for (std::int64_t utc_s = 1'700'000'000; utc_s < 2'100'000'000; utc_s += 1'799) {
      const auto local = official->to_local(std::chrono::sys_seconds{std::chrono::seconds{utc_s}});
      BOOST_REQUIRE(zone.local_s(utc_s) == local.time_since_epoch().count());
    }
  }
}

BOOST_AUTO_TEST_CASE(keeps_the_contract_where_clocks_go_forward) { keep_contract(season::clocks_forward); }

BOOST_AUTO_TEST_CASE(keeps_the_contract_where_clocks_go_back) { keep_contract(season::clocks_back); }

BOOST_AUTO_TEST_CASE(keeps_the_contract_around_a_leap_day) { keep_contract(season::leap_day); }

BOOST_AUTO_TEST_CASE(keeps_the_contract_on_any_day) { keep_contract(season::any); }

BOOST_AUTO_TEST_CASE(the_histories_catch_a_token_bucket) {
  BOOST_TEST(first_broken<token_bucket_policy>({}).starts_with("too many in "));
}

BOOST_AUTO_TEST_CASE(the_histories_catch_a_permit_that_is_stamped_unchecked) {
  BOOST_TEST(first_broken<unchecked_renewal>({}) != "");
}

BOOST_AUTO_TEST_CASE(the_histories_catch_a_burst_after_a_pause) {
  BOOST_TEST(first_broken<bursting_policy>({}) == "too many at once after a pause");
}

BOOST_AUTO_TEST_CASE(the_histories_catch_a_log_that_is_lost) {
  BOOST_TEST(first_broken<governor>({.forget_stamps_at_kill = true}).starts_with("too many in "));
  BOOST_TEST(first_broken<governor>({.forget_stamps_at_reboot = true}).starts_with("too many in "));
  BOOST_TEST(first_broken<governor>({.believe_a_lost_disk = true}).starts_with("too many "));
}

BOOST_AUTO_TEST_CASE(the_histories_catch_leases_that_are_lost_or_ended_too_early) {
  BOOST_TEST(first_broken<governor>({.forget_leases_at_kill = true}).starts_with("too many "));
  BOOST_TEST(first_broken<governor>({.ignore_quiet_time = true}) == "too many in flight");
}

BOOST_AUTO_TEST_CASE(the_histories_catch_a_pause_that_a_kill_ends) {
  BOOST_TEST(first_broken<governor>({.forget_pause_at_kill = true}) != "");
}

BOOST_AUTO_TEST_CASE(the_histories_catch_a_clock_that_is_trusted_in_doubt) {
  BOOST_TEST(first_broken<governor>({.trust_clock_in_doubt = true}) != "");
}

BOOST_AUTO_TEST_CASE(the_histories_catch_a_send_after_its_deadline) {
  BOOST_TEST(first_broken<governor>({.send_late = true}) != "");
}

BOOST_AUTO_TEST_CASE(the_histories_catch_windows_that_know_no_summer_time) {
  BOOST_TEST(first_broken<governor>({.summer_is_winter = true}) != "");
}

BOOST_AUTO_TEST_CASE(the_histories_catch_rules_that_take_effect_late) {
  BOOST_TEST(first_broken<governor>({.keep_window_at_reload = true}) != "");
}

BOOST_AUTO_TEST_CASE(the_histories_catch_a_start_for_a_project_that_may_not_have_one) {
  const auto found = first_broken<governor>({.forget_project_at_claim = true});
  BOOST_TEST((found == "sent for a patient outside the cohort" || found == "sent for an expired project"));
}

BOOST_AUTO_TEST_SUITE_END()
