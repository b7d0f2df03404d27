// Every limit and timeout of the data socket, driven.
#include <boost/test/unit_test.hpp>

#include "tests/gateways/download_support.hpp"

using namespace penstock::gateways;
using namespace penstock::gateways::download_test;
using namespace std::chrono_literals;
using penstock::messages::errc;

BOOST_FIXTURE_TEST_SUITE(download_gateway_limits, data_site)

BOOST_AUTO_TEST_CASE(credit_is_capped) {
  start({.max_credit = 8});
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(100'000, 'b')})).ok());
  auto amy = connect();
  amy.open("d-1");
  // Granted before anything can be sent for it: only one message of the client is read for each of ours.
  amy.credit(4'000'000'000);
  for (int n = 0; n < 8; ++n) BOOST_REQUIRE(amy.receive().has_value());
  BOOST_TEST(!amy.receive(silence_ms).has_value());
}

BOOST_AUTO_TEST_CASE(segments_in_flight_are_capped_and_flow_on_when_they_are_taken) {
  start({.max_segments_in_flight = 1});
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(100'000, 'b')})).ok());
  auto amy = connect();
  amy.open("d-1");
  BOOST_TEST(fetch_all(amy, 64).complete);
}

BOOST_AUTO_TEST_CASE(sessions_are_capped) {
  start({.max_sessions = 1});
  BOOST_REQUIRE(gateway->offer(offer_of({"a"}, "d-1")).ok());
  BOOST_REQUIRE(gateway->offer(offer_of({"a"}, "d-2")).ok());
  auto amy = connect("d-1");
  amy.open("d-1");
  amy.credit(1);
  BOOST_REQUIRE(amy.receive().has_value());
  auto raj = connect("d-2");
  raj.open("d-2");
  BOOST_TEST(fetch_all(raj).closed.value() == R"({"code":"rate_limited"})");
  BOOST_TEST(fetch_all(amy).complete);
}

BOOST_AUTO_TEST_CASE(offers_are_capped_and_the_same_one_may_be_made_again) {
  start({.max_offers = 1});
  BOOST_REQUIRE(gateway->offer(offer_of({"a"}, "d-1")).ok());
  BOOST_TEST((gateway->offer(offer_of({"a"}, "d-2")).error().code == errc::rate_limited));
  BOOST_TEST(gateway->offer(offer_of({"a"}, "d-1")).ok());
}

BOOST_AUTO_TEST_CASE(an_idle_session_ends_and_its_download_can_be_opened_again) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(5000, 'b')})).ok());
  auto amy = connect();
  amy.open("d-1");
  amy.credit(2);
  for (int n = 0; n < 2; ++n) BOOST_REQUIRE(amy.receive().has_value());
  BOOST_TEST(!amy.receive(silence_ms).has_value());  // and the gateway has looked at the clock
  clock = clock.load() + 59s;
  BOOST_TEST(!amy.receive(silence_ms).has_value());
  clock = clock.load() + 2s;
  BOOST_TEST((amy.receive().value() == frames{"CLOSED", R"({"code":"timed_out"})"}));
  BOOST_TEST(!session_end(0).complete);
  amy.open("d-1");
  BOOST_TEST(fetch_all(amy).complete);
}

BOOST_AUTO_TEST_CASE(a_grant_of_credit_keeps_a_session_alive) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(5000, 'b')})).ok());
  auto amy = connect();
  amy.open("d-1");
  for (int n = 0; n < 4; ++n) {
    amy.credit(1);
    BOOST_REQUIRE(amy.receive().has_value());
    clock = clock.load() + 40s;
  }
  BOOST_TEST(fetch_all(amy).complete);
}

BOOST_AUTO_TEST_CASE(an_offer_ends_when_its_lifetime_has_passed) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({"a"})).ok());
  clock = clock.load() + 24h;
  auto amy = connect();
  amy.open("d-1");
  BOOST_TEST(fetch_all(amy).closed.value() == R"({"code":"not_found"})");
  BOOST_TEST(gateway->statistics().offers == 0u);
}

BOOST_AUTO_TEST_CASE(an_offer_ends_when_it_was_sent_whole) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({"a"})).ok());
  auto amy = connect();
  amy.open("d-1");
  BOOST_REQUIRE(fetch_all(amy).complete);
  amy.open("d-1");
  BOOST_TEST(fetch_all(amy).closed.value() == R"({"code":"not_found"})");
}

BOOST_AUTO_TEST_CASE(withdrawing_ends_the_session_under_way) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(5000, 'b')})).ok());
  auto amy = connect();
  amy.open("d-1");
  amy.credit(2);
  for (int n = 0; n < 2; ++n) BOOST_REQUIRE(amy.receive().has_value());
  gateway->withdraw("d-1");
  BOOST_TEST((amy.receive().value() == frames{"CLOSED", R"({"code":"not_found"})"}));
  BOOST_TEST(!session_end(0).complete);
  amy.open("d-1");
  BOOST_TEST(fetch_all(amy).closed.has_value());
}

BOOST_AUTO_TEST_CASE(a_second_open_in_a_session_ends_it) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(5000, 'b')})).ok());
  auto amy = connect();
  amy.open("d-1");
  amy.open("d-1");
  BOOST_TEST(fetch_all(amy).closed.value() == R"({"code":"conflict"})");
}

BOOST_AUTO_TEST_CASE(malformed_messages_end_the_session_and_the_gateway_goes_on) {
  start();
  for (const auto& message : {frames{"OPEN"}, frames{"CREDIT", "abc"}, frames{"GIVE", "d-1"}, frames{"", "", ""}}) {
    auto raj = connect();
    raj.send(message);
    BOOST_TEST(fetch_all(raj).closed.value() == R"({"code":"bad_request"})");
  }
  auto many = connect();
  many.send(frames(100, "OPEN"));
  BOOST_TEST(!many.receive(silence_ms).has_value());
  BOOST_REQUIRE(gateway->offer(offer_of({"a"})).ok());
  auto amy = connect();
  amy.open("d-1");
  BOOST_TEST(fetch_all(amy).complete);
}

BOOST_AUTO_TEST_CASE(a_client_that_goes_away_ends_its_session) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(5'000'000, 'b')})).ok());
  {
    auto amy = connect();
    amy.open("d-1");
    amy.credit(64);
    BOOST_REQUIRE(amy.receive().has_value());
  }
  BOOST_TEST(!session_end_in_time(0).complete);
  BOOST_TEST(gateway->statistics().sessions == 0u);
}

BOOST_AUTO_TEST_CASE(stopping_ends_sessions_under_way) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(5'000'000, 'b')})).ok());
  auto amy = connect();
  amy.open("d-1");
  amy.credit(64);
  BOOST_REQUIRE(amy.receive().has_value());
  gateway.reset();
  BOOST_TEST(!session_end(0).complete);
}

BOOST_AUTO_TEST_CASE(says_when_its_port_is_taken_or_its_endpoint_makes_no_sense) {
  start();
  BOOST_TEST(
      (download_gateway::start(context, {.endpoint = gateway->endpoint()}, {}).error().code == errc::held_by_another));
  BOOST_TEST((download_gateway::start(context, {.endpoint = "nonsense"}, {}).error().code == errc::bad_configuration));
}

BOOST_AUTO_TEST_SUITE_END()
