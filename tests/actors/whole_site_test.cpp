// Every actor of the server together, from a submission to holdings, among two fakes: the PACS and the clock. One after
// the other is killed at every stage of the work, and the work goes on.

#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>

#include "actors/supervisor.hpp"
#include "tests/actors/actor_fixture.hpp"
#include "tests/actors/fake_archive.hpp"
#include "tests/actors/mock_actors.hpp"

namespace penstock::tests {

namespace {

constexpr std::size_t most_studies = 4;

struct whole_site : actor_fixture {
  std::shared_ptr<archive> pacs = std::make_shared<archive>();
  storage::state_directory state = storage::state_directory::open({.root = folder.path() / "state"}).value();
  actors::crew members{sys};
  actors::server_tree tree;

  whole_site() {
    end(journal);
    for (std::size_t i = 1; i <= most_studies; ++i) pacs->studies["1.2." + std::to_string(i)] = {jane, 2};
    actors::server_tree_options options;
    options.rules = site;
    options.core = core;
    options.state = &state;
    options.clocks = clocks();
    options.port = spawn_function(archive_port, pacs);
    options.listener = spawn_function(archive_listener, pacs);
    options.sink = spawn_function(mock_sink, std::make_shared<sink_log>());
    options.on_journal_failure = [](const failure& problem) { BOOST_ERROR(problem.text()); };
    options.where = actors::hosting::scheduled;
    tree = actors::start_server_tree(sys, members, std::move(options));
    advance(2s);
  }
  ~whole_site() {
    members.end_all();
    settle();
    tree = {};
  }

  void submit() {
    submit_requests command;
    command.who = {"amy", "once"};
    for (const auto& [uid, study] : pacs->studies) command.items.push_back({"gh-rad", dicom_uid{uid}, {}});
    caf::anon_send(tree.roster->queues.at("alz"), command);
  }

  /// Whoever answers the question is the child behind the custodian.
  template <class Answer, class Handle, class Question>
  caf::actor_addr child_behind(const Handle& whom, Question question) {
    auto pending = self->request(whom, caf::infinite, std::move(question));
    for (int i = 0; i < 100 && !self->has_next_message(); ++i) advance(100ms);
    BOOST_REQUIRE(self->has_next_message());
    caf::actor_addr child;
    const auto note = [&] { child = caf::actor_cast<caf::actor_addr>(self->current_sender()); };
    pending.receive([&](const Answer&) { note(); }, [&](const caf::error&) { note(); });
    return child;
  }

  /// Handles so many messages, and lets time pass where there is nothing else to do.
  void work(std::size_t messages) {
    auto& scheduler = dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
    for (std::size_t i = 0; i < messages; ++i)
      if (!scheduler.try_run_once()) advance(50ms);
  }

  int seconds_ = 0;
  [[nodiscard]] bool all_completed() const {
    if (rows_under(storage::keys::requests_of("alz")) < most_studies) return false;
    for (std::uint64_t number = 1; number <= most_studies; ++number)
      if (request(number).state != request_state::completed) return false;
    return true;
  }
  void run_to_the_end() {
    do advance(1s);
    while (!all_completed() && ++seconds_ < 400);
  }

  std::map<std::string, std::function<caf::actor_addr()>> child_of{
      {"project_queue", [this] { return child_behind<answered>(tree.roster->queues.at("alz"), describe_actor{}); }},
      {"project_search", [this] { return child_behind<answered>(tree.roster->searches.at("alz"), describe_actor{}); }},
      {"governor_clock",
       [this] { return child_behind<answered>(tree.roster->governors.at("gh-rad"), describe_governor{}); }},
      {"pacs_association",
       [this] { return child_behind<answered>(tree.roster->associations.at("gh-rad"), describe_actor{}); }},
      {"cache_shard 0", [this] { return child_behind<shard_described>(tree.shards.at(0), describe_shard{}); }},
      {"cache_shard 1", [this] { return child_behind<shard_described>(tree.shards.at(1), describe_shard{}); }},
      {"list_reader",
       [this] {
         return child_behind<answered>(tree.reader, read_requests{"alz", {}, {}});
       }},
      {"rules_keeper", [this] { return child_behind<answered>(tree.rules_keeper, show_rules{}); }},
  };

