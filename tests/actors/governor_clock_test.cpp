#include "actors/governor_clock.hpp"

#include <algorithm>
#include <functional>

#include "tests/actors/actor_fixture.hpp"
#include "tests/actors/mock_actors.hpp"

namespace penstock::tests {

namespace keys = storage::keys;

namespace {

/// A queue that always has work: it starts under each permit, and its retrieval lasts as long as the test says.
struct queue_log {
  std::string project;
  std::vector<std::uint64_t> offers;
  std::vector<permit_granted> permits;
  std::vector<std::string> refusals;
  std::vector<query_granted> queries;
  std::vector<std::int64_t> starts_us;  ///< when each permit came
  std::vector<std::string> outlook;
  bool starts = true;   ///< commits the start and says so
  bool answers = true;  ///< else it is silent, as one that was killed
  bool claims = true;   ///< at once; else its association takes its time
  bool commits = true;  ///< else it is killed after it has claimed
  std::function<std::int64_t()> utc_us;
  governor_clock_actor governor;
  audit_journal_actor journal;
  std::uint64_t generation = 0;
};

void claim(project_queue_actor::pointer self, const std::shared_ptr<queue_log>& log, std::uint64_t permit) {
  self->request(log->governor, caf::infinite, claim_permit{permit})
      .then(
          [=](const permit_granted& granted) {
            log->permits.push_back(granted);
            log->starts_us.push_back(log->utc_us());
            if (!log->commits) return;
            journal_entry entry;
            entry.kind = "request.started";
            entry.rows = granted.rows;
            self->request(log->journal, caf::infinite,
                          append_entries{"queue/" + log->project, log->generation, {entry}, {}, {}})
                .then([=](const entries_committed&) {
                  self->send(log->governor, permit_answered{granted.permit, true});
                  self->send(log->governor, work_waiting{log->project, 1, 1000, 1000});
                });
          },
          [=](const caf::error& problem) { log->refusals.push_back(from_caf(problem, "claim").text()); });
}

project_queue_actor::behavior_type mock_queue(project_queue_actor::pointer self, std::shared_ptr<queue_log> log) {
  const auto no = [](const auto&) -> caf::result<answered> { return unasked(); };
  return {[=](const submit_requests& c) { return no(c); },
          [=](const cancel_requests& c) { return no(c); },
          [=](const delete_holdings& c) { return no(c); },
          [=](const authorise_download&) -> caf::result<download_authorised> { return unasked(); },
          [=](const record_download&) -> caf::result<download_recorded> { return unasked(); },
          [=](const download_ended&) {},
          [=](const list_requests& c) { return no(c); },
          [=](const show_request& c) { return no(c); },
          [=](const describe_usage& c) { return no(c); },
          [=](const permit_offered& offered) {
            log->offers.push_back(offered.permit);
            if (!log->answers) return;
            if (!log->starts) return self->send(log->governor, permit_answered{offered.permit, false});
            if (log->claims) claim(self, log, offered.permit);
          },
          [=](const query_granted& granted) { log->queries.push_back(granted); },
          [=](const governor_outlook& seen) { log->outlook.push_back(seen.reason); },
          [=](const rules_published&) {},
          [=](const describe_actor& c) { return no(c); },
          [=](const tick&) {}};
}

struct governor_world : actor_fixture {
  governor_clock_actor governor;
  std::optional<actors::instant> assume_full_at;
  std::function<bool()> has_room;
  std::map<std::string, std::shared_ptr<queue_log>> logs;
  std::map<std::string, project_queue_actor> queues;

  governor_world() {
    for (const auto* project : {"alz", "ms"}) {
      auto log = logs[project] = std::make_shared<queue_log>();
      log->project = project;
      log->utc_us = clocks().utc_us;
      log->journal = journal;
      log->generation = ask<writer_enrolled>(journal, enrol_writer{"queue/" + log->project})->generation;
      queues[project] = spawn_function(mock_queue, log);
    }
  }
  ~governor_world() {
    for (auto& [project, log] : logs) *log = {};
  }

