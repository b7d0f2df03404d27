#include "tools/client/sequence_tracker.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::client;

BOOST_AUTO_TEST_SUITE(sequence_tracking)

BOOST_AUTO_TEST_CASE(delivers_each_number_once_and_in_order) {
  sequence_tracker seen;
  BOOST_TEST((seen.observe(7) == sequence_verdict::deliver));
  BOOST_TEST((seen.observe(8) == sequence_verdict::deliver));
  BOOST_TEST((seen.observe(8) == sequence_verdict::duplicate));
  BOOST_TEST((seen.observe(1) == sequence_verdict::duplicate));
  BOOST_TEST(seen.next() == 9u);
}

BOOST_AUTO_TEST_CASE(stays_where_it_is_when_a_number_was_missed) {
  sequence_tracker seen{5};
  BOOST_TEST((seen.observe(6) == sequence_verdict::missed));
  BOOST_TEST((seen.observe(5) == sequence_verdict::deliver));
  BOOST_TEST((seen.observe(6) == sequence_verdict::deliver));
}

BOOST_AUTO_TEST_SUITE_END()
