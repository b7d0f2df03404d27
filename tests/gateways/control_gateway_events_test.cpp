// Events over a real socket: replay, order, revocation.

#include <boost/test/unit_test.hpp>

#include "tests/gateways/control_site.hpp"

namespace penstock::gateways::test {
namespace {

using messages::topic_entry;

const std::string topic = "p/alz-brain/requests";

struct eventful_site : control_site {
  std::mutex mutex;
  std::vector<topic_entry> kept;

  eventful_site() {
    parts.read_events = [this](const std::string& of, std::uint64_t from,
                               std::size_t limit) -> messages::result<std::vector<topic_entry>> {
      std::lock_guard lock{mutex};
      std::vector<topic_entry> page;
      for (const auto& entry : kept)
        if (entry.topic == of && entry.sequence >= from && page.size() < limit) page.push_back(entry);
      return page;
    };
  }
  ~eventful_site() { gateway.reset(); }

  void commit(std::size_t count, bool publish) {
    messages::events_committed fresh;
    {
      std::lock_guard lock{mutex};
      for (std::size_t n = 0; n < count; ++n) {
        kept.push_back({topic, kept.size() + 1, "{\"seq\":" + std::to_string(kept.size() + 1) + "}"});
        fresh.events.push_back(kept.back());
      }
    }
    if (publish) caf::anon_send(gateway->sink(), fresh);
  }

