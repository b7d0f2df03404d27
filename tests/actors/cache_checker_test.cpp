#include "actors/cache_checker.hpp"

#include <boost/test/unit_test.hpp>
#include <set>
#include <vector>

#include "messages/roster.hpp"
#include "tests/actors/queue_site.hpp"

namespace penstock::tests {

namespace {

/// What a shard of two parts answers.
struct parts_log {
  std::vector<examine_cache> asked;
  std::vector<cache_finding> findings;  ///< of the second part
  std::set<std::string> gone;           ///< instances
  std::vector<cache_finding> first_findings;
  int fails = 0;         ///< so many parts are not answered
  int second_fails = 0;  ///< so many second parts
  int silent = 0;        ///< so often nothing is said of holdings
};

cache_shard_actor::behavior_type shard_of_parts(cache_shard_actor::pointer, std::shared_ptr<parts_log> log) {
  return {[](const reserve_pack&) -> caf::result<pack_reserved> { return unasked(); },
          [](const settle_study&) -> caf::result<study_settled> { return unasked(); },
          [](const adopt_study&) -> caf::result<study_settled> { return unasked(); },
          [=](const locate_objects& wanted) -> caf::result<objects_located> {
            objects_located located;
            if (log->silent-- > 0) return to_caf({errc::io_error, "started again"});
            for (const auto& uid : wanted.instances) {
              auto& object = located.objects.emplace_back();
              object.instance = uid;
              if (log->gone.contains(uid.reveal())) object.problem = "its pack is missing";
            }
            return located;
          },
          [](const list_instances&) -> caf::result<answered> { return unasked(); },
          [](const forget_study&) -> caf::result<study_forgotten> { return unasked(); },
          [=](const examine_cache& order) -> caf::result<cache_examined> {
            log->asked.push_back(order);
            if (log->fails-- > 0) return to_caf({errc::conflict, "started again"});
            if (!order.from.empty() && log->second_fails-- > 0) return to_caf({errc::conflict, "started again"});
            cache_examined seen;
            seen.packs = 1;
            seen.instances = 2;
            seen.findings = order.from.empty() ? log->first_findings : log->findings;
            if (order.from.empty()) seen.next = "second";
            return seen;
          },
          [](const describe_shard&) { return shard_described{}; }};
}

struct checked_site : queue_site {
  std::shared_ptr<parts_log> parts = std::make_shared<parts_log>();
  std::shared_ptr<actors::shard_news> news = std::make_shared<actors::shard_news>();
  cache_checker_actor checker = start();

