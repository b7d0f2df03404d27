#include "storage/utc_time.hpp"

#include <boost/test/unit_test.hpp>

namespace penstock::storage {
namespace {

BOOST_AUTO_TEST_SUITE(utc_time)

BOOST_AUTO_TEST_CASE(writes_instants_in_milliseconds_rounded_down) {
  BOOST_TEST(rfc3339_utc(0) == "1970-01-01T00:00:00.000Z");
  BOOST_TEST(rfc3339_utc(999) == "1970-01-01T00:00:00.000Z");
  BOOST_TEST(rfc3339_utc(-1) == "1969-12-31T23:59:59.999Z");
  BOOST_TEST(rfc3339_utc(951'827'696'789'999) == "2000-02-29T12:34:56.789Z");
  BOOST_TEST(rfc3339_utc(253'402'300'799'999'999) == "9999-12-31T23:59:59.999Z");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::storage
