#include "tools/client/session.hpp"

#include <poll.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "tests/client/control_script.hpp"

using namespace penstock::client;
using namespace penstock::client::testing;
using nlohmann::json;
using penstock::messages::errc;
using std::chrono::milliseconds;

BOOST_TEST_DONT_PRINT_LOG_VALUE(penstock::messages::errc)

namespace {

constexpr milliseconds patience{2000};

struct session_fixture {
  user_key key = make_user_key().value();

  session_options options_for(const fake_server& server) {
    return {server.endpoint(), server.public_key(), key, patience};
  }
};

std::uint64_t sequence_of(session& at) {
  auto event = at.next_event(patience);
  BOOST_REQUIRE(event.ok());
  BOOST_REQUIRE(event->has_value());
  return (*event)->sequence;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sessions, session_fixture)

BOOST_AUTO_TEST_CASE(greets_and_asks) {
  auto server = fake_server::with_curve([](const text_frames& message) -> std::vector<text_frames> {
    const auto command = json::parse(message.at(1));
    if (command["do"] == "hello") return {ok_answer(command, greeting())};
    if (command["do"] == "cache.usage") return {ok_answer(command, json{{"project", command["project"]}})};
    return {error_answer(command, "not_found", "no such thing")};
  });
  server->allow(key.public_key);
  auto opened = session::open(options_for(*server));
  BOOST_REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? "" : opened.error().text()));
  BOOST_TEST((*opened)->greeting()["user"] == "amy");
  auto usage = (*opened)->ask({"cache.usage", "alz-brain", json::object(), "", {}});
  BOOST_REQUIRE(usage.ok());
  BOOST_TEST((*usage)["project"] == "alz-brain");
  auto refused = (*opened)->ask({"requests.show", "alz-brain", json::object(), "", {}});
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST(refused.error().code == errc::not_found);
  BOOST_TEST(refused.error().context == "no such thing");
}

