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
  start({.offers = {.max_offers = 1}});
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

BOOST_AUTO_TEST_CASE(an_offer_that_nobody_takes_ends_after_its_ticket) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({"a"})).ok());
  clock = clock.load() + 90s;
  auto amy = connect();
  amy.open("d-1");
  BOOST_TEST(fetch_all(amy).closed.value() == R"({"code":"not_found"})");
  BOOST_TEST(gateway->statistics().offers == 0u);
}

BOOST_AUTO_TEST_CASE(an_offer_lives_as_long_as_its_session_and_a_little_longer) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(5000, 'b')})).ok());
  auto amy = connect();
  amy.open("d-1");
  for (int n = 0; n < 5; ++n) {
    amy.credit(1);
    BOOST_REQUIRE(amy.receive().has_value());
    clock = clock.load() + 50s;
  }
  BOOST_TEST(gateway->statistics().offers == 1u);
  BOOST_TEST(!session_end_in_time(0).complete);
  for (int n = 0; n < 100 && gateway->statistics().offers > 0; ++n) {
    clock = clock.load() + 91s;
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  BOOST_TEST(gateway->statistics().offers == 0u);
}

BOOST_AUTO_TEST_CASE(offers_of_a_user_are_capped_and_those_of_others_are_not) {
  start({.offers = {.max_offers_per_user = 2}});
  const auto offer = [&](const std::string& download, const std::string& user) {
    auto made = offer_of({"a"}, download);
    made.user = user;
    return gateway->offer(std::move(made));
  };
  BOOST_REQUIRE(offer("d-1", "amy").ok());
  BOOST_REQUIRE(offer("d-2", "amy").ok());
  BOOST_TEST((offer("d-3", "amy").error().code == errc::rate_limited));
  BOOST_TEST(offer("d-2", "amy").ok());
  BOOST_TEST(offer("d-4", "raj").ok());
  auto amy = connect("d-1");
  amy.open("d-1");
  BOOST_REQUIRE(fetch_all(amy).complete);
  session_end(0);
  BOOST_TEST(offer("d-3", "amy").ok());
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

BOOST_AUTO_TEST_CASE(memory_of_offers_is_capped_and_the_one_that_is_replaced_makes_room) {
  const auto one = memory_of(offer_of({"a"}));
  start({.offers = {.max_memory = 3 * one, .max_memory_per_user = 2 * one}});
  const auto offer = [&](const std::string& download, const std::string& user) {
    auto made = offer_of({"a"}, download);
    made.user = user;
    return gateway->offer(std::move(made));
  };
  BOOST_REQUIRE(offer("d-1", "amy").ok());
  BOOST_REQUIRE(offer("d-2", "amy").ok());
  BOOST_TEST((offer("d-3", "amy").error().code == errc::rate_limited));
  BOOST_TEST(offer("d-2", "amy").ok());
  BOOST_TEST(offer("d-3", "raj").ok());
  BOOST_TEST((offer("d-4", "raj").error().code == errc::rate_limited));
}

BOOST_AUTO_TEST_CASE(a_client_that_never_asks_for_the_end_has_received_everything) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(100, 'a')})).ok());
  auto amy = connect();
  amy.open("d-1");
  amy.credit(3);
  for (int n = 0; n < 3; ++n) BOOST_REQUIRE(amy.receive().has_value());
  BOOST_TEST(!session_end_in_time(0).complete);
  amy.receive();  // CLOSED
  amy.open("d-1");
  amy.credit(4);
  for (int n = 0; n < 4; ++n) BOOST_REQUIRE(amy.receive().has_value());
  BOOST_TEST(session_end_in_time(1).complete);
}

BOOST_AUTO_TEST_CASE(whoever_may_not_any_more_is_cut_off_and_nobody_else) {
  start();
  const auto open = [&](const std::string& download, const std::string& user) {
    auto offer = offer_of({plain_of(5000, 'b')}, download);
    offer.user = user;
    BOOST_REQUIRE(gateway->offer(std::move(offer)).ok());
    auto made = connect(download);
    made.open(download);
    made.credit(1);
    BOOST_REQUIRE(made.receive().has_value());
    return made;
  };
  auto amy = open("d-1", "amy");
  auto raj = open("d-2", "raj");
  gateway->withdraw_unless(
      [](const std::string& user, const std::string& project) { return user == "raj" && project == "alz-brain"; });
  BOOST_TEST((amy.receive().value() == frames{"CLOSED", R"({"code":"not_found"})"}));
  BOOST_TEST(fetch_all(raj).complete);
}

BOOST_AUTO_TEST_CASE(a_new_offer_of_a_download_ends_the_session_of_the_one_before) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(5000, 'b')})).ok());
  auto before = connect();
  before.open("d-1");
  before.credit(2);
  for (int n = 0; n < 2; ++n) BOOST_REQUIRE(before.receive().has_value());
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(5000, 'b')})).ok());
  BOOST_TEST((before.receive().value() == frames{"CLOSED", R"({"code":"conflict"})"}));
  auto after = connect();
  after.open("d-1");
  BOOST_TEST(fetch_all(after).complete);
}

BOOST_AUTO_TEST_CASE(an_offer_has_one_session_at_a_time) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(5000, 'b')})).ok());
  auto amy = connect();
  amy.open("d-1");
  amy.credit(1);
  BOOST_REQUIRE(amy.receive().has_value());
  auto again = connect();
  again.open("d-1");
  BOOST_TEST(fetch_all(again).closed.value() == R"({"code":"conflict"})");
  BOOST_TEST(fetch_all(amy).complete);
}

BOOST_AUTO_TEST_CASE(a_dead_session_takes_no_room_from_the_one_that_goes_on) {
  start({.max_sessions = 1});
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(5'000'000, 'b')})).ok());
  auto dead = connect();
  dead.open("d-1");
  dead.credit(64);
  BOOST_REQUIRE(dead.receive().has_value());
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(5'000'000, 'b')})).ok());
  auto amy = connect();
  amy.send({"OPEN", "d-1", R"({"object":1,"segment":4000})"});
  BOOST_TEST(fetch_all(amy, 64).complete);
}

BOOST_AUTO_TEST_CASE(a_reader_that_takes_nothing_holds_up_nobody) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(5'000'000, 'b')}, "d-1")).ok());
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(100'000, 'b')}, "d-2")).ok());
  auto slow = connect("d-1");
  slow.open("d-1");
  slow.credit(4'000'000'000);
  slow.credit(4'000'000'000);
  auto raj = connect("d-2");
  raj.open("d-2");
  BOOST_TEST(fetch_all(raj).complete);
  BOOST_TEST(gateway->statistics().sessions == 1u);
}

BOOST_AUTO_TEST_CASE(a_connection_that_is_made_again_with_its_ticket_gets_nothing) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(5000, 'b')})).ok());
  const auto ticket = tickets.issue("d-1").value();
  {
    client amy{context, gateway->endpoint(), ticket};
    amy.send({"OPEN", "d-1"});
    amy.credit(2);
    for (int n = 0; n < 2; ++n) BOOST_REQUIRE(amy.receive().has_value());
  }
  client again{context, gateway->endpoint(), ticket};
  again.send({"OPEN", "d-1", R"({"object":1,"segment":1})"});
  again.credit(10);
  BOOST_TEST(!again.receive(silence_ms).has_value());
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
