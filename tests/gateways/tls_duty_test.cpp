#include "gateways/tls_duty.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(tls_duty)

using namespace penstock;

namespace {

gateways::tls_duty duty_of_two() {
  auto rules = std::make_shared<conf::rules>();
  auto& secure = rules->pacs["a-secure"];
  secure.id = "a-secure";
  secure.ae_title = "SECURE";
  secure.tls.emplace();
  auto& plain = rules->pacs["plain"];
  plain.id = "plain";
  plain.ae_title = "PLAIN";
  plain.retrieve = conf::retrieve_method::get;
  auto& namesake = rules->pacs["z-namesake"];
  namesake = plain;
  namesake.id = "z-namesake";
  namesake.ae_title = "SECURE";
  return gateways::tls_duty{rules};
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_pacs_has_it_by_its_own_rules) {
  const auto duty = duty_of_two();
  BOOST_TEST(duty.of_pacs("a-secure"));
  BOOST_TEST(!duty.of_pacs("plain"));
  BOOST_TEST(!duty.of_pacs("z-namesake"));
  BOOST_TEST(!duty.of_pacs("unknown"));
  BOOST_TEST(duty.calls_us("a-secure"));
  BOOST_TEST(!duty.calls_us("plain"));
}

BOOST_AUTO_TEST_CASE(a_title_has_it_as_soon_as_one_of_its_pacs_does) {
  const auto duty = duty_of_two();
  BOOST_TEST(duty.of_title("SECURE") == "a-secure");
  BOOST_TEST(duty.of_title("PLAIN") == "");
  BOOST_TEST(duty.of_title("") == "");
}

BOOST_AUTO_TEST_CASE(nobody_has_it_without_rules) {
  const gateways::tls_duty duty{nullptr};
  BOOST_TEST(!duty.of_pacs("a-secure"));
  BOOST_TEST(duty.of_title("SECURE") == "");
}

BOOST_AUTO_TEST_SUITE_END()
