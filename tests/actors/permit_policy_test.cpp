#include "actors/permit_policy.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::actors;
using penstock::conf::window_limits;

namespace {

using governor = penstock::actors::permit_policy;

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t noon_us = 1'800'000'000'000'000;
constexpr std::int64_t hour_us = 3'600'000'000;
const std::vector<waiting_project> one_project{{"alz", 1}};

/// A sound clock, `after_s` seconds after noon, which is 1,000 s after the boot.
instant at(double after_s, const std::string& boot = "boot1") {
  return {1'000 * second_ns + static_cast<std::int64_t>(after_s * 1e9),
          noon_us + static_cast<std::int64_t>(after_s * 1e6), 0, boot, false};
}

contract open_with(window_limits limits) {
  return {limits, noon_us - hour_us, noon_us + 200 * hour_us, std::chrono::seconds{30}};
}

/// Seconds after noon of an instant on the boottime clock.
double after_noon(std::int64_t boottime_ns) { return static_cast<double>(boottime_ns - 1'000 * second_ns) / 1e9; }

/// Starts as many as are allowed; how many are in flight then.
std::size_t fill(governor& policy, const contract& terms) {
  static std::uint64_t permit = 1'000;
  while (policy.decide(at(1), terms, one_project).granted()) (void)policy.reserve(at(1), ++permit, "alz");
  return policy.in_flight();
}

/// Ends so many of those that `fill` started.
void end_all(governor& policy, std::size_t count, bool well = true) {
  for (std::uint64_t permit = 1'000; count > 0; ++permit) {
    if (!policy.is_in_flight(permit)) continue;
    policy.retrieval_ended(permit, well);
    --count;
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(permit_policy)

BOOST_AUTO_TEST_CASE(grants_up_to_the_limit_of_a_window_and_then_names_it) {
  governor policy;
  const auto terms = open_with({9, 2, 3, {}, false});
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(policy.decide(at(i), terms, one_project).project == "alz");
    (void)policy.reserve(at(i), static_cast<std::uint64_t>(i), "alz");
  }
  const auto wait = policy.decide(at(2), terms, one_project);
  BOOST_TEST((wait.reason == wait_reason::minute_rate_reached));
  BOOST_TEST(wait.limit == 2U);
  BOOST_TEST(after_noon(wait.not_before_boottime_ns) == 61.25);
  BOOST_TEST(wait.not_before_us == noon_us + 61'250'000);
  BOOST_TEST(!policy.decide(at(61.249), terms, one_project).granted());
  BOOST_TEST(policy.decide(at(61.25), terms, one_project).granted());
  (void)policy.reserve(at(61.25), 2, "alz");
  const auto hour = policy.decide(at(100), terms, one_project);
  BOOST_TEST((hour.reason == wait_reason::hour_rate_reached));
  BOOST_TEST(after_noon(hour.not_before_boottime_ns) == 3'601.25);
}

BOOST_AUTO_TEST_CASE(a_limit_of_nothing_is_never_reached_by_waiting) {
  governor policy;
  const auto wait = policy.decide(at(0), open_with({1, {}, {}, 0, false}), one_project);
  BOOST_TEST((wait.reason == wait_reason::day_rate_reached));
  BOOST_TEST(wait.not_before_boottime_ns == 0);
}

BOOST_AUTO_TEST_CASE(counts_what_is_in_flight_until_it_ends_or_is_wasted) {
  governor policy;
  const auto terms = open_with({2, {}, {}, {}, false});
  (void)policy.reserve(at(0), 1, "alz");
  (void)policy.reserve(at(0), 2, "alz");
  const auto wait = policy.decide(at(1), terms, one_project);
  BOOST_TEST((wait.reason == wait_reason::concurrency_reached));
  BOOST_TEST(wait.limit == 2U);
  BOOST_TEST(wait.not_before_boottime_ns == 0);
  policy.retrieval_ended(1);
  BOOST_TEST(policy.decide(at(1), terms, one_project).granted());
  (void)policy.reserve(at(1), 3, "alz");
  policy.waste(3);
  BOOST_TEST(policy.decide(at(1), terms, one_project).granted());
  BOOST_TEST(policy.in_flight() == 1U);
}

BOOST_AUTO_TEST_CASE(a_wasted_start_stays_counted_and_a_withdrawn_one_does_not) {
  governor policy;
  const auto terms = open_with({9, 1, {}, {}, false});
  (void)policy.reserve(at(0), 1, "alz");
  policy.withdraw(1);
  BOOST_TEST(policy.decide(at(0), terms, one_project).granted());
  (void)policy.reserve(at(0), 2, "alz");
  policy.waste(2);
  BOOST_TEST(!policy.decide(at(0), terms, one_project).granted());
  BOOST_TEST(policy.started(at(0), minute_window) == 1U);
}

BOOST_AUTO_TEST_CASE(grants_nothing_when_a_send_could_miss_the_window) {
  governor policy;
  contract terms{window_limits{1, {}, {}, {}, false}, noon_us, noon_us + 10'000'000, std::chrono::seconds{30}};
  auto early = at(0.01);
  early.max_error_us = 20'000;
  const auto opening = policy.decide(early, terms, one_project);
  BOOST_TEST((opening.reason == wait_reason::window_closed));
  BOOST_TEST(opening.not_before_us == noon_us + 20'000);
  BOOST_TEST(policy.decide(at(8.749), terms, one_project).granted());
  const auto closing = policy.decide(at(8.75), terms, one_project);
  BOOST_TEST((closing.reason == wait_reason::window_closed));
  BOOST_TEST(closing.not_before_us == noon_us + 10'000'000);
  BOOST_TEST(after_noon(closing.not_before_boottime_ns) == 10.0);
}

BOOST_AUTO_TEST_CASE(tells_until_when_a_window_is_closed) {
  governor policy;
  for (const auto& limits : {std::optional<window_limits>{}, std::optional{window_limits{0, {}, {}, {}, true}}}) {
    const auto wait = policy.decide(at(0), {limits, noon_us - 1, noon_us + 5'000'000, {}}, one_project);
    BOOST_TEST((wait.reason == wait_reason::window_closed));
    BOOST_TEST(wait.not_before_us == noon_us + 5'000'000);
  }
}

BOOST_AUTO_TEST_CASE(grants_nothing_while_paused_in_doubt_or_without_work) {
  governor policy;
  const auto terms = open_with({1, {}, {}, {}, false});
  BOOST_TEST((policy.decide(at(0), terms, {}).reason == wait_reason::nothing_waiting));
  policy.pause("maintenance");
  BOOST_TEST((policy.decide(at(0), terms, one_project).reason == wait_reason::pacs_paused));
  BOOST_TEST(policy.pause_reason() == "maintenance");
  policy.resume();
  auto doubtful = at(0);
  doubtful.clock_in_doubt = true;
  BOOST_TEST((policy.decide(doubtful, terms, one_project).reason == wait_reason::clock_in_doubt));
  BOOST_TEST(policy.decide(at(0), terms, one_project).granted());
}

BOOST_AUTO_TEST_CASE(after_a_pause_the_number_in_flight_doubles_as_retrievals_end_well) {
  governor policy;
  const auto terms = open_with({6, {}, {}, {}, false});
  BOOST_TEST(fill(policy, terms) == 6U);
  end_all(policy, 6);
  policy.pause("maintenance");
  policy.resume();
  for (const std::size_t most : {1U, 2U, 4U, 6U, 6U}) {
    BOOST_TEST(fill(policy, terms) == most);
    const auto wait = policy.decide(at(1), terms, one_project);
    BOOST_TEST((wait.reason == (most < 6 ? wait_reason::slow_start : wait_reason::concurrency_reached)));
    BOOST_TEST(wait.limit == most);
    end_all(policy, most);
  }
}

BOOST_AUTO_TEST_CASE(what_fails_or_was_started_before_does_not_hurry_a_slow_start) {
  governor policy;
  const auto terms = open_with({4, {}, {}, {}, false});
  BOOST_TEST(fill(policy, terms) == 4U);
  policy.begin_slow_start();
  end_all(policy, 4);
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(fill(policy, terms) == 1U);
    end_all(policy, 1, false);
  }
  BOOST_TEST(fill(policy, terms) == 1U);
  end_all(policy, 1);
  BOOST_TEST(fill(policy, terms) == 2U);
}

BOOST_AUTO_TEST_CASE(a_pause_that_outlives_a_restart_ends_in_a_slow_start_too) {
  governor policy;
  policy.restore({}, {}, at(0));
  policy.pause("maintenance");
  policy.resume();
  BOOST_TEST(fill(policy, open_with({4, {}, {}, {}, false})) == 1U);
}

BOOST_AUTO_TEST_CASE(resuming_what_is_not_paused_changes_nothing) {
  governor policy;
  policy.resume();
  BOOST_TEST(fill(policy, open_with({4, {}, {}, {}, false})) == 4U);
}

BOOST_AUTO_TEST_CASE(leases_of_a_crash_end_when_nothing_has_arrived_for_long_enough) {
  governor policy;
  const auto terms = open_with({1, {}, {}, {}, false});
  policy.restore({}, {{7, "alz"}}, at(0));
  const auto wait = policy.decide(at(20), terms, one_project);
  BOOST_TEST((wait.reason == wait_reason::concurrency_reached));
  BOOST_TEST(after_noon(wait.not_before_boottime_ns) == 30.0);
  policy.arrived(7, at(20));
  BOOST_TEST(!policy.decide(at(49.9), terms, one_project).granted());
  BOOST_TEST(policy.take_expired_leases().empty());
  BOOST_TEST(policy.decide(at(50), terms, one_project).granted());
  BOOST_TEST((policy.take_expired_leases() == std::vector<std::uint64_t>{7}));
  BOOST_TEST(!policy.is_in_flight(7));
}

BOOST_AUTO_TEST_CASE(new_limits_count_what_was_started_under_old_ones) {
  governor policy;
  for (std::uint64_t i = 0; i < 5; ++i) (void)policy.reserve(at(0), i, "alz");
  BOOST_TEST(!policy.decide(at(1), open_with({9, 5, {}, {}, false}), one_project).granted());
  BOOST_TEST(policy.decide(at(1), open_with({9, 6, {}, {}, false}), one_project).granted());
  BOOST_TEST(!policy.decide(at(3'600), open_with({9, {}, {}, 5, false}), one_project).granted());
}

BOOST_AUTO_TEST_CASE(drops_stamps_only_when_no_window_can_count_them) {
  governor policy;
  (void)policy.reserve(at(0), 1, "alz");
  BOOST_TEST(policy.prune(at(86'401.2)).empty());
  BOOST_TEST((policy.prune(at(86'401.25)) == std::vector<std::uint64_t>{1}));
}

BOOST_AUTO_TEST_CASE(a_lost_log_counts_as_full_in_every_window_that_has_a_limit) {
  governor policy;
  policy.assume_full(at(0));
  const auto minutes = open_with({9, 5, {}, {}, false});
  const auto wait = policy.decide(at(40), minutes, one_project);
  BOOST_TEST((wait.reason == wait_reason::minute_rate_reached));
  BOOST_TEST(after_noon(wait.not_before_boottime_ns) == 61.25);
  BOOST_TEST(policy.decide(at(61.25), minutes, one_project).granted());
  BOOST_TEST(!policy.decide(at(61.25), open_with({9, 5, 100, {}, false}), one_project).granted());
  BOOST_TEST(!policy.decide(at(3'700), open_with({9, 5, 100, 1000, false}), one_project).granted());
  BOOST_TEST(policy.decide(at(86'402), open_with({9, 5, 100, 1000, false}), one_project).granted());
}

BOOST_AUTO_TEST_CASE(what_was_in_flight_when_the_log_was_lost_counts_until_it_may_have_been_quiet) {
  governor policy;
  policy.assume_full(at(0));
  const auto free = open_with({9, {}, {}, {}, false});
  const auto wait = policy.decide(at(10), free, one_project);
  BOOST_TEST((wait.reason == wait_reason::concurrency_reached));
  BOOST_TEST(after_noon(wait.not_before_boottime_ns) == 30);
  BOOST_TEST(policy.decide(at(30), free, one_project).granted());
}

BOOST_AUTO_TEST_CASE(queries_are_held_to_any_minute_too) {
  query_policy policy;
  BOOST_TEST(policy.not_before(at(0), 2) == 0);
  (void)policy.reserve(at(0), 1);
  (void)policy.reserve(at(5), 2);
  BOOST_TEST(after_noon(policy.not_before(at(10), 2)) == 61.25);
  BOOST_TEST(policy.not_before(at(61.25), 2) == 0);
  policy.withdraw(2);
  BOOST_TEST(policy.not_before(at(10), 2) == 0);
  policy.assume_full(at(10));
  BOOST_TEST(after_noon(policy.not_before(at(10), 60)) == 71.25);
  BOOST_TEST((policy.prune(at(62)) == std::vector<std::uint64_t>{1}));
}

BOOST_AUTO_TEST_SUITE_END()