  cache_checker_actor start() {
    actors::cache_checker_options options;
    options.journal = journal;
    options.core = core;
    options.shards = {spawn_function(shard_of_parts, parts)};
    options.news = news;
    auto serving = std::make_shared<roster>();
    serving->queues["alz"] = queue;
    options.in_force = std::make_shared<actors::rules_in_force>(site);
    options.in_force->set({site, serving});
    options.clocks = clocks();
    auto started = keep(actors::start_cache_checker(sys, std::move(options), nullptr));
    settle();
    return started;
  }
  json ask_checker(bool begin, bool repair = false) {
    return answer_of(ask<answered>(checker, check_cache{{"ada", ""}, begin, repair}));
  }
  json check(bool repair = false) {
    BOOST_TEST(ask_checker(true, repair).at("running").get<bool>());
    for (int i = 0; i < 100 && ask_checker(false).at("running").get<bool>(); ++i) advance(1s);
    return ask_checker(false);
  }
  json ask_about(const std::string& run) {
    return answer_of(ask<answered>(checker, check_cache{{"ada", ""}, false, false, run}));
  }
  void kill_checker() {
    auto pending = self->request(checker, caf::infinite, check_cache{{"ada", ""}, false, false});
    settle();
    pending.receive([&](const answered&) { kill(caf::actor_cast<caf::actor_addr>(self->current_sender())); },
                    [](const caf::error&) {});
  }
  std::size_t claims() { return rows_under(keys::claims_on("gh-rad", dicom_uid{"1.2.1"})); }
  /// One study that the project holds.
  void hold_one() {
    prepared("1.2.1");
    retrieve_all();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(cache_checker_suite, checked_site)

BOOST_AUTO_TEST_CASE(asks_part_after_part_and_says_what_it_has_seen) {
  hold_one();
  const auto done = check();
  BOOST_TEST(done.at("packs") == 2);
  BOOST_TEST(done.at("instances") == 4);
  BOOST_TEST(done.at("holdings") == 1);
  BOOST_TEST(done.at("found").empty());
  BOOST_REQUIRE_EQUAL(parts->asked.size(), 2U);
  BOOST_TEST(parts->asked[1].from == "second");
  BOOST_TEST(entries("cache.checked") == 1U);
}

BOOST_AUTO_TEST_CASE(refuses_a_second_check_while_one_is_under_way) {
  ask_checker(true);
  BOOST_TEST((ask<answered>(checker, check_cache{{"ada", ""}, true, false}).error().code == errc::conflict));
}

BOOST_AUTO_TEST_CASE(only_reports_without_repair_and_journals_what_is_repaired) {
  parts->findings = {{"bytes_damaged", "gh-rad", "0123456789abcdef-1", 2, false}};
  auto done = check();
  BOOST_TEST(done.at("found").at("bytes_damaged") == 1);
  BOOST_TEST(done.at("repaired") == 0);
  BOOST_TEST(entries("cache.repaired") == 0U);
  parts->findings[0].repaired = true;
  done = check(true);
  BOOST_TEST(parts->asked.back().repair);
  BOOST_TEST(done.at("repaired") == 1);
  BOOST_TEST(entries("cache.repaired") == 1U);
}

BOOST_AUTO_TEST_CASE(tells_the_project_of_a_holding_that_lacks_instances_once_it_is_repaired) {
  hold_one();
  parts->gone = {"1.2.1.2"};
  BOOST_TEST(check().at("found").at("holding_lost") == 1);
  BOOST_TEST(request(1).state == request_state::completed);
  check(true);
  settle();
  BOOST_TEST(request(1).state == request_state::failed);
  BOOST_TEST(request(1).error.starts_with("cache_lost"));
  BOOST_TEST(claims() == 0U);
}

BOOST_AUTO_TEST_CASE(looks_at_the_holdings_of_a_shard_that_has_lost_something_and_journals_it) {
  hold_one();
  parts->gone = {"1.2.1.1"};
  news->tell({0, "a block failed its check", "/state/catalogue.damaged", 3, 1});
  for (int i = 0; i < 10; ++i) advance(1s);
  BOOST_TEST(parts->asked.empty());
  BOOST_TEST(entries("catalogue.made_again") == 1U);
  BOOST_TEST(request(1).state == request_state::failed);
  BOOST_TEST(claims() == 1U);
  BOOST_TEST(news->waiting().empty());
}

BOOST_AUTO_TEST_CASE(looks_again_at_holdings_of_which_a_shard_said_nothing_at_first) {
  hold_one();
  parts->gone = {"1.2.1.1"};
  parts->silent = 3;
  news->tell({0, "", "", 0, 0});
  for (int i = 0; i < 20; ++i) advance(1s);
  BOOST_TEST(request(1).state == request_state::failed);
}

BOOST_AUTO_TEST_CASE(loses_no_news_that_come_while_it_is_started_again) {
  hold_one();
  parts->gone = {"1.2.1.1"};
  kill_checker();
  news->tell({0, "a block failed its check", "/state/catalogue.damaged", 3, 1});
  advance(100ms);
  kill_checker();  // before it has looked at a holding
  BOOST_TEST(request(1).state == request_state::completed);
  for (int i = 0; i < 10; ++i) advance(1s);
  BOOST_TEST(request(1).state == request_state::failed);
  BOOST_TEST(entries("catalogue.made_again") == 1U);
  BOOST_TEST(news->waiting().empty());
}

BOOST_AUTO_TEST_CASE(knows_each_check_by_its_id_whatever_began_by_itself_since) {
  hold_one();
  BOOST_TEST(!ask_checker(false).contains("run"));
  const auto mine = ask_checker(true).at("run").get<std::string>();
  news->tell({0, "", "", 0, 0});
  for (int i = 0; i < 10; ++i) advance(1s);
  BOOST_TEST(ask_checker(false).at("run") != mine);
  const auto done = ask_about(mine);
  BOOST_TEST(done.at("run") == mine);
  BOOST_TEST(done.contains("ended"));
  BOOST_TEST(done.at("packs") == 2);
}

BOOST_AUTO_TEST_CASE(does_not_call_a_check_ended_that_died_with_it) {
  const auto mine = ask_checker(true).at("run").get<std::string>();
  BOOST_TEST(!ask_about(mine).contains("ended"));
  kill_checker();
  advance(1s);
  BOOST_TEST((ask<answered>(checker, check_cache{{"ada", ""}, false, false, mine}).error().code == errc::not_found));
  BOOST_TEST(!ask_checker(false).contains("ended"));
}

BOOST_AUTO_TEST_CASE(begins_a_shard_anew_that_was_started_again_and_gives_up_on_one_that_never_answers) {
  parts->fails = 1;
  BOOST_TEST(check().at("packs") == 2);
  parts->fails = 1000;
  BOOST_TEST(check().at("problem").get<std::string>().starts_with("shard 0"));
}

BOOST_AUTO_TEST_CASE(counts_once_what_it_sees_again_in_a_shard_that_was_started_again) {
  parts->first_findings = {{"pack_missing", "gh-rad", "0123456789abcdef-1", 2, false},
                           {"bytes_damaged", "gh-rad", "0123456789abcdef-2", 2, true}};
  parts->second_fails = 1;
  const auto done = check();
  BOOST_TEST(done.at("packs") == 2);
  BOOST_TEST(done.at("instances") == 4);
  BOOST_TEST(done.at("found").at("pack_missing") == 1);
  BOOST_TEST(done.at("found").at("bytes_damaged") == 2);  // repaired each time: that is no second look
  BOOST_TEST(done.at("findings").size() == 3U);
}

BOOST_AUTO_TEST_CASE(ends_though_a_shard_is_started_again_after_every_first_part) {
  parts->second_fails = 1000;
  const auto done = check();
  BOOST_TEST(done.at("problem").get<std::string>().starts_with("shard 0: given up after 5 attempts"));
  BOOST_TEST(done.at("packs") == 0);
  BOOST_TEST(parts->asked.size() == 10U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
