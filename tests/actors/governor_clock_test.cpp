#include "tests/actors/governor_world.hpp"

namespace penstock::tests {

namespace keys = storage::keys;

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
  say("alz", query_wanted{1, "alz", query_purpose::search});
  say("alz", query_wanted{2, "alz", query_purpose::enumeration});
  advance(5min);
  BOOST_TEST(of("alz").permits.size() == 0U);
  BOOST_TEST(of("alz").queries.size() == 0U);
  BOOST_TEST(of("alz").outlook.back() == "the disk of the server is nearly full");
  BOOST_TEST(status().at("started").at("day") == 0);
  room = true;
  advance(6s);
  BOOST_TEST(of("alz").permits.size() == 1U);
  BOOST_TEST(of("alz").queries.size() == 2U);
}

BOOST_AUTO_TEST_CASE(never_has_more_in_flight_than_allowed) {
  start(2);
  has_work("alz");
  advance(1min);
  BOOST_TEST(of("alz").permits.size() == 2U);
  BOOST_TEST(of("alz").outlook.back().find("concurrency reached: 2 of 2") == 0U);
  self->send(governor, retrieval_over{of("alz").permits[0].permit, true, {}, {}});
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
  self->send(governor, rules_published{closed, nullptr});
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
  self->send(governor, retrieval_over{permit, false, {}, {}});
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

BOOST_AUTO_TEST_CASE(follows_new_rules_at_once) {
  start(1);
  has_work("alz");
  advance(3s);
  auto wider = std::make_shared<conf::rules>(*site);
  wider->pacs["gh-rad"].windows[0].limits.concurrent = 3;
  self->send(governor, rules_published{wider, nullptr});
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

BOOST_AUTO_TEST_CASE(says_why_nothing_starts) {
  start(1);
  BOOST_TEST(status().at("outlook") == "");
  has_work("alz", 7);
  advance(3s);
  BOOST_TEST(status().at("outlook") == "concurrency reached: 1 of 1 in flight");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