  void start(std::uint32_t concurrent, std::optional<std::uint32_t> per_minute = {}) {
    auto& limits = site->pacs["gh-rad"].windows[0].limits;
    limits.concurrent = concurrent;
    limits.per_minute = per_minute;
    governor = keep(actors::start_governor_clock(
        sys, {"gh-rad", site, journal, core, clocks(), assume_full_at, has_room}, nullptr));
    for (auto& [project, log] : logs) log->governor = governor;
    settle();
  }
  queue_log& of(const std::string& project) { return *logs.at(project); }
  template <class Message>
  void say(const std::string& project, Message message) {
    caf::send_as(caf::actor_cast<caf::actor>(queues.at(project)), governor, std::move(message));
    settle();
  }
  void has_work(const std::string& project, std::uint64_t ready = 1000) {
    say(project, work_waiting{project, 1, ready, ready});
  }
  /// Every retrieval that runs is over.
  void end_retrievals(const std::string& project) {
    for (const auto& each : of(project).permits) self->send(governor, retrieval_over{each.permit, true});
    settle();
  }
  /// Work for ever, retrievals of no length.
  void run_for(std::chrono::seconds time, const std::string& project = "alz") {
    for (const auto until = now() + time; now() < until; advance(100ms)) end_retrievals(project);
  }
  std::size_t most_in(std::chrono::seconds window, const std::vector<std::int64_t>& starts_us) const {
    std::size_t most = 0;
    for (std::size_t i = 0; i < starts_us.size(); ++i)
      most = std::max(
          most, static_cast<std::size_t>(std::count_if(starts_us.begin(), starts_us.end(), [&](std::int64_t at_us) {
            return at_us >= starts_us[i] && at_us < starts_us[i] + window.count() * 1'000'000;
          })));
    return most;
  }
  /// The child of the custodian dies as of a fault.
  void kill_governor() {
    auto pending = self->request(governor, caf::infinite, describe_governor{});
    // A custodian that has seen several deaths takes its time.
    for (int i = 0; i < 60 && !self->has_next_message(); ++i) advance(1s);
    BOOST_REQUIRE(self->has_next_message());
    caf::actor_addr child;
    pending.receive([&](const answered&) { child = caf::actor_cast<caf::actor_addr>(self->current_sender()); },
                    [](const caf::error&) { BOOST_ERROR("no answer"); });
    kill(child);
    advance(100ms);
  }
  nlohmann::json status() { return nlohmann::json::parse(ask<answered>(governor, describe_governor{{}, true})->json); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(governor_clock, governor_world)

BOOST_AUTO_TEST_CASE(grants_nothing_before_a_predecessors_permits_are_void) {
  start(1);
  has_work("alz");
  advance(1s);
  BOOST_TEST(of("alz").permits.size() == 0U);
  advance(1s);
  BOOST_TEST(of("alz").permits.size() == 1U);
}

BOOST_AUTO_TEST_CASE(counts_every_window_as_full_when_the_newest_starts_may_be_missing) {
  site->pacs["gh-rad"].find_per_minute = 4;
  assume_full_at = clocks().now();
  start(1, 3);
  has_work("alz");
  say("alz", query_wanted{1, "alz", query_purpose::search});
  say("alz", query_wanted{2, "alz", query_purpose::enumeration});
  advance(60s);
  BOOST_TEST(of("alz").permits.size() == 0U);
  BOOST_TEST(of("alz").queries.size() == 0U);
  advance(3s);
  BOOST_TEST(of("alz").permits.size() == 1U);
  BOOST_TEST(of("alz").queries.size() == 2U);
}

BOOST_AUTO_TEST_CASE(grants_nothing_while_the_disk_has_no_room_and_uses_nothing_up) {
  bool room = false;
  has_room = [&] { return room; };
  start(1, 1);
  has_work("alz");
  advance(5min);
  BOOST_TEST(of("alz").permits.size() == 0U);
  BOOST_TEST(of("alz").outlook.back() == "the disk of the server is nearly full");
  BOOST_TEST(status().at("started").at("day") == 0);
  room = true;
  advance(6s);
  BOOST_TEST(of("alz").permits.size() == 1U);
}

BOOST_AUTO_TEST_CASE(never_has_more_in_flight_than_allowed) {
  start(2);
  has_work("alz");
  advance(1min);
  BOOST_TEST(of("alz").permits.size() == 2U);
  BOOST_TEST(of("alz").outlook.back().find("concurrency reached: 2 of 2") == 0U);
  self->send(governor, retrieval_over{of("alz").permits[0].permit, true});
  advance(1s);
  BOOST_TEST(of("alz").permits.size() == 3U);
  BOOST_TEST(status().at("in_flight") == 2);
}

BOOST_AUTO_TEST_CASE(never_starts_more_in_any_minute_than_allowed) {
  start(5, 3);
  has_work("alz");
  run_for(300s);
  BOOST_TEST(most_in(60s, of("alz").starts_us) == 3U);
  BOOST_TEST(of("alz").starts_us.size() >= 12U);
}

BOOST_AUTO_TEST_CASE(starts_nothing_while_no_window_is_open_and_as_soon_as_one_opens) {
  site->pacs["gh-rad"].windows[0].from_minute = 13 * 60;
  site->pacs["gh-rad"].windows[0].to_minute = 14 * 60;
  start(1);
  has_work("alz");
  advance(1h - 1s);
  BOOST_TEST(of("alz").permits.size() == 0U);
  BOOST_TEST(of("alz").outlook.back().find("window closed until") == 0U);
  advance(3s);
  BOOST_TEST(of("alz").permits.size() == 1U);
  end_retrievals("alz");
  run_for(10s);
  const auto before_noon = of("alz").permits.size();
  advance(1h);
  end_retrievals("alz");
  advance(1min);
  BOOST_TEST(of("alz").permits.size() <= before_noon + 1);
  BOOST_TEST(status().at("window") == "closed");
}

BOOST_AUTO_TEST_CASE(shares_starts_evenly_between_two_projects) {
  start(1);
  has_work("alz");
  has_work("ms");
  for (int i = 0; i < 100; ++i) {
    end_retrievals("alz");
    end_retrievals("ms");
    advance(100ms);
  }
  const auto one = of("alz").permits.size();
  const auto other = of("ms").permits.size();
  BOOST_TEST(one > 10U);
  BOOST_TEST((one > other ? one - other : other - one) <= 1U);
}

BOOST_AUTO_TEST_CASE(takes_a_permit_back_that_was_not_used) {
  start(1, 1);
  of("alz").starts = false;
  has_work("alz", 1);
  advance(3s);
  BOOST_TEST(of("alz").offers.size() == 1U);
  of("alz").starts = true;
  has_work("alz", 1);
  BOOST_TEST(of("alz").permits.size() == 1U);
}

BOOST_AUTO_TEST_CASE(stamps_a_permit_when_it_is_claimed_and_by_the_rules_of_then) {
  start(2, 2);
  of("alz").claims = false;
  has_work("alz");
  advance(3s);
  BOOST_REQUIRE_EQUAL(of("alz").offers.size(), 2U);
  BOOST_TEST(status().at("in_flight") == 2);
  advance(10s);
  const auto claimed = ask<permit_granted>(governor, claim_permit{of("alz").offers[0]});
  BOOST_REQUIRE(claimed.ok());
  BOOST_TEST(claimed->send_before_boottime_ns > clocks().boottime_ns());
  BOOST_TEST(claimed->send_before_boottime_ns <= clocks().boottime_ns() + 1'000'000'000);
  auto closed = std::make_shared<conf::rules>(*site);
  closed->pacs["gh-rad"].windows[0].limits.concurrent = 0;
  self->send(governor, rules_published{closed});
  settle();
  const auto refused = ask<permit_granted>(governor, claim_permit{of("alz").offers[1]});
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST(refused.error().text().find("window closed") != std::string::npos);
  BOOST_TEST(status().at("in_flight") == 1);
  BOOST_TEST(!ask<permit_granted>(governor, claim_permit{of("alz").offers[1]}).ok());
}

BOOST_AUTO_TEST_CASE(grants_several_queries_at_once_when_there_is_room_for_all_of_them) {
  site->pacs["gh-rad"].enumerate_per_minute = 20;
  start(1);
  advance(3s);
  say("alz", query_wanted{1, "alz", query_purpose::enumeration, 16});
  say("alz", query_wanted{2, "alz", query_purpose::enumeration, 5});
  say("ms", query_wanted{1, "ms", query_purpose::enumeration, 30});
  BOOST_REQUIRE_EQUAL(of("alz").queries.size(), 1U);
  BOOST_TEST(of("alz").queries[0].queries == 16U);
  BOOST_TEST(of("alz").queries[0].rows.size() == 16U);
  advance(62s);
  BOOST_TEST(of("alz").queries.size() == 2U);
  BOOST_TEST(of("ms").queries.size() == 0U);
  advance(62s);
  BOOST_REQUIRE_EQUAL(of("ms").queries.size(), 1U);
  BOOST_TEST(of("ms").queries[0].queries == 20U);
}

BOOST_AUTO_TEST_CASE(ends_a_permit_that_nobody_answered_unless_its_start_is_on_the_disk) {
  start(1);
  of("alz").answers = false;
  has_work("alz");
  advance(3s);
  BOOST_TEST(of("alz").offers.size() == 1U);
  advance(61s);
  BOOST_TEST(of("alz").offers.size() == 2U);
  of("alz").answers = true;
  of("alz").commits = false;
  advance(61s);
  BOOST_TEST(of("alz").permits.size() == 1U);
  of("alz").commits = true;
  advance(61s);
  BOOST_TEST(of("alz").permits.size() == 2U);
  BOOST_TEST(has_row(keys::lease("gh-rad", of("alz").permits[1].permit)));
}

BOOST_AUTO_TEST_CASE(counts_on_after_a_kill_and_exceeds_nothing) {
  // So many at a time that only the rate limits: leases of the dead ones stay until they have been quiet.
  start(100, 3);
  has_work("alz");
  for (int i = 0; i < 20; ++i) {
    advance(std::chrono::seconds{3 + 17 * i % 60});
    kill_governor();
    has_work("alz");
  }
  BOOST_TEST(most_in(60s, of("alz").starts_us) == 3U);
  BOOST_TEST(of("alz").starts_us.size() >= 20U);
}

BOOST_AUTO_TEST_CASE(keeps_the_leases_of_a_crash_until_nothing_has_arrived_for_long_enough) {
  start(1);
  has_work("alz");
  advance(3s);
  BOOST_REQUIRE_EQUAL(of("alz").permits.size(), 1U);
  const auto permit = of("alz").permits[0].permit;
  kill_governor();
  has_work("alz");
  for (int i = 0; i < 12; ++i) {
    self->send(governor, retrieval_alive{permit});
    advance(5s);
  }
  BOOST_TEST(of("alz").permits.size() == 1U);
  BOOST_TEST(has_row(keys::lease("gh-rad", permit)));
  advance(31s);
  BOOST_TEST(of("alz").permits.size() == 2U);
  BOOST_TEST(!has_row(keys::lease("gh-rad", permit)));
  BOOST_TEST(entries("lease.ended") == 1U);
}

BOOST_AUTO_TEST_CASE(keeps_the_lease_of_a_retrieval_whose_association_died_until_it_is_quiet) {
  start(1);
  has_work("alz");
  advance(3s);
  const auto permit = of("alz").permits.at(0).permit;
  self->send(governor, retrieval_over{permit, false});
  advance(29s);
  BOOST_TEST(of("alz").permits.size() == 1U);
  BOOST_TEST(has_row(keys::lease("gh-rad", permit)));
  advance(2s);
  BOOST_TEST(of("alz").permits.size() == 2U);
  BOOST_TEST(!has_row(keys::lease("gh-rad", permit)));
}

BOOST_AUTO_TEST_CASE(believes_no_word_about_the_end_of_a_leftover_that_nobody_runs) {
  start(1);
  has_work("alz");
  advance(3s);
  kill_governor();
  has_work("alz");
  advance(2s);
  end_retrievals("alz");
  advance(5s);
  BOOST_TEST(of("alz").permits.size() == 1U);
}

BOOST_AUTO_TEST_CASE(lets_so_many_queries_out_in_a_minute_in_turn_over_projects) {
  site->pacs["gh-rad"].find_per_minute = 4;
  start(1);
  for (std::uint64_t ticket = 1; ticket <= 10; ++ticket) say("alz", query_wanted{ticket, "alz", query_purpose::search});
  say("ms", query_wanted{1, "ms", query_purpose::search});
  advance(3s);
  BOOST_TEST(of("alz").queries.size() == 3U);
  BOOST_TEST(of("ms").queries.size() == 1U);
  advance(50s);
  BOOST_TEST(of("alz").queries.size() == 3U);
  advance(15s);
  BOOST_TEST(of("alz").queries.size() == 7U);
  BOOST_TEST(of("alz").queries[6].ticket == 7U);
}

BOOST_AUTO_TEST_CASE(keeps_one_place_for_a_query_that_is_asked_for_again) {
  start(1);
  for (int i = 0; i < 3; ++i) say("alz", query_wanted{7, "alz", query_purpose::enumeration});
  advance(3s);
  BOOST_TEST(of("alz").queries.size() == 1U);
}

BOOST_AUTO_TEST_CASE(backs_off_longer_and_longer_from_a_pacs_that_does_not_answer) {
  start(1);
  advance(2s);
  self->send(governor, pacs_reachability{"gh-rad", false, "no connection"});
  has_work("alz");
  BOOST_TEST(of("alz").outlook.back().find("the PACS does not answer; next try at") == 0U);
  advance(4s);
  BOOST_TEST(of("alz").permits.size() == 0U);
  BOOST_TEST(status().at("state") == "down");
  advance(2s);
  BOOST_TEST(of("alz").permits.size() == 1U);
  self->send(governor, pacs_reachability{"gh-rad", false, "no connection"});
  end_retrievals("alz");
  advance(9s);
  BOOST_TEST(of("alz").permits.size() == 1U);
  self->send(governor, pacs_reachability{"gh-rad", true, ""});
  advance(1s);
  BOOST_TEST(of("alz").permits.size() == 2U);
}

BOOST_AUTO_TEST_CASE(follows_new_rules_at_once) {
  start(1);
  has_work("alz");
  advance(3s);
  auto wider = std::make_shared<conf::rules>(*site);
  wider->pacs["gh-rad"].windows[0].limits.concurrent = 3;
  self->send(governor, rules_published{wider});
  settle();
  BOOST_TEST(of("alz").permits.size() == 3U);
}

BOOST_AUTO_TEST_CASE(shows_what_waits_only_of_the_projects_asked_about) {
  start(0);
  has_work("alz", 7);
  has_work("ms", 9);
  const auto mine = nlohmann::json::parse(ask<answered>(governor, describe_governor{{"alz"}, false})->json);
  BOOST_TEST(mine.at("waiting") == (nlohmann::json{{"alz", 7}}));
  BOOST_TEST(status().at("waiting").size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
