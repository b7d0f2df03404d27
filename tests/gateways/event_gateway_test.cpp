#include "gateways/event_gateway.hpp"

#include <boost/test/unit_test.hpp>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace penstock::gateways {
namespace {

using messages::errc;
using messages::topic_entry;

const std::string requests = "p/x/requests";
const std::string progress = "p/x/progress";

std::uint64_t number_in(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const auto c : bytes) value = value << 8U | static_cast<unsigned char>(c);
  return value;
}

/// The outlets of an event gateway: what was sent, a journal, and knobs.
struct outside {
  event_limits limits{
      .events_per_topic = 4, .transient_events_per_topic = 4, .subscriptions_per_session = 2, .page_events = 3};
  std::map<std::string, std::vector<std::string>> sent;  ///< by session, "EV requests 3"
  std::vector<topic_entry> journal;
  std::set<std::string> banned;  ///< users
  std::map<std::string, send_outcome> outcomes;
  bool worker_full = false;
  struct page_wish {
    std::string session, topic;
    std::uint64_t from;
    std::size_t limit;
  };
  std::deque<page_wish> wishes;
  event_gateway gateway{limits, outlets()};

  event_outlets outlets() {
    return {[this](const std::string& to, std::span<const std::string_view> frames) { return note(to, frames); },
            [this](const std::string& user, const std::string&) { return !banned.contains(user); },
            [this](const std::string& to, const std::string& topic, std::uint64_t from, std::size_t limit) {
              if (!worker_full) wishes.push_back({to, topic, from, limit});
              return !worker_full;
            },
            [] { return std::string{"T"}; }};
  }

  send_outcome note(const std::string& to, std::span<const std::string_view> frames) {
    if (outcomes.contains(to)) return outcomes[to];
    std::string line{frames[0]};
    if (frames.size() > 2) line += " " + std::to_string(number_in(frames[2]));
    if (frames[0] == "GAP") line += "-" + std::to_string(number_in(frames[3]));
    sent[to].push_back(line);
    return send_outcome::sent;
  }

  /// Commits the next `count` events of the topic and publishes them.
  void commit(std::size_t count, bool publish = true) {
    std::vector<topic_entry> fresh;
    for (std::size_t n = 0; n < count; ++n) {
      journal.push_back({requests, journal.size() + 1, "{}"});
      fresh.push_back(journal.back());
    }
    if (publish) gateway.publish(fresh);
  }

  /// Answers what was asked of the journal, as long as more is asked.
  void read_pages() {
    while (!wishes.empty()) {
      const auto wish = wishes.front();
      wishes.pop_front();
      std::vector<topic_entry> page;
      for (const auto& entry : journal)
        if (entry.topic == wish.topic && entry.sequence >= wish.from && page.size() < wish.limit) page.push_back(entry);
      gateway.page_read(wish.session, wish.topic, wish.from, page);
    }
  }

  void follow(const std::string& session, std::uint64_t from, std::uint32_t credit = 1000) {
    gateway.add_credit(session, "amy", credit);
    BOOST_REQUIRE(gateway.subscribe(session, "amy", requests, from).ok());
  }

  void expect(const std::string& session, std::vector<std::string> lines) {
    BOOST_TEST(sent[session] == lines, boost::test_tools::per_element());
    sent[session].clear();
  }
};

std::vector<std::string> events(std::uint64_t first, std::uint64_t last) {
  std::vector<std::string> lines;
  for (auto n = first; n <= last; ++n) lines.push_back("EV " + std::to_string(n));
  return lines;
}

BOOST_FIXTURE_TEST_SUITE(event_gateway_suite, outside)

BOOST_AUTO_TEST_CASE(sends_only_what_is_new_when_nothing_else_is_asked_for) {
  commit(2, false);
  follow("s", 0);
  BOOST_TEST(wishes.empty());
  commit(2);
  expect("s", events(3, 4));
}

BOOST_AUTO_TEST_CASE(sends_everything_from_the_journal_then_from_memory_without_a_gap) {
  commit(20);
  follow("s", 1);
  read_pages();
  expect("s", events(1, 20));
  commit(2);
  expect("s", events(21, 22));
}

BOOST_AUTO_TEST_CASE(crosses_from_journal_to_memory_while_events_are_published) {
  commit(10);
  follow("s", 1);
  for (int turn = 0; turn < 10; ++turn) {
    const auto wish = wishes.empty() ? page_wish{} : wishes.front();
    if (!wishes.empty()) wishes.pop_front();
    commit(3);
    std::vector<topic_entry> page;
    for (const auto& entry : journal)
      if (wish.from != 0 && entry.sequence >= wish.from && page.size() < wish.limit) page.push_back(entry);
    if (wish.from != 0) gateway.page_read(wish.session, wish.topic, wish.from, page);
  }
  read_pages();
  expect("s", events(1, 40));
}