  /// The numbers of the next `count` events, checking topic and body.
  static std::vector<std::uint64_t> numbers(raw_client& from, std::size_t count) {
    std::vector<std::uint64_t> seen;
    while (seen.size() < count) {
      const auto frames = from.receive(patience);
      if (!frames || frames->size() != 4 || frames->front() != "EV") break;
      BOOST_TEST((*frames)[1] == topic);
      const auto sequence = json::parse((*frames)[3])["seq"].get<std::uint64_t>();
      BOOST_TEST((*frames)[2] == big_endian_64(sequence));
      seen.push_back(sequence);
    }
    return seen;
  }
  static std::vector<std::uint64_t> range(std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint64_t> all;
    for (auto n = first; n <= last; ++n) all.push_back(n);
    return all;
  }
};

BOOST_FIXTURE_TEST_SUITE(control_gateway_events_suite, eventful_site)

BOOST_AUTO_TEST_CASE(replays_from_the_journal_and_goes_on_with_what_is_new) {
  start();
  commit(1'000, false);
  auto amy = client("amy");
  amy.say("SUB", {{"topic", topic}, {"from", 1}, {"credit", 5'000}});
  BOOST_TEST(numbers(amy, 500) == range(1, 500), boost::test_tools::per_element());
  commit(500, true);
  BOOST_TEST(numbers(amy, 1'000) == range(501, 1'500), boost::test_tools::per_element());
  commit(1, true);
  BOOST_TEST(numbers(amy, 1) == range(1'501, 1'501), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(replays_events_without_naming_a_patient_who_was_withdrawn) {
  start();
  {
    std::lock_guard lock{mutex};
    kept.push_back({topic, 1, R"({"seq":1,"study":{"pacs":"gh-rad","StudyInstanceUID":"1.2","PatientID":"77"}})"});
  }
  auto amy = client("amy");
  amy.say("SUB", {{"topic", topic}, {"from", 1}, {"credit", 5}});
  const auto frames = amy.receive(patience);
  BOOST_REQUIRE(frames && frames->size() == 4);
  BOOST_TEST(json::parse((*frames)[3]) == json({{"seq", 1}, {"study", {{"pacs", "gh-rad"}}}}));
}

BOOST_AUTO_TEST_CASE(goes_on_with_credit) {
  start();
  commit(10, false);
  auto amy = client("amy");
  amy.say("SUB", {{"topic", topic}, {"from", 1}, {"credit", 3}});
  BOOST_TEST(numbers(amy, 3) == range(1, 3), boost::test_tools::per_element());
  BOOST_TEST(!amy.receive(silence).has_value());
  amy.say("CREDIT", {{"credit", 4}});
  BOOST_TEST(numbers(amy, 4) == range(4, 7), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(shows_nothing_to_strangers) {
  start();
  auto zoe = client("zoe");
  for (const auto* which : {"p/alz-brain/requests", "p/no-such/requests", "governor"}) {
    zoe.say("SUB", {{"topic", which}, {"from", 1}, {"credit", 100}});
    const std::vector<std::string> wanted = {"REVOKED", which};
    BOOST_TEST(zoe.receive(patience).value_or(std::vector<std::string>{}) == wanted, boost::test_tools::per_element());
  }
  commit(3, true);
  BOOST_TEST(!zoe.receive(silence).has_value());
}

BOOST_AUTO_TEST_CASE(stops_with_the_membership) {
  start();
  auto raj = client("raj");
  auto amy = client("amy");
  for (auto* each : {&raj, &amy}) {
    each->say("SUB", {{"topic", topic}, {"from", 0}, {"credit", 100}});
    BOOST_TEST(verdict(each->ask("hello")) == "ok");
  }
  commit(1, true);
  BOOST_TEST(numbers(raj, 1) == range(1, 1), boost::test_tools::per_element());
  BOOST_TEST(numbers(amy, 1) == range(1, 1), boost::test_tools::per_element());
  rules.projects["alz-brain"].members = {"amy"};
  publish_rules();
  commit(1, true);
  const std::vector<std::string> wanted = {"REVOKED", topic};
  BOOST_TEST(raj.receive(patience).value_or(std::vector<std::string>{}) == wanted, boost::test_tools::per_element());
  BOOST_TEST(numbers(amy, 1) == range(2, 2), boost::test_tools::per_element());
  BOOST_TEST(!raj.receive(silence).has_value());
}

BOOST_AUTO_TEST_CASE(shows_progress_as_it_comes) {
  start();
  auto amy = client("amy");
  amy.say("SUB", {{"topic", "p/alz-brain/progress"}, {"from", 0}, {"credit", 100}});
  BOOST_TEST(verdict(amy.ask("hello")) == "ok");
  caf::anon_send(gateway->sink(), messages::transient_event{"p/alz-brain/progress", R"({"request":"1"})"});
  const auto frames = amy.receive(patience);
  BOOST_REQUIRE(frames.has_value());
  BOOST_TEST(frames->front() == "EV");
  const auto body = json::parse(frames->back());
  BOOST_TEST(body["seq"] == 1);
  BOOST_TEST(body["at"] == "2026-03-08T12:00:00.000Z");
  BOOST_TEST(body["request"] == "1");
}

BOOST_AUTO_TEST_CASE(stops_after_unsub) {
  start();
  auto amy = client("amy");
  amy.say("SUB", {{"topic", topic}, {"from", 0}, {"credit", 100}});
  amy.say("UNSUB", {{"topic", topic}});
  BOOST_TEST(verdict(amy.ask("hello")) == "ok");
  commit(1, true);
  BOOST_TEST(!amy.receive(silence).has_value());
}

BOOST_AUTO_TEST_CASE(follows_the_journal_from_the_start) {
  start();
  const auto told = [&] {
    const auto lines = asked.lines();
    return std::find(lines.begin(), lines.end(), "followed by control_gateway") != lines.end();
  };
  for (int n = 0; n < 1'000 && !told(); ++n) std::this_thread::sleep_for(std::chrono::milliseconds{5});
  BOOST_TEST(told());
}

BOOST_AUTO_TEST_CASE(outlives_followers_that_leave_without_a_word) {
  start();
  {
    auto gone = client("amy");
    gone.say("SUB", {{"topic", topic}, {"from", 0}, {"credit", 100'000}});
    BOOST_TEST(verdict(gone.ask("hello")) == "ok");
  }
  auto amy = client("amy");
  amy.say("SUB", {{"topic", topic}, {"from", 0}, {"credit", 100'000}});
  BOOST_TEST(verdict(amy.ask("hello")) == "ok");
  commit(2'000, true);
  BOOST_TEST(numbers(amy, 2'000) == range(1, 2'000), boost::test_tools::per_element());
  for (int n = 0; n < 1'000 && gateway->statistics().subscriptions != 1; ++n)
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  BOOST_TEST(gateway->statistics().subscriptions == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways::test
