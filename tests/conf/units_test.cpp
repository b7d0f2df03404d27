#include "conf/units.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::conf;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(units)

BOOST_AUTO_TEST_CASE(reads_durations_with_their_unit) {
  BOOST_TEST((parse_duration("250 ms") == 250ms));
  BOOST_TEST((parse_duration("30s") == 30s));
  BOOST_TEST((parse_duration("15 min") == 15min));
  BOOST_TEST((parse_duration("2 h") == 2h));
  BOOST_TEST((parse_duration("90 days") == 90 * 24h));
  BOOST_TEST((parse_duration("1 week") == 7 * 24h));
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_duration) {
  for (const auto* text : {"", "30", "s", "30  s", "-1 s", "1.5 h", "30 S", "30 sec", "30 s ", "99999999999999999999 s",
                           "18446744073709551615 weeks", "101 years"})
    BOOST_TEST(!parse_duration(text), text);
}

BOOST_AUTO_TEST_CASE(reads_sizes_in_powers_of_1024_only) {
  BOOST_TEST((parse_size("200 GiB") == 200ULL << 30));
  BOOST_TEST((parse_size("1 B") == 1ULL));
  BOOST_TEST((parse_size("8191 PiB") == 8191ULL << 50));
  for (const auto* text : {"200", "200 GB", "200 gib", "8192 PiB", "GiB"}) BOOST_TEST(!parse_size(text), text);
}

BOOST_AUTO_TEST_CASE(reads_times_of_day_up_to_24_00) {
  BOOST_TEST((parse_time_of_day("00:00") == 0));
  BOOST_TEST((parse_time_of_day("23:59") == 1439));
  BOOST_TEST((parse_time_of_day("24:00") == 1440));
  for (const auto* text : {"7:00", "07:60", "24:01", "25:00", "0700", "07-00", "-7:00", "07:0a"})
    BOOST_TEST(!parse_time_of_day(text), text);
}

BOOST_AUTO_TEST_CASE(reads_days_and_ranges_over_the_end_of_the_week) {
  BOOST_TEST((parse_days("mon") == 0b0000001));
  BOOST_TEST((parse_days("mon-fri") == 0b0011111));
  BOOST_TEST((parse_days("sat-mon") == 0b1100001));
  BOOST_TEST((parse_days("sun-sun") == 0b1000000));
  for (const auto* text : {"", "Mon", "monday", "mon-", "-fri", "mon-fri-sat"}) BOOST_TEST(!parse_days(text), text);
}

BOOST_AUTO_TEST_SUITE_END()