BOOST_AUTO_TEST_CASE(replays_after_a_restart_when_nothing_was_published_yet) {
  commit(7, false);
  follow("s", 5);
  read_pages();
  expect("s", events(5, 7));
  BOOST_TEST(wishes.empty());
  commit(1);
  read_pages();
  expect("s", events(8, 8));
}

BOOST_AUTO_TEST_CASE(does_not_read_an_empty_journal_again_and_again) {
  follow("s", 1);
  BOOST_TEST(wishes.size() == 1);
  read_pages();
  gateway.resume_stalled();
  gateway.add_credit("s", "amy", 1);
  BOOST_TEST(wishes.empty());
  commit(1);
  read_pages();
  expect("s", events(1, 1));
}

BOOST_AUTO_TEST_CASE(begins_with_the_oldest_that_the_journal_keeps) {
  commit(10, false);
  journal.erase(journal.begin(), journal.begin() + 5);
  gateway.publish({{requests, 10, "{}"}});
  follow("s", 1);
  read_pages();
  expect("s", events(6, 10));
}

BOOST_AUTO_TEST_CASE(reads_what_it_did_not_hear_of) {
  follow("s", 0);
  commit(2);
  expect("s", events(1, 2));
  commit(3, false);
  commit(1);
  read_pages();
  expect("s", events(3, 6));
}

BOOST_AUTO_TEST_CASE(ignores_an_event_that_comes_twice) {
  follow("s", 0);
  commit(2);
  gateway.publish({{requests, 1, "{}"}, {requests, 2, "{}"}});
  expect("s", events(1, 2));
}

BOOST_AUTO_TEST_CASE(sends_no_more_than_the_credit) {
  commit(10);
  follow("s", 1, 2);
  read_pages();
  expect("s", events(1, 2));
  gateway.add_credit("s", "amy", 6);
  read_pages();
  expect("s", events(3, 8));
  gateway.add_credit("s", "amy", 100);
  read_pages();
  expect("s", events(9, 10));
}

BOOST_AUTO_TEST_CASE(stops_at_the_next_event_when_the_right_is_lost) {
  follow("s", 0);
  commit(1);
  expect("s", events(1, 1));
  banned.insert("amy");
  commit(1);
  expect("s", {"REVOKED"});
  commit(1);
  expect("s", {});
  BOOST_TEST(gateway.subscriptions() == 0);
}

BOOST_AUTO_TEST_CASE(tells_everybody_at_once_when_the_rules_change) {
  follow("s", 0, 0);
  banned.insert("amy");
  gateway.check_everybody();
  expect("s", {"REVOKED"});
}

BOOST_AUTO_TEST_CASE(stops_within_a_page_when_the_right_is_lost) {
  commit(10);
  follow("s", 1);
  BOOST_REQUIRE(wishes.size() == 1);
  banned.insert("amy");
  read_pages();
  expect("s", {"REVOKED"});
}

BOOST_AUTO_TEST_CASE(refuses_a_topic_that_may_not_be_seen) {
  banned.insert("raj");
  BOOST_TEST(gateway.subscribe("s", "raj", requests, 1).ok());
  expect("s", {"REVOKED"});
  BOOST_TEST(!gateway.follows("s"));
}

BOOST_AUTO_TEST_CASE(limits_the_subscriptions_of_a_session) {
  BOOST_TEST(gateway.subscribe("s", "amy", "p/x/requests", 0).ok());
  BOOST_TEST(gateway.subscribe("s", "amy", "p/x/cache", 0).ok());
  const auto third = gateway.subscribe("s", "amy", "p/y/cache", 0);
  BOOST_REQUIRE(!third.ok());
  BOOST_TEST((third.error().code == errc::rate_limited));
  BOOST_TEST(gateway.subscribe("s", "amy", "p/x/cache", 1).ok());
}

BOOST_AUTO_TEST_CASE(goes_on_where_a_full_queue_stopped_it) {
  follow("s", 0);
  outcomes["s"] = send_outcome::full;
  commit(2);
  expect("s", {});
  outcomes.clear();
  gateway.resume_stalled();
  expect("s", events(1, 2));
}