  void check_all_completed_once() {
    for (std::uint64_t number = 1; number <= most_studies; ++number) {
      BOOST_TEST_CONTEXT("request " << number) {
        BOOST_TEST(name_of(request(number).state) == "completed");
        BOOST_TEST(entries("request.completed", number) == 1U);
      }
    }
    BOOST_TEST(rows_under(storage::keys::holdings_of("alz")) == most_studies);
    BOOST_TEST(rows_under(storage::keys::leases_at("gh-rad")) == 0U);
    BOOST_TEST(pacs->most_in_flight <= 2U);
    const auto listed = ask<answered>(tree.roster->queues.at("alz"), list_requests{{"amy", ""}, {}});
    BOOST_REQUIRE(listed.ok());
    BOOST_TEST(nlohmann::json::parse(listed->json).at("total") == most_studies);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(whole_site_works)

BOOST_AUTO_TEST_CASE(fetches_every_study_once) {
  whole_site site;
  site.submit();
  site.run_to_the_end();
  site.check_all_completed_once();
  for (const auto& [uid, times] : site.pacs->moves) BOOST_TEST(times == 1);
}

/// Messages and pauses until all is done, when nobody is killed.
constexpr std::size_t last_stage = 360;

BOOST_AUTO_TEST_CASE(is_done_by_the_last_stage_and_not_long_before) {
  whole_site site;
  site.submit();
  site.work(last_stage * 3 / 4);
  BOOST_TEST(!site.all_completed());
  site.work(last_stage / 4);
  BOOST_TEST(site.all_completed());
}

BOOST_AUTO_TEST_CASE(goes_on_whoever_is_killed_at_whatever_stage) {
  std::vector<std::string> everybody;
  {
    const whole_site site;
    for (const auto& [who, child] : site.child_of) everybody.push_back(who);
  }
  for (const auto& who : everybody)
    for (std::size_t messages = 0; messages <= last_stage; messages += last_stage / 12) {
      BOOST_TEST_CONTEXT(who << " killed after " << messages << " messages") {
        whole_site site;
        const auto child = site.child_of.at(who)();
        site.submit();
        site.work(messages);
        site.kill(child);
        // A client whose answer does not come says it again.
        site.submit();
        site.run_to_the_end();
        site.advance(35s);
        site.check_all_completed_once();
      }
    }
}

BOOST_AUTO_TEST_CASE(goes_on_when_one_after_the_other_is_killed_again_and_again) {
  whole_site site;
  site.submit();
  for (int round = 0; round < 3; ++round)
    for (const auto& [who, child] : site.child_of) {
      site.advance(700ms);
      site.kill(child());
    }
  site.run_to_the_end();
  site.advance(35s);
  site.check_all_completed_once();
}

BOOST_AUTO_TEST_CASE(waits_through_a_day_without_the_pacs_and_burns_no_attempt) {
  whole_site site;
  site.pacs->down = true;
  site.submit();
  for (int minutes = 0; minutes < 24 * 60; minutes += 5) site.advance(5min);
  BOOST_TEST(site.pacs->moves.empty());
  BOOST_TEST_MESSAGE(site.pacs->refused << " connections in a day without the PACS");
  BOOST_TEST(site.pacs->refused <= 400U);  // probed at most every five minutes, and a little at first
  for (std::uint64_t number = 1; number <= most_studies; ++number) {
    BOOST_TEST(name_of(site.request(number).state) == "scheduled");
    BOOST_TEST(site.request(number).attempts == 0U);
  }
  site.pacs->down = false;
  site.run_to_the_end();
  BOOST_TEST(site.seconds_ < 360);
  site.check_all_completed_once();
  for (std::uint64_t number = 1; number <= most_studies; ++number) BOOST_TEST(site.request(number).attempts == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
