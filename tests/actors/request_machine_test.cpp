#include "actors/request_machine.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <vector>

#include "actors/retry_policy.hpp"

namespace penstock::actors {

using namespace messages;
using state = request_state;

BOOST_AUTO_TEST_SUITE(request_machine)

namespace {

constexpr std::int64_t now_us = 5'000'000;

retrieval_outcome outcome_of(bool sent, std::uint32_t status = 0) {
  retrieval_outcome outcome;
  outcome.sent = sent;
  outcome.dimse_status = status;
  outcome.problem = sent ? "" : "late";
  return outcome;
}

study_settled settled(std::size_t present, std::size_t missing, retrieval_outcome outcome = outcome_of(true)) {
  study_settled end;
  end.present.resize(present);
  end.missing.resize(missing);
  end.outcome = std::move(outcome);
  return end;
}

conclusion after(std::uint32_t attempts, const study_settled& end) {
  request_row row;
  row.state = state::processing;
  row.attempts = attempts;
  row.expected = std::max<std::size_t>(end.present.size() + end.missing.size(), 1);
  return conclude(row, end, now_us);
}

}  // namespace

BOOST_AUTO_TEST_CASE(allows_these_moves_and_no_others) {
  const std::vector<state> all{state::scheduled,  state::processing, state::completed,
                               state::incomplete, state::failed,     state::cancelled};
  for (const auto from : all)
    for (const auto to : all) {
      bool legal = to == state::scheduled;  // from a terminal state: an explicit retry
      if (from == state::completed || from == state::incomplete)
        legal = legal || to == state::failed;  // what was fetched is lost
      if (from == state::scheduled) legal = to != state::incomplete;
      if (from == state::processing) legal = to != state::processing;
      BOOST_TEST_CONTEXT(name_of(from) << " -> " << name_of(to)) { BOOST_TEST(is_legal(from, to) == legal); }
    }
}

BOOST_AUTO_TEST_CASE(completes_only_when_nothing_is_missing) {
  BOOST_TEST((after(0, settled(3, 0)).state == state::completed));
  BOOST_TEST((after(0, settled(2, 1)).state == state::scheduled));
  BOOST_TEST((after(0, settled(0, 0)).state == state::scheduled));
  // The PACS may say what it likes: what is here counts.
  BOOST_TEST((after(5, settled(3, 0, outcome_of(true, 0xa700))).state == state::completed));
}

BOOST_AUTO_TEST_CASE(burns_no_attempt_when_nothing_was_sent) {
  const auto end = after(5, settled(0, 3, outcome_of(false)));
  BOOST_TEST((end.state == state::scheduled));
  BOOST_TEST((end.waits_for == waiting_reason::retry_later));
  BOOST_TEST(end.not_before_us > now_us);
  BOOST_TEST(!end.burns_attempt);
  BOOST_TEST(end.reason == "late");
}

BOOST_AUTO_TEST_CASE(climbs_the_ladder_and_then_gives_up) {
  const std::vector<std::int64_t> waits_s{30, 120, 600, 1800, 7200};
  for (std::uint32_t attempts = 0; attempts < waits_s.size(); ++attempts) {
    const auto end = after(attempts, settled(1, 1));
    BOOST_TEST((end.state == state::scheduled));
    BOOST_TEST(end.burns_attempt);
    BOOST_TEST(end.not_before_us == now_us + waits_s[attempts] * 1'000'000);
  }
  BOOST_TEST((after(5, settled(1, 1)).state == state::incomplete));
  BOOST_TEST((after(5, settled(0, 2)).state == state::failed));
}

BOOST_AUTO_TEST_CASE(does_not_repeat_what_would_end_the_same_way) {
  BOOST_TEST((after(0, settled(0, 2, outcome_of(true, 0xa900))).state == state::failed));
  BOOST_TEST((after(0, settled(0, 2, outcome_of(true, 0xa700))).state == state::scheduled));
  BOOST_TEST((after(0, settled(0, 2, outcome_of(true, 0xa801))).says_of_pacs == retrieval_end::misconfigured));
}

BOOST_AUTO_TEST_CASE(never_calls_complete_what_the_pacs_has_not_listed) {
  request_row row;
  row.unproven = "it lists no instances";
  const auto end = conclude(row, settled(3, 0), now_us);
  BOOST_TEST((end.state == state::incomplete));
  BOOST_TEST(end.reason.find("it lists no instances") != std::string::npos);
  // It broke off: what came may well be a part.
  BOOST_TEST((conclude(row, settled(3, 0, outcome_of(true, 0xa702)), now_us).state == state::scheduled));
}

BOOST_AUTO_TEST_CASE(never_calls_complete_a_study_of_which_more_came_than_was_listed) {
  auto outcome = outcome_of(true);
  outcome.unlisted = 2;
  BOOST_TEST((after(0, settled(5, 0, outcome)).state == state::incomplete));
}

BOOST_AUTO_TEST_CASE(goes_on_with_the_next_part_at_once_and_burns_no_attempt) {
  auto outcome = outcome_of(true);
  outcome.level = retrieve_level::series;
  outcome.asked = 2;
  const auto end = after(3, settled(4, 2, outcome));
  BOOST_TEST((end.state == state::scheduled));
  BOOST_TEST(end.not_before_us == now_us);
  BOOST_TEST(!end.burns_attempt);
}

BOOST_AUTO_TEST_CASE(asks_for_more_at_a_time_when_the_pacs_refuses_the_level) {
  for (const std::uint32_t status : {0xa900U, 0xc001U, 0x0122U, 0U}) {
    auto outcome = outcome_of(true, status);
    outcome.level = retrieve_level::instance;
    outcome.asked = outcome.asked_missing = 2;
    const auto end = after(0, settled(4, 2, outcome));
    BOOST_TEST((end.state == state::scheduled));
    BOOST_TEST((end.finest == retrieve_level::series));
    BOOST_TEST(!end.burns_attempt);
    outcome.level = retrieve_level::series;
    BOOST_TEST((after(0, settled(4, 2, outcome)).finest == retrieve_level::study));
    outcome.level = retrieve_level::study;
    BOOST_TEST(after(0, settled(4, 2, outcome)).burns_attempt);
  }
}

BOOST_AUTO_TEST_CASE(keeps_the_level_when_the_pacs_is_only_busy) {
  auto outcome = outcome_of(true, 0xa702);
  outcome.level = retrieve_level::instance;
  outcome.asked = outcome.asked_missing = 2;
  const auto end = after(0, settled(4, 2, outcome));
  BOOST_TEST((end.finest == retrieve_level::instance));
  BOOST_TEST(end.burns_attempt);
}

BOOST_AUTO_TEST_CASE(waits_for_tape_by_the_long_ladder_and_burns_no_attempt) {
  request_row row;
  row.expected = 2;
  row.attempts = max_retries;
  row.availability = "NEARLINE";
  row.offline_tries = 5;
  const auto end = conclude(row, settled(0, 2, outcome_of(true, 0xa702)), now_us);
  BOOST_TEST((end.state == state::scheduled));
  BOOST_TEST(!end.burns_attempt);
  BOOST_TEST(end.burns_offline_try);
  BOOST_TEST(end.not_before_us == now_us + 300'000'000);
}

BOOST_AUTO_TEST_CASE(does_not_ask_again_for_what_is_of_somebody_else) {
  auto outcome = outcome_of(true);
  outcome.refused = 1;
  const auto end = after(0, settled(4, 1, outcome));
  BOOST_TEST((end.state == state::incomplete));
  BOOST_TEST(end.reason.find("1 refused") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(sets_back_a_study_that_cannot_be_listed_and_gives_up_in_the_end) {
  request_row row;
  BOOST_TEST((set_back(row, "none listed", now_us).state == state::scheduled));
  row.attempts = max_retries;
  BOOST_TEST((set_back(row, "none listed", now_us).state == state::failed));
}

BOOST_AUTO_TEST_CASE(follows_an_exam_until_nothing_new_has_come_for_long_enough) {
  constexpr std::int64_t second_us = 1'000'000;
  request_row row;
  BOOST_TEST(!goes_on_following(row, 5, now_us));
  row.follow_every_s = 60;
  row.follow_quiet_s = 180;
  row.enumerated = true;
  BOOST_TEST(goes_on_following(row, 5, now_us));
  BOOST_TEST((row.reason == waiting_reason::following));
  BOOST_TEST(row.not_before_us == now_us + 60 * second_us);
  BOOST_TEST(!row.enumerated);
  row.received = 5;
  BOOST_TEST(goes_on_following(row, 5, now_us + 120 * second_us));
  BOOST_TEST(goes_on_following(row, 6, now_us + 180 * second_us));
  row.received = 6;
  BOOST_TEST(goes_on_following(row, 6, now_us + 359 * second_us));
  BOOST_TEST(!goes_on_following(row, 6, now_us + 360 * second_us));
}

BOOST_AUTO_TEST_CASE(keeps_the_beginning_and_the_end_of_a_long_history) {
  request_row row;
  for (int i = 0; i < 200; ++i) advance(row, state::processing, i, std::to_string(i));
  BOOST_TEST(row.history.size() == most_history_steps);
  BOOST_TEST(row.history.front().reason == "0");
  BOOST_TEST(row.history.back().reason == "199");
}

BOOST_AUTO_TEST_CASE(clears_what_it_waited_for_at_an_end) {
  request_row row;
  row.reason = waiting_reason::retry_later;
  row.not_before_us = 9;
  advance(row, state::cancelled, now_us, "by amy");
  BOOST_TEST((row.reason == waiting_reason::none));
  BOOST_TEST(row.not_before_us == 0);
  BOOST_TEST(row.ended_us == now_us);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::actors
