#include "actors/project_queue.hpp"

#include "tests/actors/queue_site.hpp"

namespace penstock::tests {

BOOST_FIXTURE_TEST_SUITE(project_queue, queue_site)

using state = request_state;
using texts = std::vector<std::string>;

// ---- submission ----

BOOST_AUTO_TEST_CASE(answers_each_item_of_a_submission_by_its_own_outcome) {
  // Without it the PACS would say that there is no such study, and a failed request may be made again.
  study_at_pacs("1.2.1");
  verified_by_search("1.2.9", stranger);
  auto command = submission({"1.2.1", "1.2.1", "1..2", "1.2.9", "1.2.3"});
  command.items[4].pacs = "foreign";
  const auto answer = answer_of(ask<answered>(queue, command));
  BOOST_TEST(outcomes(answer) == (texts{"accepted", "already_requested", "invalid", "not_found", "not_found"}));
  BOOST_TEST(answer["rows"][1]["request"] == answer["rows"][0]["request"]);
  BOOST_TEST(entries("request.scheduled") == 1U);
  BOOST_TEST(outcomes(answer_of(ask<answered>(queue, submission({"1.2.1"})))) == texts{"already_requested"});
}

BOOST_AUTO_TEST_CASE(refuses_who_is_no_member_as_if_there_were_no_project) {
  auto command = submission({"1.2.1"});
  command.who.user = "eve";
  const auto answer = ask<answered>(queue, command);
  BOOST_REQUIRE(!answer.ok());
  BOOST_TEST(answer.error().code == errc::not_found);
}

BOOST_AUTO_TEST_CASE(answers_the_same_operation_again_and_acts_once) {
  const auto command = submission({"1.2.1", "1.2.2"}, "op-1");
  const auto first = answer_of(ask<answered>(queue, command));
  BOOST_TEST(answer_of(ask<answered>(queue, command)) == first);
  kill_queue();
  BOOST_TEST(answer_of(ask<answered>(queue, command)) == first);
  BOOST_TEST(entries("request.scheduled") == 2U);
}

BOOST_AUTO_TEST_CASE(answers_an_operation_that_is_still_being_written_when_it_is_written) {
  const auto command = submission({"1.2.1"}, "op-1");
  auto one = self->request(queue, caf::infinite, command);
  auto other = self->request(queue, caf::infinite, command);
  settle();
  std::vector<std::string> answers;
  const auto keep_answer = [&](const answered& answer) { answers.push_back(answer.json); };
  const auto no_error = [](const caf::error&) { BOOST_ERROR("refused"); };
  one.receive(keep_answer, no_error);
  other.receive(keep_answer, no_error);
  BOOST_REQUIRE_EQUAL(answers.size(), 2U);
  BOOST_TEST(answers[0] == answers[1]);
  BOOST_TEST(entries("request.scheduled") == 1U);
}

// ---- before a permit ----

BOOST_AUTO_TEST_CASE(asks_whose_study_it_is_and_what_it_holds_before_it_is_ready) {
  governor->grants_queries = false;
  prepared("1.2.1");
  BOOST_TEST(request(1).reason == waiting_reason::identity_unverified);
  BOOST_TEST(ready() == 0U);
  governor->grants_queries = true;
  advance(3s);
  BOOST_TEST(request(1).reason == waiting_reason::ready);
  BOOST_TEST(request(1).expected == 2U);
  BOOST_TEST(entries("query.verify") == 1U);
  BOOST_TEST(entries("query.enumerate") == 2U);
  BOOST_TEST(has_row(keys::verified("alz", "gh-rad", dicom_uid{"1.2.1"})));
  BOOST_TEST(ready() == 1U);
}

BOOST_AUTO_TEST_CASE(fails_a_study_of_a_patient_outside_the_cohort_without_a_permit) {
  study_at_pacs("1.2.9", stranger);
  submit({"1.2.9"});
  BOOST_TEST(request(1).state == state::failed);
  BOOST_TEST(pacs->enumerations.size() == 0U);
  BOOST_TEST(ready() == 0U);
  grant();
  BOOST_TEST(pacs->retrievals.size() == 0U);
  BOOST_TEST(!governor->answers.back().started);
}

BOOST_AUTO_TEST_CASE(fails_a_study_that_the_pacs_answers_about_with_another_one) {
  study_at_pacs("1.2.1");
  pacs->studies["1.2.1"][0].values["StudyInstanceUID"] = protected_text{"1.2.2"};
  submit({"1.2.1"});
  BOOST_TEST(request(1).state == state::failed);
}

BOOST_AUTO_TEST_CASE(asks_again_later_when_the_pacs_does_not_answer_a_query) {
  pacs->pacs_problem = "down";
  prepared("1.2.1");
  BOOST_TEST(request(1).state == state::scheduled);
  const auto asked = pacs->queries.size();
  advance(10s);
  BOOST_TEST(pacs->queries.size() == asked);
  pacs->pacs_problem.clear();
  advance(10s);
  BOOST_TEST(ready() == 1U);
}

BOOST_AUTO_TEST_CASE(takes_a_study_that_is_in_the_cache_without_a_permit) {
  study_at_pacs("1.2.1");
  shard->cached["1.2.1"] = pacs->instances["1.2.1"];
  submit({"1.2.1"});
  BOOST_TEST(request(1).state == state::completed);
  BOOST_TEST(has_row(keys::claim("gh-rad", dicom_uid{"1.2.1"}, "alz")));
  BOOST_TEST(usage().at("used") == 200);
  BOOST_TEST(governor->answers.size() == 0U);
  BOOST_TEST(outcomes(answer_of(ask<answered>(queue, submission({"1.2.1"})))) == texts{"already_cached"});
}

// ---- from permit to holding ----

BOOST_AUTO_TEST_CASE(makes_a_start_durable_before_anything_goes_to_the_pacs) {
  prepared("1.2.1");
  // The journal is gone: the start never becomes durable.
  end(journal);
  grant();
  BOOST_TEST(pacs->retrievals.size() == 0U);
}

BOOST_AUTO_TEST_CASE(completes_when_every_expected_instance_is_here) {
  prepared("1.2.1", 3);
  grant();
  BOOST_TEST(request(1).state == state::processing);
  BOOST_TEST(has_row(keys::lease("gh-rad", 101)));
  BOOST_REQUIRE_EQUAL(pacs->retrievals.size(), 1U);
  BOOST_TEST(pacs->retrievals[0].expected.size() == 3U);
  BOOST_TEST(pacs->retrievals[0].patient.patient_id.reveal() == "0000001");
  BOOST_TEST(governor->answers.back().started);
  settle_retrieval(0, 3);
  const auto done = request(1);
  BOOST_TEST(done.state == state::completed);
  BOOST_TEST(done.attempts == 1U);
  BOOST_TEST(done.bytes == 300U);
  BOOST_TEST(governor->over == std::vector<std::uint64_t>{101});
  BOOST_TEST(!has_row(keys::lease("gh-rad", 101)));
  BOOST_TEST(!has_row(keys::processing("alz", 1)));
  const auto holding = row<holding_row>(keys::holding("alz", "gh-rad", dicom_uid{"1.2.1"}));
  BOOST_REQUIRE(holding);
  BOOST_TEST(holding->complete);
  BOOST_TEST(
      row<instance_list>(keys::manifest("alz", "gh-rad", dicom_uid{"1.2.1"}, holding->version))->instances.size() ==
      3U);
}

BOOST_AUTO_TEST_CASE(gives_a_permit_back_when_nothing_is_ready_or_it_is_too_late) {
  grant();
  BOOST_TEST(!governor->answers.back().started);
  prepared("1.2.1");
  governor->send_before_boottime_ns = clocks().boottime_ns();
  grant();
  BOOST_TEST(!governor->answers.back().started);
  BOOST_TEST(request(1).state == state::scheduled);
  BOOST_TEST(pacs->cancels.size() == 1U);
  BOOST_TEST(ready() == 1U);
}

BOOST_AUTO_TEST_CASE(claims_a_permit_only_when_the_association_stands) {
  prepared("1.2.1");
  pacs->preparation_problem = "no connection";
  grant();
  BOOST_TEST(governor->claims.size() == 0U);
  BOOST_TEST(!governor->answers.back().started);
  BOOST_TEST(request(1).state == state::scheduled);
  BOOST_TEST(usage().at("reserved") == 0);
  const auto reason = [this] { return ask<answered>(queue, list_requests{{"amy", ""}, {}})->json; };
  BOOST_TEST(reason().find("no connection") != std::string::npos);
  BOOST_TEST_MESSAGE("the others go first for a while");
  prepared("1.2.2");
  pacs->preparation_problem.clear();
  grant();
  BOOST_TEST(request(2).state == state::processing);
  BOOST_TEST(reason().empty());
  advance(20s);
  grant();
  BOOST_TEST(request(1).state == state::processing);
}

BOOST_AUTO_TEST_CASE(lets_the_association_go_when_the_governor_no_longer_allows_it) {
  prepared("1.2.1");
  governor->refuses_claims = true;
  grant();
  BOOST_TEST(pacs->prepared.size() == 1U);
  BOOST_TEST(pacs->cancels.size() == 1U);
  BOOST_TEST(pacs->retrievals.size() == 0U);
  BOOST_TEST(request(1).state == state::scheduled);
  BOOST_TEST(ready() == 1U);
}

BOOST_AUTO_TEST_CASE(asks_for_as_many_permits_as_the_study_has_series) {
  pacs->series_of_a_study = 40;
  prepared("1.2.1");
  std::vector<std::uint32_t> wanted;
  for (const auto& each : governor->queries) wanted.push_back(each.queries);
  BOOST_TEST(wanted == (std::vector<std::uint32_t>{1, 1, 16, 16, 8}));
  BOOST_TEST(pacs->image_queries == (std::vector<std::size_t>{16, 16, 8}));
  BOOST_TEST(request(1).expected == 2U);
}

BOOST_AUTO_TEST_CASE(counts_no_attempt_for_a_start_that_reached_nobody) {
  prepared("1.2.1");
  grant();
  settle_retrieval(0, 0, outcome_of(false, "not sent in time"));
  BOOST_TEST(request(1).state == state::scheduled);
  BOOST_TEST(request(1).attempts == 0U);
  BOOST_TEST(request(1).reason == waiting_reason::retry_later);
  BOOST_TEST(ready() == 0U);
  advance(5s);
  BOOST_TEST(ready() == 1U);
}

BOOST_AUTO_TEST_CASE(becomes_incomplete_after_the_ladder_and_keeps_what_arrived) {
  prepared("1.2.1", 3);
  for (std::size_t attempt = 1; attempt <= 6; ++attempt) {
    BOOST_TEST_CONTEXT("attempt " << attempt) {
      BOOST_REQUIRE_EQUAL(ready(), 1U);
      grant();
      settle_retrieval(attempt - 1, 2);
      BOOST_TEST(request(1).attempts == attempt);
      BOOST_TEST(request(1).state == (attempt < 6 ? state::scheduled : state::incomplete));
      advance(2h + 10s);
    }
  }
  BOOST_TEST(row<instance_list>(keys::missing("alz", 1))->instances.size() == 1U);
  BOOST_TEST(!row<holding_row>(keys::holding("alz", "gh-rad", dicom_uid{"1.2.1"}))->complete);
  BOOST_TEST(usage().at("used") == 200);
}

BOOST_AUTO_TEST_CASE(lets_the_next_wait_while_the_quota_is_full) {
  // Nothing is known of weights yet: by the estimate of 512 KiB an instance it is larger than all there is.
  change_rules([](conf::rules& rules) { rules.projects["alz"].cache_quota_bytes = 250; });
  prepared("1.2.1");
  BOOST_TEST_MESSAGE("alone it may start: only then is its size known");
  BOOST_TEST(ready() == 1U);
  change_rules([](conf::rules& rules) { rules.projects["alz"].cache_quota_bytes = std::uint64_t{3} << 20; });
  prepared("1.2.2", 5);
  self->send(queue, offer());
  self->send(queue, offer());
  settle();
  BOOST_TEST(pacs->retrievals.size() == 1U);
  BOOST_TEST(request(2).state == state::scheduled);
  settle_retrieval(0, 2);
  grant();
  BOOST_TEST(request(2).state == state::processing);
}

BOOST_AUTO_TEST_CASE(starts_nothing_after_the_approval_has_ended_and_goes_on_when_it_is_extended) {
  prepared("1.2.1");
  const auto last_day = [](unsigned day) {
    return [day](conf::rules& rules) {
      rules.projects["alz"].valid_through =
          std::chrono::year_month_day{std::chrono::year{2026}, std::chrono::month{3}, std::chrono::day{day}};
    };
  };
  change_rules(last_day(10));
  BOOST_TEST(ready() == 0U);
  grant();
  BOOST_TEST(pacs->retrievals.size() == 0U);
  BOOST_TEST(ask<answered>(queue, submission({"1.2.2"})).error().code == errc::project_expired);
  change_rules(last_day(30));
  BOOST_TEST(ready() == 1U);
}

// ---- cancel ----

BOOST_AUTO_TEST_CASE(cancels_what_waits_and_what_runs_and_keeps_what_came) {
  prepared("1.2.1");
  prepared("1.2.2");
  grant();
  BOOST_TEST(cancel(2).at("outcome") == "cancelled");
  BOOST_TEST(pacs->cancels.size() == 0U);
  BOOST_TEST(ready() == 0U);
  BOOST_TEST(cancel(1).at("outcome") == "cancelled");
  BOOST_TEST(pacs->cancels.size() == 1U);
  settle_retrieval(0, 1);
  BOOST_TEST(request(1).state == state::cancelled);
  BOOST_TEST(request(1).received == 1U);
  BOOST_TEST(request(1).failed == 1U);
  BOOST_TEST(governor->over.size() == 1U);
  BOOST_TEST(!has_row(keys::lease("gh-rad", 101)));
  const auto kept = row<holding_row>(keys::holding("alz", "gh-rad", dicom_uid{"1.2.1"}));
  BOOST_REQUIRE(kept);
  BOOST_TEST(kept->instances == 1U);
  BOOST_TEST(!kept->complete);
  BOOST_TEST(cancel(1).at("outcome") == "conflict");
  BOOST_TEST(cancel(7).at("outcome") == "not_found");
}

BOOST_AUTO_TEST_CASE(keeps_a_promised_cancel_when_a_permit_or_an_end_comes_before_it_is_durable) {
  prepared("1.2.1");
  prepared("1.2.2");
  grant();
  caf::anon_send(queue, cancel_requests{{"amy", ""}, {1, 2, 2}});
  self->send(queue, offer());
  auto settled = settled_for(pacs->retrievals.at(0));
  settled.present = std::exchange(settled.missing, {});
  settled.outcome.sent = true;
  pacs->to_settle.emplace_back(0, settled);
  self->send(association_handle, tick{});
  settle();
  BOOST_TEST(request(1).state == state::cancelled);
  BOOST_TEST(request(2).state == state::cancelled);
  BOOST_TEST(pacs->retrievals.size() == 1U);
  BOOST_TEST(entries("request.cancelled", 2) == 1U);
  BOOST_TEST(entries("request.completed") == 0U);
}

// ---- faults ----

BOOST_AUTO_TEST_CASE(completes_exactly_once_wherever_the_queue_is_killed) {
  using step = std::function<void()>;
  study_at_pacs("1.2.1");
  const std::vector<step> steps{[&] { submit({"1.2.1"}); }, [&] { grant(); },
                                [&] { settle_retrieval(pacs->retrievals.size() - 1, 2); }};
  for (const auto& each : steps) {
    each();
    kill_queue();
    advance(5s);
  }
  BOOST_TEST(request(1).state == state::completed);
  BOOST_TEST(entries("request.completed", 1) == 1U);
  BOOST_TEST(pacs->retrievals.size() == 1U);
  BOOST_TEST(usage().at("studies") == 1);
  BOOST_TEST(usage().at("reserved") == 0);
}

/// Kills the queue after so many messages of each part of a request's life.
BOOST_AUTO_TEST_CASE(survives_a_kill_between_any_two_messages) {
  std::uint64_t number = 0;
  const auto kill_after = [&](std::size_t messages) {
    for (std::size_t i = 0; i < messages; ++i) step();
    kill_queue();
    advance(40s);
  };
  const auto check_completed_once = [&] {
    for (int i = 0; i < 4 && request(number).state != state::completed; ++i) {
      grant();
      if (!pacs->retrievals.empty() && pacs->retrievals.back().request == number)
        settle_retrieval(pacs->retrievals.size() - 1, 2);
      advance(5s);
    }
    BOOST_TEST(request(number).state == state::completed);
    BOOST_TEST(entries("request.scheduled", number) == 1U);
    BOOST_TEST(entries("request.completed", number) == 1U);
  };
  for (std::size_t messages = 0; messages < 24; ++messages) {
    for (const auto* part : {"submission", "start", "end"}) {
      BOOST_TEST_CONTEXT("killed after " << messages << " messages of its " << part) {
        const auto uid = "1.2." + std::to_string(100 + ++number);
        study_at_pacs(uid);
        caf::anon_send(queue, submission({uid}, "op-" + uid));
        if (part == std::string{"submission"}) kill_after(messages);
        caf::anon_send(queue, submission({uid}, "op-" + uid));
        advance(3s);
        caf::anon_send(queue, offer());
        if (part == std::string{"start"}) kill_after(messages);
        settle();
        if (part == std::string{"end"}) {
          pacs->to_settle.emplace_back(pacs->retrievals.size() - 1, settled_for(pacs->retrievals.back()));
          std::swap(pacs->to_settle.back().second.present, pacs->to_settle.back().second.missing);
          caf::anon_send(association_handle, tick{});
          kill_after(messages);
        }
        check_completed_once();
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(puts_what_was_processing_back_in_line_when_the_process_was_restarted) {
  prepared("1.2.1");
  grant();
  restart_process();
  BOOST_TEST(request(1).state == state::scheduled);
  BOOST_TEST(request(1).attempts == 0U);
  BOOST_TEST_MESSAGE("its lease is left to the governor's quiet time");
  BOOST_TEST(has_row(keys::lease("gh-rad", 101)));
  advance(5s);
  retrieve_all();
  BOOST_TEST(request(1).state == state::completed);
  BOOST_TEST(entries("request.completed", 1) == 1U);
}

BOOST_AUTO_TEST_CASE(says_again_what_waits_because_a_governor_may_have_been_restarted) {
  prepared("1.2.1");
  const auto every = 2s;  // how often a queue looks
  governor->work.clear();
  advance(every);
  BOOST_TEST(governor->work.size() == 1U);
  BOOST_TEST(ready() == 1U);
  governor->grants_queries = false;
  prepared("1.2.2");
  BOOST_REQUIRE(!governor->queries.empty());
  const auto ticket = governor->queries.back().ticket;
  governor->queries.clear();
  advance(every);
  BOOST_REQUIRE_EQUAL(governor->queries.size(), 1U);
  BOOST_TEST_MESSAGE("under the same ticket, for which a governor keeps one place");
  BOOST_TEST(governor->queries[0].ticket == ticket);
}

// ---- holdings ----

BOOST_AUTO_TEST_CASE(lets_the_bytes_go_with_the_last_claim) {
  prepared("1.2.1");
  retrieve_all();
  auto other = start_queue("ms");
  shard->cached["1.2.1"] = pacs->instances["1.2.1"];
  BOOST_REQUIRE(ask<answered>(other, submission({"1.2.1"})).ok());
  const delete_holdings twice{{"amy", ""}, {dicom_uid{"1.2.1"}, dicom_uid{"1.2.1"}}};
  BOOST_TEST(outcomes(answer_of(ask<answered>(queue, twice))) == (texts{"deleted", "not_found"}));
  BOOST_TEST(usage().at("used") == 0);
  BOOST_TEST(shard->forgotten.size() == 0U);
  BOOST_REQUIRE(ask<answered>(other, twice).ok());
  BOOST_TEST(shard->forgotten.size() == 1U);
  BOOST_TEST(outcomes(answer_of(ask<answered>(queue, twice))) == (texts{"not_found", "not_found"}));
}

BOOST_AUTO_TEST_CASE(passes_on_why_no_permit_comes) {
  self->send(queue, governor_outlook{"gh-rad", "window closed until 19:00:00", 0, {}});
  BOOST_TEST(ask<answered>(queue, list_requests{{"amy", ""}, {}})->json == "window closed until 19:00:00");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
