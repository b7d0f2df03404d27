#include "actors/retrieval_watch.hpp"

#include <boost/test/unit_test.hpp>

namespace penstock::tests {

BOOST_AUTO_TEST_SUITE(retrieval_watch)

namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t lease_quiet_us = 30 * second_us;

actors::retrieval_watch ended(std::uint64_t arrived, bool failed = false) {
  actors::retrieval_watch watch;
  watch.expected = 3;
  watch.arrived = arrived;
  watch.move_over = true;
  watch.failed = failed;
  watch.last_sign_us = 100 * second_us;
  return watch;
}

bool is_over_after(const actors::retrieval_watch& watch, std::int64_t quiet_us) {
  return watch.is_over(watch.last_sign_us + quiet_us, lease_quiet_us);
}

}  // namespace

BOOST_AUTO_TEST_CASE(is_not_over_while_the_move_runs_whatever_arrived) {
  auto watch = ended(3);
  watch.move_over = false;
  BOOST_TEST(!is_over_after(watch, 3600 * second_us));
}

BOOST_AUTO_TEST_CASE(is_over_at_once_when_all_is_here_and_every_association_has_closed) {
  BOOST_TEST(is_over_after(ended(3), 0));
  BOOST_TEST(is_over_after(ended(4), 0));
}

BOOST_AUTO_TEST_CASE(gives_open_associations_a_moment_to_close) {
  auto watch = ended(3);
  watch.open_associations = 1;
  BOOST_TEST(!is_over_after(watch, actors::retrieval_watch::closing_us - 1));
  BOOST_TEST(is_over_after(watch, actors::retrieval_watch::closing_us));
}

BOOST_AUTO_TEST_CASE(waits_for_late_objects_after_a_plain_success) {
  BOOST_TEST(!is_over_after(ended(2), lease_quiet_us - 1));
  BOOST_TEST(is_over_after(ended(2), lease_quiet_us));
}

BOOST_AUTO_TEST_CASE(waits_only_briefly_after_a_failure) {
  BOOST_TEST(!is_over_after(ended(2, true), actors::retrieval_watch::after_failure_us - 1));
  BOOST_TEST(is_over_after(ended(2, true), actors::retrieval_watch::after_failure_us));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
