#include "actors/sliding_log.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::actors;
using namespace std::chrono_literals;

namespace {

using start_log = penstock::actors::sliding_log;

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t minute_and_margins_ns = 61'250'000'000;

instant at(std::int64_t boottime_s, std::int64_t wall_s, const std::string& boot, bool in_doubt = false,
           std::int64_t max_error_us = 0) {
  return {boottime_s * second_ns, wall_s * 1'000'000, max_error_us, boot, in_doubt};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sliding_log)

BOOST_AUTO_TEST_CASE(allows_n_starts_in_any_window_and_not_one_more) {
  start_log log;
  for (std::uint64_t i = 0; i < 3; ++i) (void)log.add(i, at(100 + static_cast<std::int64_t>(i), 0, "a"));
  BOOST_TEST(log.free_at(at(103, 0, "a"), 60s, 3) == 100 * second_ns + minute_and_margins_ns);
  BOOST_TEST(log.free_at(at(103, 0, "a"), 60s, 2) == 101 * second_ns + minute_and_margins_ns);
  BOOST_TEST(log.free_at(at(103, 0, "a"), 60s, 4) <= 103 * second_ns);
  BOOST_TEST(log.free_at(at(103, 0, "a"), 60s, 0) == never_ns);
  BOOST_TEST(log.count(at(161, 0, "a"), 60s) == 3U);
  BOOST_TEST(log.count(at(162, 0, "a"), 60s) == 2U);
}

BOOST_AUTO_TEST_CASE(keeps_the_place_of_stamps_of_this_boot_whatever_the_wall_clock_says) {
  start_log log;
  std::vector<start_stamp> persisted{log.add(1, at(100, 5'000, "a"))};
  start_log restored;
  restored.restore(persisted, at(130, 1, "a", true));
  BOOST_TEST(restored.free_at(at(130, 1, "a", true), 60s, 1) == 100 * second_ns + minute_and_margins_ns);
}

BOOST_AUTO_TEST_CASE(ages_stamps_of_an_earlier_boot_by_the_wall_clock_less_both_errors) {
  start_log log;
  std::vector<start_stamp> persisted{log.add(1, at(50'000, 1'000, "a", false, 2'000'000))};
  start_log restored;
  const auto now = at(7, 1'040, "b", false, 3'000'000);
  restored.restore(persisted, now);
  // 40 s by the clocks, of which 35 s are certain.
  BOOST_TEST(restored.free_at(now, 60s, 1) == (7 - 35) * second_ns + minute_and_margins_ns);
}

BOOST_AUTO_TEST_CASE(counts_stamps_of_an_earlier_boot_as_new_until_the_clock_is_sound) {
  start_log log;
  std::vector<start_stamp> persisted{log.add(1, at(50'000, 1'000, "a"))};
  start_log restored;
  restored.restore(persisted, at(7, 90'000, "b", true));
  BOOST_TEST(restored.free_at(at(9, 90'002, "b", true), 60s, 1) == 7 * second_ns + minute_and_margins_ns);
  BOOST_TEST(restored.free_at(at(10, 1'030, "b"), 60s, 1) == (10 - 30) * second_ns + minute_and_margins_ns);
}

BOOST_AUTO_TEST_CASE(a_wall_clock_that_went_back_makes_no_stamp_older_or_newer_than_the_restart) {
  start_log log;
  std::vector<start_stamp> persisted{log.add(1, at(50'000, 1'000, "a"))};
  start_log restored;
  restored.restore(persisted, at(7, 500, "b"));
  BOOST_TEST(restored.free_at(at(9, 502, "b"), 60s, 1) == 7 * second_ns + minute_and_margins_ns);
}

BOOST_AUTO_TEST_CASE(a_stamp_made_in_doubt_has_no_wall_time_to_be_aged_by) {
  start_log log;
  std::vector<start_stamp> persisted{log.add(1, at(50'000, 1'000, "a", true))};
  BOOST_TEST(!persisted[0].wall_known);
  start_log restored;
  restored.restore(persisted, at(7, 90'000, "b"));
  BOOST_TEST(restored.free_at(at(7, 90'000, "b"), 60s, 1) == 7 * second_ns + minute_and_margins_ns);
}

BOOST_AUTO_TEST_CASE(counts_every_window_as_full_when_told_to) {
  start_log log;
  log.assume_full(at(10, 0, "a"));
  BOOST_TEST(log.free_at(at(11, 0, "a"), 60s, 1'000) == 10 * second_ns + minute_and_margins_ns);
  BOOST_TEST(log.free_at(at(11, 0, "a"), 3'600s, 1'000) == (10 + 3'601) * second_ns + second_ns / 4);
}

BOOST_AUTO_TEST_CASE(forgets_only_what_is_withdrawn_or_too_old) {
  start_log log;
  for (std::uint64_t i = 0; i < 3; ++i) (void)log.add(i, at(100 * static_cast<std::int64_t>(i), 0, "a"));
  log.withdraw(1);
  log.withdraw(99);
  BOOST_TEST(log.size() == 2U);
  BOOST_TEST((log.prune(at(200, 0, "a"), 60s) == std::vector<std::uint64_t>{0}));
  BOOST_TEST(log.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