BOOST_AUTO_TEST_CASE(says_that_the_server_does_not_know_the_key) {
  auto server = fake_server::with_curve([](const text_frames&) { return std::vector<text_frames>{}; });
  auto opened = session::open(options_for(*server));
  BOOST_REQUIRE(!opened.ok());
  BOOST_TEST(opened.error().code == errc::not_permitted);
  BOOST_TEST(opened.error().context.find("does not know this key") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(says_that_nothing_listens) {
  auto opened = session::open({"tcp://127.0.0.1:1", key.public_key, key, patience});
  BOOST_REQUIRE(!opened.ok());
  BOOST_TEST(opened.error().code == errc::timed_out);
  BOOST_TEST(opened.error().context.find("nothing answers") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(does_not_wait_for_ever_for_a_silent_server) {
  auto server = fake_server::with_curve([](const text_frames&) { return std::vector<text_frames>{}; });
  server->allow(key.public_key);
  auto options = options_for(*server);
  options.answer_timeout = milliseconds{300};
  auto opened = session::open(options);
  BOOST_REQUIRE(!opened.ok());
  BOOST_TEST(opened.error().code == errc::timed_out);
  BOOST_TEST(opened.error().context.find("did not answer within 1 s") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(says_that_the_server_key_is_wrong) {
  auto server = fake_server::with_curve([](const text_frames&) { return std::vector<text_frames>{}; });
  server->allow(key.public_key);
  auto options = options_for(*server);
  options.server_key = key.public_key;
  auto opened = session::open(options);
  BOOST_REQUIRE(!opened.ok());
  BOOST_TEST(opened.error().code == errc::timed_out);
}

BOOST_AUTO_TEST_CASE(never_waits_for_those_who_wait_themselves) {
  int hellos = 0;
  auto server = fake_server::with_curve([&](const text_frames& message) -> std::vector<text_frames> {
    const auto body = json::parse(message.at(1));
    if (message[0] == "SUB") return {event("t", body["from"] == 0 ? 1 : body["from"].get<std::uint64_t>())};
    if (body["do"] == "cache.usage") return {};
    if (body["do"] == "pacs.list") return {{}};
    ++hellos;
    return {ok_answer(body, greeting())};
  });
  server->allow(key.public_key);
  auto begun = session::begin(options_for(*server));
  BOOST_REQUIRE(begun.ok());
  auto& at = **begun;
  const auto next_answer = [&] {
    for (;;) {
      if (auto one = at.next_answer()) return *one;
      if (at.failed()) return answer{"", at.problem()};
      auto fds = at.descriptors();
      pollfd waiting[] = {{fds[0], POLLIN, 0}, {fds[1], POLLIN, 0}};
      BOOST_REQUIRE(::poll(waiting, 2, 2000) > 0);
    }
  };
  const auto hello = next_answer();
  BOOST_TEST(hello.id == at.hello_id());
  BOOST_TEST(at.greeting()["user"] == "amy");
  at.subscribe("t", 0, true);
  BOOST_TEST(sequence_of(at) == 1U);
  at.send({"cache.usage", "p", json::object(), "", {}});
  at.send({"pacs.list", "p", json::object(), "", {}});
  BOOST_TEST(next_answer().id == "");
  for (int attempt = 0; attempt < 100; ++attempt) {  // until the server listens again
    BOOST_REQUIRE(at.begin_again().ok());
    if (next_answer().outcome.ok()) break;
    std::this_thread::sleep_for(milliseconds{20});
  }
  BOOST_TEST(sequence_of(at) == 2U);
  BOOST_TEST(hellos == 2);
}

BOOST_AUTO_TEST_CASE(takes_each_event_once_and_asks_again_for_a_missed_one) {
  std::vector<std::uint64_t> asked_from;
  auto server = fake_server::with_curve([&](const text_frames& message) -> std::vector<text_frames> {
    const auto body = json::parse(message.at(1));
    if (message[0] == "CMD") return {ok_answer(body, greeting())};
    if (message[0] != "SUB") return {};
    asked_from.push_back(body["from"]);
    if (body["from"] == 0) return {event("t", 5), event("t", 5), event("t", 7), event("t", 8)};
    return {event("t", 6), event("t", 7), event("t", 8)};
  });
  server->allow(key.public_key);
  auto opened = session::open(options_for(*server));
  BOOST_REQUIRE(opened.ok());
  (*opened)->subscribe("t", 0, true);
  for (const std::uint64_t expected : {5, 6, 7, 8}) BOOST_TEST(sequence_of(**opened) == expected);
  BOOST_TEST(asked_from == (std::vector<std::uint64_t>{0, 6}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(goes_on_from_the_last_number_after_a_lost_connection) {
  std::vector<std::uint64_t> asked_from;
  auto server = fake_server::with_curve([&](const text_frames& message) -> std::vector<text_frames> {
    const auto body = json::parse(message.at(1));
    if (message[0] == "CMD") return {ok_answer(body, greeting())};
    if (message[0] != "SUB") return {};
    asked_from.push_back(body["from"]);
    if (asked_from.size() == 1) return {event("t", 41), {}};
    return {event("t", 42)};
  });
  server->allow(key.public_key);
  auto opened = session::open(options_for(*server));
  BOOST_REQUIRE(opened.ok());
  (*opened)->subscribe("t", 0, true);
  BOOST_TEST(sequence_of(**opened) == 41u);
  auto lost = (*opened)->next_event(patience);
  BOOST_REQUIRE(!lost.ok());
  BOOST_TEST(lost.error().code == errc::timed_out);
  auto back = (*opened)->reconnect();
  for (int attempt = 0; attempt < 50 && !back.ok(); ++attempt) {  // the server may still be binding again
    std::this_thread::sleep_for(milliseconds{20});
    back = (*opened)->reconnect();
  }
  BOOST_REQUIRE_MESSAGE(back.ok(), (back.ok() ? "" : back.error().text()));
  BOOST_TEST(sequence_of(**opened) == 42u);
  BOOST_TEST(asked_from == (std::vector<std::uint64_t>{0, 42}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(loses_nothing_when_the_connection_breaks_before_the_first_event) {
  std::vector<std::uint64_t> asked_from;
  auto server = fake_server::with_curve([&](const text_frames& message) -> std::vector<text_frames> {
    const auto body = json::parse(message.at(1));
    if (message[0] == "CMD") {
      auto hello = greeting();
      hello["time"] = "2026-11-22T10:00:00.000Z";
      return {ok_answer(body, hello)};
    }
    if (message[0] != "SUB") return {};
    asked_from.push_back(body["from"]);
    if (asked_from.size() == 1) return {{}};
    const auto topic = body["topic"].get<std::string>();
    return {event(topic, 1, json{{"at", "2026-11-22T09:59:59.999Z"}}),
            event(topic, 2, json{{"at", "2026-11-22T10:00:01.000Z"}})};
  });
  server->allow(key.public_key);
  auto opened = session::open(options_for(*server));
  BOOST_REQUIRE(opened.ok());
  (*opened)->subscribe("p/alz-brain/requests", 0, true);
  BOOST_REQUIRE(!(*opened)->next_event(patience).ok());
  auto back = (*opened)->reconnect();
  for (int attempt = 0; attempt < 50 && !back.ok(); ++attempt) {
    std::this_thread::sleep_for(milliseconds{20});
    back = (*opened)->reconnect();
  }
  BOOST_REQUIRE(back.ok());
  BOOST_TEST(sequence_of(**opened) == 2u);
  BOOST_TEST(asked_from == (std::vector<std::uint64_t>{0, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(asks_anew_when_the_connection_was_lost_while_nobody_looked) {
  const auto script = [](const text_frames& message) -> std::vector<text_frames> {
    const auto command = json::parse(message.at(1));
    if (command["do"] == "hello") return {ok_answer(command, greeting())};
    // The answer goes, then all connections.
    if (command["do"] == "cache.usage") return {ok_answer(command, json::object()), {}};
    return {ok_answer(command, json{{"here", true}})};
  };
  auto server = fake_server::with_curve(script);
  server->allow(key.public_key);
  auto opened = session::open(options_for(*server));
  BOOST_REQUIRE(opened.ok());
  for (int round = 0; round < 3; ++round) {
    static_cast<void>((*opened)->ask({"cache.usage", "alz-brain", json::object(), "", {}}));
    std::this_thread::sleep_for(milliseconds{200});
    auto answer = (*opened)->ask({"hello.again", "alz-brain", json::object(), "", {}});
    BOOST_TEST(answer.ok(), (answer.ok() ? "" : answer.error().text()));
  }
}

BOOST_AUTO_TEST_CASE(gives_credit_back_as_events_are_taken) {
  std::atomic<std::uint64_t> granted{0};  // the last grants may come when the last event has been taken
  std::uint64_t sent = 0;
  constexpr std::uint64_t events = 2500;
  auto server = fake_server::with_curve([&](const text_frames& message) -> std::vector<text_frames> {
    const auto body = json::parse(message.at(1));
    if (message[0] == "CMD") return {ok_answer(body, greeting())};
    granted += body["credit"].get<std::uint64_t>();
    std::vector<text_frames> out;
    while (sent < std::min(granted.load(), events)) out.push_back(event("t", ++sent));
    return out;
  });
  server->allow(key.public_key);
  auto opened = session::open(options_for(*server));
  BOOST_REQUIRE(opened.ok());
  (*opened)->subscribe("t", 1, true);
  for (std::uint64_t expected = 1; expected <= events; ++expected) BOOST_REQUIRE(sequence_of(**opened) == expected);
  BOOST_TEST(granted < 4000u);
}

BOOST_AUTO_TEST_CASE(tells_when_a_topic_is_no_longer_permitted) {
  auto server = fake_server::with_curve([](const text_frames& message) -> std::vector<text_frames> {
    if (message[0] == "CMD") return {ok_answer(json::parse(message.at(1)), greeting())};
    return {{"REVOKED", "t"}};
  });
  server->allow(key.public_key);
  auto opened = session::open(options_for(*server));
  BOOST_REQUIRE(opened.ok());
  (*opened)->subscribe("t", 0, true);
  auto event = (*opened)->next_event(patience);
  BOOST_REQUIRE(event.ok() && event->has_value());
  BOOST_TEST(((*event)->kind == event_kind::revoked));
}

BOOST_AUTO_TEST_SUITE_END()
