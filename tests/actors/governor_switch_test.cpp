// Stopping everything at a PACS, letting it go again, and leaving one alone that does not answer.

#include "tests/actors/governor_world.hpp"

namespace penstock::tests {

namespace keys = storage::keys;

namespace {

struct switched_world : governor_world {
  result<answered> pause(const std::string& op = "op-1") {
    return ask<answered>(governor, pause_starts{{"ada", op}, "the scanner room is on fire"});
  }
  result<answered> resume(const std::string& op = "op-2") {
    return ask<answered>(governor, resume_starts{{"ada", op}, "put out"});
  }
  std::size_t starts() { return of("alz").permits.size(); }
  std::size_t in_flight() { return status().at("in_flight"); }
  bool row_of_pause() { return core->get(storage::column::rows, keys::pause("gh-rad")).value().has_value(); }
  /// Retrievals end one after the other, as the PACS did what was asked.
  void end_well(std::size_t first, std::size_t last) {
    for (auto i = first; i < last; ++i)
      self->send(governor, retrieval_over{of("alz").permits.at(i).permit, true, retrieval_end::well, ""});
    settle();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(governor_switch, switched_world)

BOOST_AUTO_TEST_CASE(starts_nothing_after_a_pause_and_stops_what_runs) {
  start(3);
  has_work("alz");
  advance(2s);
  BOOST_TEST(starts() == 3U);
  const auto answer = pause();
  BOOST_REQUIRE(answer.ok());
  BOOST_TEST(nlohmann::json::parse(answer->json).at("stopped") == 1);
  BOOST_TEST(pacs->stops.size() == 1U);
  BOOST_TEST(row_of_pause());
  end_retrievals("alz");
  has_work("alz");
  advance(300s);
  BOOST_TEST(starts() == 3U);
  BOOST_TEST(status().at("state") == "paused");
  BOOST_TEST(of("alz").outlook.back().find("ada: the scanner room is on fire") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(refuses_a_permit_that_was_offered_before_the_pause) {
  of("alz").claims = false;
  start(1);
  has_work("alz", 1);
  advance(2s);
  BOOST_REQUIRE(of("alz").offers.size() == 1U);
  BOOST_REQUIRE(pause().ok());
  const auto claimed = ask<permit_granted>(governor, claim_permit{of("alz").offers.front()});
  BOOST_TEST(!claimed.ok());
}

BOOST_AUTO_TEST_CASE(stays_paused_over_a_restart_until_somebody_resumes_it) {
  start(2);
  BOOST_REQUIRE(pause().ok());
  kill_governor();
  has_work("alz");
  advance(60s);
  BOOST_TEST(starts() == 0U);
  BOOST_REQUIRE(resume().ok());
  BOOST_TEST(!row_of_pause());
  advance(1s);
  BOOST_TEST(starts() == 1U);
}

BOOST_AUTO_TEST_CASE(comes_back_with_one_retrieval_then_two_then_four) {
  start(4);
  has_work("alz");
  BOOST_REQUIRE(pause().ok());
  BOOST_REQUIRE(resume().ok());
  advance(2s);
  BOOST_TEST(starts() == 1U);
  end_well(0, 1);
  advance(1s);
  BOOST_TEST(starts() == 3U);
  end_well(1, 3);
  advance(1s);
  BOOST_TEST(starts() == 7U);
}

BOOST_AUTO_TEST_CASE(answers_a_repeated_operation_as_the_first_time) {
  start(1);
  has_work("alz");
  advance(2s);
  const auto first = pause("same");
  const auto again = pause("same");
  BOOST_REQUIRE(again.ok());
  BOOST_TEST(first->json == again->json);
  BOOST_TEST(pacs->stops.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_pause_outlives_a_resume_that_is_on_its_way_to_the_disk) {
  start(1);
  BOOST_REQUIRE(pause("first").ok());
  has_work("alz");
  self->send(governor, resume_starts{{"ada", "late"}, "put out"});
  self->send(governor, pause_starts{{"ada", "second"}, "it burns again"});
  settle();
  advance(60s);
  BOOST_TEST(status().at("state") == "paused");
  BOOST_TEST(starts() == 0U);
}

BOOST_AUTO_TEST_CASE(is_paused_by_a_file_and_not_resumed_while_it_exists) {
  pause_file = std::filesystem::temp_directory_path() / ("penstock-pause-" + std::to_string(::getpid()));
  start(1);
  has_work("alz");
  advance(2s);
  BOOST_TEST(starts() == 1U);
  std::ofstream{pause_file} << "stop";
  advance(1s);
  BOOST_TEST(status().at("state") == "paused");
  BOOST_TEST(pacs->stops.size() == 1U);
  BOOST_TEST(!resume("a").ok());
  std::filesystem::remove(pause_file);
  end_retrievals("alz");
  advance(60s);
  BOOST_TEST(starts() == 1U);
  BOOST_TEST(resume("b").ok());
  advance(1s);
  BOOST_TEST(starts() == 2U);
}

BOOST_AUTO_TEST_CASE(stops_for_good_at_what_only_a_person_can_mend) {
  start(1);
  has_work("alz");
  advance(2s);
  self->send(governor, retrieval_over{of("alz").permits[0].permit, true, retrieval_end::misconfigured,
                                      "the PACS does not know our move destination (0xA801)"});
  settle();
  kill_governor();
  has_work("alz");
  advance(3600s);
  BOOST_TEST(starts() == 1U);
  BOOST_TEST(of("alz").outlook.back().find("0xA801") != std::string::npos);
  BOOST_REQUIRE(resume().ok());
  advance(1s);
  BOOST_TEST(starts() == 2U);
}

BOOST_AUTO_TEST_CASE(leaves_a_silent_pacs_alone_and_asks_again_later_and_later) {
  start(4);
  advance(2s);
  pacs->pacs_problem = "no connection";
  self->send(governor, pacs_reachability{"gh-rad", false, "no connection"});
  has_work("alz");
  BOOST_TEST(status().at("state") == "down");
  BOOST_TEST(of("alz").outlook.back().find("asked again at") != std::string::npos);
  advance(60s);
  BOOST_TEST(starts() == 0U);
  const auto asked = pacs->echoes;
  BOOST_TEST(asked >= 2U);
  BOOST_TEST(asked <= 4U);
  pacs->pacs_problem.clear();
  advance(60s);
  BOOST_TEST(status().at("state") == "up");
  BOOST_TEST(starts() == 1U);
}

BOOST_AUTO_TEST_CASE(asks_no_pacs_how_it_is_for_projects_that_may_not_use_it) {
  site->projects["alz"].valid_through =
      std::chrono::year_month_day{std::chrono::year{2026}, std::chrono::month{3}, std::chrono::day{10}};
  site->projects.erase("ms");
  start(1);
  for (const auto* project : {"alz", "ms"}) say(project, work_waiting{project, 1, 0, 50});
  advance(600s);
  BOOST_TEST(pacs->echoes == 0U);
  site->projects["alz"].valid_through =
      std::chrono::year_month_day{std::chrono::year{2026}, std::chrono::month{3}, std::chrono::day{31}};
  publish_rules();
  advance(600s);
  BOOST_TEST(pacs->echoes >= 9U);
}

BOOST_AUTO_TEST_CASE(trips_after_as_many_failures_as_the_rules_say) {
  site->pacs["gh-rad"].breaker.failures_in_a_row = 2;
  start(1);
  has_work("alz");
  advance(2s);
  for (std::size_t i = 0; i < 2; ++i) {
    BOOST_REQUIRE(starts() == i + 1);
    self->send(governor, retrieval_over{of("alz").permits[i].permit, true, retrieval_end::failed, "nothing arrived"});
    settle();
    advance(1s);
  }
  BOOST_TEST(status().at("state") == "down");
}

BOOST_AUTO_TEST_CASE(trips_after_failures_in_a_row) {
  start(1);
  has_work("alz");
  advance(2s);
  for (std::size_t i = 0; i < 5; ++i) {
    BOOST_REQUIRE(starts() == i + 1);
    self->send(governor, retrieval_over{of("alz").permits[i].permit, true, retrieval_end::failed, "nothing arrived"});
    settle();
    advance(1s);
  }
  BOOST_TEST(starts() == 5U);
  BOOST_TEST(status().at("state") == "down");
}

BOOST_AUTO_TEST_CASE(new_rules_end_what_runs_each_time_they_close_the_window_in_force) {
  const auto limit = [this](const conf::window_limits& limits) {
    site = std::make_shared<conf::rules>(*site);
    site->pacs["gh-rad"].windows[0].limits = limits;
    publish_rules();
  };
  start(1);
  has_work("alz");
  advance(2s);
  for (std::size_t times = 1; times <= 2; ++times) {
    limit({0, {}, {}, {}, true});
    BOOST_TEST(pacs->stops.size() == times);
    limit({1, {}, {}, {}, false});
    end_retrievals("alz");
    advance(2s);
  }
}

BOOST_AUTO_TEST_CASE(forecasts_nothing_while_the_pacs_is_left_alone) {
  start(1);
  has_work("alz");
  advance(2s);
  const auto told = [this] {
    const auto& last = of("alz").forecasts.back();
    return !last.steps.empty() || last.later_than_us != 0 || !last.never.empty();
  };
  BOOST_TEST(told());
  pacs->pacs_problem = "connection refused";
  self->send(governor, pacs_reachability{"gh-rad", false, "connection refused"});
  advance(1s);
  BOOST_TEST(!told());
  BOOST_TEST(of("alz").outlook.back().find("does not answer: connection refused") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(says_what_is_wrong_with_tls_in_its_own_words) {
  start(1);
  has_work("alz");
  advance(2s);
  pacs->pacs_problem = "TLS: the peer speaks no TLS";
  self->send(governor, pacs_reachability{"gh-rad", false, "TLS: the peer speaks no TLS"});
  advance(1s);
  BOOST_TEST(of("alz").outlook.back().find("does not answer") == std::string::npos);
  BOOST_TEST(of("alz").outlook.back().find("TLS: the peer speaks no TLS") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(ends_what_runs_when_a_window_says_so) {
  auto& windows = site->pacs["gh-rad"].windows;
  conf::window closed = windows[0];
  closed.name = "maintenance";
  closed.from_minute = 12 * 60 + 10;
  closed.to_minute = 12 * 60 + 20;
  closed.limits = {0, {}, {}, {}, true};
  windows.insert(windows.begin(), closed);
  site->pacs["gh-rad"].windows[1].limits.concurrent = 1;
  start_as_is();
  has_work("alz");
  advance(60s);
  BOOST_TEST(starts() == 1U);
  BOOST_TEST(pacs->stops.empty());
  BOOST_TEST(status().at("next_change") == "2026-03-11T12:10:00.000Z");
  advance(600s);
  BOOST_REQUIRE(pacs->stops.size() == 1U);
  BOOST_TEST(pacs->stops[0].find("maintenance") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(tells_no_change_of_a_window_that_is_always_in_force) {
  start(1);
  BOOST_TEST(status().at("next_change").is_null());
}

BOOST_AUTO_TEST_CASE(simulates_the_days_to_come_with_what_waits) {
  site->pacs["gh-rad"].windows[0].limits.per_hour = 10;
  start(1);
  has_work("alz", 100);
  const auto told = ask<answered>(governor, simulate_governor{nullptr, 2, {}, true});
  BOOST_REQUIRE(told.ok());
  const auto document = nlohmann::json::parse(told->json);
  BOOST_TEST(document.at("pacs") == "gh-rad");
  BOOST_TEST(document.at("hours").size() >= 40U);
  BOOST_TEST(document.at("hours").at(3).at("starts").at("alz") == 10);
  const auto hidden = ask<answered>(governor, simulate_governor{nullptr, 2, {"ms"}, false});
  BOOST_TEST(hidden->json.find("alz") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
