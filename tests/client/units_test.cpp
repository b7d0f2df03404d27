#include "tools/penstock/units.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <ctime>

using namespace penstock::commands;

BOOST_AUTO_TEST_SUITE(units)

BOOST_AUTO_TEST_CASE(writes_sizes_with_three_digits) {
  BOOST_TEST(human_bytes(0) == "0 B");
  BOOST_TEST(human_bytes(1023) == "1023 B");
  BOOST_TEST(human_bytes(1536) == "1.5 KiB");
  BOOST_TEST(human_bytes(200ULL << 30) == "200 GiB");
  BOOST_TEST(human_bytes(1023ULL << 20) == "1 GiB");
}

BOOST_AUTO_TEST_CASE(draws_the_quota_as_the_workbench_does) {
  BOOST_TEST(quota_bar(90ULL << 30, 200ULL << 30) == "[#########...........] 45 % of 200 GiB");
  BOOST_TEST(quota_bar(300, 200) == "[####################] 150 % of 200 B");
  BOOST_TEST(quota_bar(0, 0) == "[....................] 0 % of 0 B");
}

BOOST_AUTO_TEST_CASE(shows_instants_in_the_time_zone_of_the_user) {
  ::setenv("TZ", "America/New_York", 1);
  ::tzset();
  BOOST_TEST(local_time("2026-05-01T14:03:20Z") == "2026-05-01 10:03");
  BOOST_TEST(local_time("2026-05-01T14:03:20.123456Z") == "2026-05-01 10:03");
  BOOST_TEST(local_time("soon") == "soon");
  BOOST_TEST(local_time("").empty());
}

BOOST_AUTO_TEST_CASE(shows_dicom_dates_and_times_as_far_as_they_are_there) {
  BOOST_TEST(study_time("20090131", "143000.000") == "2009-01-31 14:30");
  BOOST_TEST(study_time("20090131", "") == "2009-01-31");
  BOOST_TEST(study_time("2009", "14") == "2009");
}

BOOST_AUTO_TEST_CASE(rounds_durations) {
  BOOST_TEST(human_seconds(45) == "45 s");
  BOOST_TEST(human_seconds(720) == "12 min");
  BOOST_TEST(human_seconds(12000) == "3 h 20 min");
}

BOOST_AUTO_TEST_SUITE_END()