BOOST_AUTO_TEST_CASE(asks_again_when_no_page_could_be_had) {
  commit(10);
  worker_full = true;
  follow("s", 1);
  worker_full = false;
  BOOST_TEST(wishes.empty());
  gateway.resume_stalled();
  BOOST_REQUIRE(wishes.size() == 1);
  const auto wish = wishes.front();
  wishes.clear();
  gateway.page_read(wish.session, wish.topic, wish.from, messages::fail(errc::io_error, "read"));
  gateway.resume_stalled();
  read_pages();
  expect("s", events(1, 10));
}

BOOST_AUTO_TEST_CASE(forgets_who_has_gone) {
  follow("s", 0);
  outcomes["s"] = send_outcome::gone;
  commit(1);
  BOOST_TEST(gateway.subscriptions() == 0);
  outcomes.clear();
  commit(1);
  expect("s", {});
}

BOOST_AUTO_TEST_CASE(moves_a_follower_that_subscribes_again) {
  commit(3);
  follow("s", 0);
  follow("s", 2);
  expect("s", events(2, 3));
  BOOST_TEST(gateway.subscriptions() == 1);
}

BOOST_AUTO_TEST_CASE(drops_the_answer_to_a_page_that_is_no_longer_wanted) {
  commit(10);
  follow("s", 1);
  const auto old = wishes.front();
  wishes.clear();
  follow("s", 4);
  gateway.page_read("s", requests, old.from, std::vector<topic_entry>{journal[0]});
  expect("s", {});
  read_pages();
  expect("s", events(4, 10));
}

BOOST_AUTO_TEST_CASE(stops_after_unsub) {
  follow("s", 0);
  gateway.unsubscribe("s", requests);
  commit(1);
  expect("s", {});
}

BOOST_AUTO_TEST_CASE(keeps_two_followers_apart) {
  commit(6);
  follow("a", 1, 3);
  follow("b", 5);
  read_pages();
  expect("a", events(1, 3));
  expect("b", events(5, 6));
}

BOOST_AUTO_TEST_CASE(tells_of_transient_events_that_were_dropped) {
  gateway.add_credit("s", "amy", 1);
  BOOST_TEST(gateway.subscribe("s", "amy", progress, 0).ok());
  for (int n = 0; n < 10; ++n) gateway.publish_transient(progress, "{\"n\":1}");
  expect("s", events(1, 1));
  gateway.add_credit("s", "amy", 10);
  auto lines = events(7, 10);
  lines.insert(lines.begin(), "GAP 2-7");
  expect("s", lines);
}

BOOST_AUTO_TEST_CASE(forgets_what_a_transient_topic_has_said_and_tells_who_has_not_heard_it) {
  gateway.add_credit("s", "amy", 1);
  BOOST_TEST(gateway.subscribe("s", "amy", progress, 0).ok());
  for (int n = 0; n < 3; ++n) gateway.publish_transient(progress, "{\"n\":1}");
  gateway.forget_transient(progress);
  gateway.add_credit("s", "amy", 10);
  gateway.publish_transient(progress, "{\"n\":1}");
  auto lines = events(1, 1);
  lines.push_back("GAP 2-4");
  lines.push_back(events(4, 4).front());
  expect("s", lines);
}

BOOST_AUTO_TEST_CASE(numbers_and_dates_transient_events) {
  std::string body;
  event_gateway numbered{limits,
                         {[&](const std::string&, std::span<const std::string_view> frames) {
                            body = frames[3];
                            return send_outcome::sent;
                          },
                          [](const std::string&, const std::string&) { return true; },
                          [](const std::string&, const std::string&, std::uint64_t, std::size_t) { return false; },
                          [] { return std::string{"T"}; }}};
  numbered.add_credit("s", "amy", 10);
  BOOST_TEST(numbered.subscribe("s", "amy", progress, 99).ok());
  numbered.publish_transient(progress, R"({"kind":"k"})");
  BOOST_TEST(body == R"({"seq":1,"at":"T","kind":"k"})");
  numbered.publish_transient(progress, "{}");
  BOOST_TEST(body == R"({"seq":2,"at":"T"})");
  numbered.publish_transient(requests, R"({"kind":"not journaled"})");
  BOOST_TEST(body == R"({"seq":2,"at":"T"})");
}

BOOST_AUTO_TEST_CASE(bounds_the_memory_of_all_topics) {
  event_limits small;
  small.bytes_per_topic = 100;
  small.bytes_of_all_topics = 250;
  event_gateway bounded{small, outlets()};
  for (int topic = 0; topic < 10; ++topic)
    for (std::uint64_t n = 1; n <= 10; ++n)
      bounded.publish({{"p/" + std::to_string(topic) + "/requests", n, std::string(20, 'x')}});
  BOOST_TEST(bounded.ring_bytes() <= 250);
  BOOST_TEST(bounded.ring_bytes() > 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways
