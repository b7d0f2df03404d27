#include "tools/penstock/transfer_rate.hpp"

#include <boost/test/unit_test.hpp>

using penstock::commands::transfer_rate;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(transfer_rates)

BOOST_AUTO_TEST_CASE(knows_nothing_before_it_has_seen_two_instants) {
  transfer_rate rate;
  const auto start = transfer_rate::time_point{};
  BOOST_TEST(rate.bytes_per_second() == 0);
  rate.observe(start, 500);
  BOOST_TEST(rate.bytes_per_second() == 0);
  rate.observe(start, 900);
  BOOST_TEST(rate.bytes_per_second() == 0);
}

BOOST_AUTO_TEST_CASE(counts_from_where_a_resumed_download_began) {
  transfer_rate rate;
  const auto start = transfer_rate::time_point{};
  rate.observe(start, 1'000'000);
  rate.observe(start + 2s, 1'000'400);
  BOOST_TEST(rate.bytes_per_second() == 200);
}

BOOST_AUTO_TEST_CASE(forgets_how_it_was_some_seconds_ago) {
  transfer_rate rate;
  const auto start = transfer_rate::time_point{};
  for (int second = 0; second <= 100; ++second) rate.observe(start + second * 1s, static_cast<std::uint64_t>(second));
  for (int second = 101; second <= 120; ++second)
    rate.observe(start + second * 1s, 100 + 1000 * static_cast<std::uint64_t>(second - 100));
  BOOST_TEST(rate.bytes_per_second() == 1000);
  rate.forget();
  BOOST_TEST(rate.bytes_per_second() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
