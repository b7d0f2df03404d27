// What new rules mean for requests and holdings that are there already, and what members do to requests in line.

#include <set>

#include "actors/permit_policy.hpp"
#include "messages/roster.hpp"
#include "storage/codec.hpp"
#include "tests/actors/queue_site.hpp"

namespace penstock::tests {

namespace {

struct changed_site : queue_site {
  /// Jane's study is held, a second one waits.
  void one_held_one_waiting() {
    prepared("1.2.1");
    retrieve_all();
    prepared("1.2.2");
  }
  void withdraw_jane() {
    change_rules([](conf::rules& rules) {
      std::vector<conf::cohort_patient> others{{mrn("0000002"), {}}};
      rules.projects["alz"].patients = std::make_shared<const conf::cohort>(std::move(others), "");
    });
  }
  void take_pacs_away() {
    change_rules([](conf::rules& rules) { rules.projects["alz"].pacs = {"foreign"}; });
  }
  result<download_authorised> authorise(const std::string& study) {
    authorise_download command;
    command.who = {"amy", ""};
    command.studies = {dicom_uid{study}};
    return ask<download_authorised>(queue, command);
  }
  template <class Command>
  std::string change(Command command, const std::string& user = "amy") {
    command.who = {user, "op-" + std::to_string(++last_op)};
    return answer_of(ask<answered>(queue, command)).at("rows").at(0).at("outcome");
  }
  std::string prioritise(std::uint64_t number, request_priority priority) {
    prioritise_requests command;
    command.requests = {number};
    command.priority = priority;
    return change(command);
  }
  json purge_suspended() {
    purge_holdings command;
    command.who = {"ada", "op-" + std::to_string(++last_op)};
    command.suspended = true;
    return answer_of(ask<answered>(queue, command));
  }
  /// The order in which requests are started, one at a time, until none is.
  std::vector<std::uint64_t> order_of_starts() {
    std::vector<std::uint64_t> order;
    for (auto known = pacs->retrievals.size();; known = pacs->retrievals.size()) {
      grant();
      if (pacs->retrievals.size() == known) return order;
      order.push_back(pacs->retrievals.back().request);
    }
  }
  void submit_as(const std::string& user, const std::vector<std::string>& studies) {
    auto command = submission(studies, "submit-" + std::to_string(++last_op));
    command.who.user = user;
    for (const auto& outcome : outcomes(answer_of(ask<answered>(queue, command))))
      BOOST_REQUIRE_EQUAL(outcome, "accepted");
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(project_queue_rules, changed_site)

BOOST_AUTO_TEST_CASE(suspends_what_is_held_of_a_patient_who_was_withdrawn) {
  one_held_one_waiting();
  BOOST_TEST(authorise("1.2.1").ok());
  withdraw_jane();
  BOOST_TEST((authorise("1.2.1").error().code == errc::not_found));
  BOOST_TEST(usage().at("suspended").at("studies") == 1);
  BOOST_TEST(usage().at("studies") == 1);
}

BOOST_AUTO_TEST_CASE(shows_it_again_when_the_patient_comes_back) {
  one_held_one_waiting();
  const auto before = site;
  withdraw_jane();
  change_rules([&](conf::rules& rules) { rules = *before; });
  BOOST_TEST(authorise("1.2.1").ok());
  BOOST_TEST(usage().at("suspended").at("studies") == 0);
}

BOOST_AUTO_TEST_CASE(ends_what_waits_of_a_patient_who_was_withdrawn) {
  one_held_one_waiting();
  withdraw_jane();
  BOOST_TEST(request(2).state == request_state::cancelled);
  BOOST_TEST(request(2).error.find("list of patients") != std::string::npos);
  BOOST_TEST(order_of_starts().empty());
}

BOOST_AUTO_TEST_CASE(stops_what_runs_of_a_patient_who_was_withdrawn_and_then_ends_it) {
  prepared("1.2.1");
  grant();
  withdraw_jane();
  BOOST_REQUIRE(pacs->cancels.size() == 1U);
  auto stopped = outcome_of(true, "cancelled");
  stopped.cancelled = true;
  settle_retrieval(0, 1, stopped);
  advance(3s);
  BOOST_TEST(request(1).state == request_state::cancelled);
}

BOOST_AUTO_TEST_CASE(suspends_and_ends_what_is_of_a_pacs_that_was_taken_away) {
  one_held_one_waiting();
  take_pacs_away();
  BOOST_TEST((authorise("1.2.1").error().code == errc::not_found));
  BOOST_TEST(request(2).state == request_state::cancelled);
}

BOOST_AUTO_TEST_CASE(stops_what_runs_when_the_project_expires_and_goes_on_when_it_is_extended) {
  prepared("1.2.1");
  grant();
  const auto ends = [](int day) {
    return [day](conf::rules& rules) {
      rules.projects["alz"].valid_through = std::chrono::year_month_day{std::chrono::year{2026}, std::chrono::month{3},
                                                                        std::chrono::day{static_cast<unsigned>(day)}};
    };
  };
  change_rules(ends(10));
  BOOST_REQUIRE(pacs->cancels.size() == 1U);
  auto stopped = outcome_of(true, "cancelled");
  stopped.cancelled = true;
  settle_retrieval(0, 0, stopped);
  BOOST_TEST(request(1).state == request_state::scheduled);
  BOOST_TEST(request(1).attempts == 0U);
  BOOST_TEST(order_of_starts().empty());
  change_rules(ends(31));
  advance(3s);
  BOOST_TEST(order_of_starts().size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_administrator_purges_what_is_suspended_and_nothing_else) {
  one_held_one_waiting();
  BOOST_TEST(purge_suspended().at("rows").empty());
  withdraw_jane();
  const auto rows = purge_suspended().at("rows");
  BOOST_REQUIRE(rows.size() == 1U);
  BOOST_TEST(rows[0].at("outcome") == "deleted");
  BOOST_TEST(entries("holding.purged") == 1U);
  BOOST_TEST(usage().at("studies") == 0);
  BOOST_TEST(usage().at("suspended").at("studies") == 0);
}

BOOST_AUTO_TEST_CASE(an_administrator_purges_what_a_project_holds_that_is_no_longer_in_the_rules) {
  one_held_one_waiting();
  change_rules([](conf::rules& rules) { rules.projects.erase("alz"); });
  restart_process();
  BOOST_TEST(purge_suspended().at("rows").size() == 1U);
  BOOST_TEST(entries("holding.purged") == 1U);
  BOOST_TEST(rows_under(keys::holdings_of("alz")) == 0U);
  BOOST_TEST(shard->forgotten.size() == 1U);
}

BOOST_AUTO_TEST_CASE(lets_go_of_the_lease_of_a_cancelled_retrieval_when_it_is_started_again) {
  prepared("1.2.1");
  prepared("1.2.2");
  grant();
  grant();
  storage::row_batch batch;
  for (const auto& each : pacs->retrievals)
    batch.put(storage::column::rows, keys::lease("gh-rad", each.permit),
              storage::encode(actors::lease{each.permit, "alz"}));
  BOOST_REQUIRE(core->commit(batch).ok());
  cancel(1);
  kill_queue();
  const std::vector<std::uint64_t> expected{pacs->retrievals.at(0).permit};
  BOOST_REQUIRE(governor->over == expected);
  BOOST_TEST(!governor->known_over.back());
}

BOOST_AUTO_TEST_CASE(asks_no_pacs_when_the_patient_is_withdrawn_while_the_query_is_written) {
  governor->grants_queries = false;
  study_at_pacs("1.2.1");
  verified_by_search("1.2.1");
  submit({"1.2.1"});
  self->send(queue, query_granted{governor->queries.at(0).ticket, "gh-rad", 1, {}});
  withdraw_jane();
  BOOST_TEST(entries("query.enumerate") == 1U);
  BOOST_TEST(pacs->enumerations.empty());
}

BOOST_AUTO_TEST_CASE(tells_what_proposed_rules_would_stop_and_suspend) {
  one_held_one_waiting();
  auto proposed = std::make_shared<conf::rules>(*site);
  BOOST_TEST(ask<answered>(queue, weigh_rules{proposed})->json == "{}");
  proposed->projects["alz"].members.clear();
  proposed->projects["alz"].pacs = {"foreign"};
  const auto felt = json::parse(ask<answered>(queue, weigh_rules{proposed})->json);
  BOOST_TEST(felt.at("requests_stopped") == 1);
  BOOST_TEST(felt.at("requests_of_leaving_members") == 1);
  BOOST_TEST(felt.at("holdings_suspended") == 1);
  BOOST_TEST(felt.at("leaving") == json::array({"amy"}));
  BOOST_TEST(request(2).state == request_state::scheduled);
}

BOOST_AUTO_TEST_CASE(lets_users_take_turns) {
  change_rules([](conf::rules& rules) {
    auto raj = rules.users.at("amy");
    raj.id = "raj";
    rules.users["raj"] = raj;
    rules.projects["alz"].members = {"amy", "raj"};
  });
  for (int i = 1; i <= 6; ++i) study_at_pacs("1.2." + std::to_string(i));
  submit_as("amy", {"1.2.1", "1.2.2", "1.2.3", "1.2.4"});
  submit_as("raj", {"1.2.5", "1.2.6"});
  BOOST_TEST(order_of_starts() == (std::vector<std::uint64_t>{1, 5, 2, 6, 3, 4}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(starts_high_priority_first) {
  for (int i = 1; i <= 3; ++i) study_at_pacs("1.2." + std::to_string(i));
  submit({"1.2.1", "1.2.2", "1.2.3"});
  BOOST_TEST(prioritise(3, request_priority::high) == "prioritised");
  BOOST_TEST(prioritise(3, request_priority::high) == "conflict");
  BOOST_TEST(prioritise(1, request_priority::low) == "prioritised");
  BOOST_TEST(rows_under(keys::waiting_of("alz")) == 3U);
  BOOST_TEST(order_of_starts() == (std::vector<std::uint64_t>{3, 2, 1}), boost::test_tools::per_element());
  BOOST_TEST(prioritise(3, request_priority::low) == "conflict");
}

BOOST_AUTO_TEST_CASE(keeps_the_order_of_priorities_over_a_restart) {
  for (int i = 1; i <= 3; ++i) study_at_pacs("1.2." + std::to_string(i));
  submit({"1.2.1", "1.2.2", "1.2.3"});
  BOOST_TEST(prioritise(2, request_priority::high) == "prioritised");
  restart_process();
  advance(3s);
  BOOST_TEST(order_of_starts() == (std::vector<std::uint64_t>{2, 1, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(retries_what_was_cancelled_and_clears_what_has_ended) {
  prepared("1.2.1");
  BOOST_TEST(change(retry_requests{{}, {1}}) == "conflict");
  BOOST_TEST(change(delete_requests{{}, {1}}) == "conflict");
  cancel(1);
  BOOST_TEST(change(retry_requests{{}, {1}}) == "scheduled");
  retrieve_all();
  BOOST_TEST(request(1).state == request_state::completed);
  BOOST_TEST(change(delete_requests{{}, {1}}) == "deleted");
  BOOST_TEST(!has_row(keys::request("alz", 1)));
  BOOST_TEST(usage().at("studies") == 1);
  BOOST_TEST(change(delete_requests{{}, {1}}) == "not_found");
}

BOOST_AUTO_TEST_CASE(ends_the_lease_of_a_cancelled_retrieval_though_its_request_is_gone_or_in_line_again) {
  prepared("1.2.1");
  prepared("1.2.2");
  grant();
  grant();
  cancel(1);
  cancel(2);
  BOOST_TEST(change(delete_requests{{}, {1}}) == "deleted");
  BOOST_TEST(change(retry_requests{{}, {2}}) == "scheduled");
  BOOST_TEST(governor->over.empty());
  auto stopped = outcome_of(true, "cancelled");
  stopped.cancelled = true;
  settle_retrieval(0, 0, stopped);
  settle_retrieval(1, 0, stopped);
  BOOST_TEST(governor->over.size() == 2U);
  BOOST_TEST(request(2).state == request_state::scheduled);
}

BOOST_AUTO_TEST_CASE(keeps_the_lease_of_a_cancelled_retrieval_that_nobody_knows_to_be_over) {
  prepared("1.2.1");
  grant();
  cancel(1);
  auto unknown = outcome_of(true, "the association died");
  unknown.known = false;
  const auto ended = entries("retrieval.ended");
  settle_retrieval(0, 0, unknown);
  BOOST_TEST(entries("retrieval.ended") == ended + 1);
  BOOST_TEST(governor->known_over.back() == false);
}

BOOST_AUTO_TEST_CASE(does_not_put_a_request_in_line_twice_that_is_just_being_prepared) {
  pacs->holds_queries = true;
  study_at_pacs("1.2.1");
  submit({"1.2.1"});
  cancel(1);
  BOOST_TEST(change(retry_requests{{}, {1}}) == "conflict");
  BOOST_TEST(rows_under(keys::waiting_of("alz")) == 0U);
}

BOOST_AUTO_TEST_CASE(refuses_to_retry_while_another_request_for_the_study_waits) {
  prepared("1.2.1");
  cancel(1);
  submit({"1.2.1"});
  BOOST_TEST(change(retry_requests{{}, {1}}) == "conflict");
}

BOOST_AUTO_TEST_CASE(whenever_a_patient_is_withdrawn_during_a_start_the_retrieval_is_let_go) {
  const auto before = site;
  for (int steps = 0; steps < 25; ++steps) {
    BOOST_TEST_CONTEXT("after " << steps << " messages") {
      change_rules([&](conf::rules& rules) { rules = *before; });
      prepared("1.2." + std::to_string(steps + 1));
      const auto sent = pacs->retrievals.size();
      pacs->cancels.clear();
      self->send(queue, offer());
      for (int i = 0; i < steps; ++i) step();
      withdraw_jane();
      if (pacs->retrievals.size() == sent) continue;
      BOOST_REQUIRE(!pacs->cancels.empty());
      BOOST_TEST(pacs->cancels[0].request == pacs->retrievals.back().request);
      auto stopped = outcome_of(false, "cancelled before it was sent");
      stopped.cancelled = true;
      settle_retrieval(sent, 0, stopped);
      advance(3s);
      BOOST_TEST(request(static_cast<std::uint64_t>(steps) + 1).state == request_state::cancelled);
    }
  }
}

BOOST_AUTO_TEST_CASE(whenever_a_patient_is_withdrawn_while_a_study_is_taken_over_nobody_gets_it) {
  const auto before = site;
  std::set<bool> was_held;
  for (int steps = 0; steps < 60; ++steps) {
    BOOST_TEST_CONTEXT("after " << steps << " messages") {
      change_rules([&](conf::rules& rules) { rules = *before; });
      const auto study = "1.3." + std::to_string(steps + 1);
      study_at_pacs(study);
      shard->cached[study] = pacs->instances[study];
      self->send(queue, submission({study}, "taken-" + std::to_string(steps)));
      for (int i = 0; i < steps; ++i) step();
      was_held.insert(has_row(keys::holding("alz", "gh-rad", dicom_uid{study})));
      withdraw_jane();
      advance(3s);
      BOOST_TEST(!authorise(study).ok());
      BOOST_TEST(pacs->retrievals.empty());
    }
  }
  BOOST_TEST(was_held.size() == 2U);
}

BOOST_AUTO_TEST_CASE(counts_once_a_study_that_a_command_names_twice) {
  one_held_one_waiting();
  delete_holdings twice;
  twice.who = {"amy", "twice"};
  twice.studies = {dicom_uid{"1.2.1"}, dicom_uid{"1.2.1"}};
  BOOST_TEST((outcomes(answer_of(ask<answered>(queue, twice))) == std::vector<std::string>{"deleted", "not_found"}));
  BOOST_TEST(usage().at("studies") == 0);
  BOOST_TEST(usage().at("used") == 0);
  BOOST_TEST(entries("holding.deleted") == 1U);
}

BOOST_AUTO_TEST_CASE(refuses_a_deletion_of_more_than_the_journal_takes_at_once) {
  storage::row_batch batch;
  purge_holdings command;
  command.who = {"ada", "very-many"};
  holding_row held;
  held.project = "alz";
  held.pacs = "gh-rad";
  held.patient = jane;
  for (int i = 0; i < 4'501; ++i) {
    held.study = dicom_uid{"1.9." + std::to_string(i)};
    batch.put(storage::column::rows, keys::holding("alz", "gh-rad", held.study), storage::encode(held));
    command.studies.push_back(held.study);
  }
  BOOST_REQUIRE(core->commit(batch).ok());
  BOOST_TEST((ask<answered>(queue, command).error().code == errc::too_large));
  BOOST_TEST(rows_under(keys::holdings_of("alz")) == 4'501U);
  command.studies.pop_back();
  command.who.op = "one-less";
  BOOST_TEST(ask<answered>(queue, command).ok());
  BOOST_TEST(rows_under(keys::holdings_of("alz")) == 1U);
}

BOOST_AUTO_TEST_CASE(tells_members_before_the_approval_ends) {
  BOOST_TEST(entries("project.notice") == 0U);
  advance(3s);  // 20 days ahead
  BOOST_TEST(entries("project.notice") == 1U);
  advance(600s);
  BOOST_TEST(entries("project.notice") == 1U);
}

BOOST_AUTO_TEST_CASE(gives_up_what_the_cache_has_lost_and_fetches_it_again_on_a_retry) {
  prepared("1.2.1");
  retrieve_all();
  const auto key = keys::holding("alz", "gh-rad", dicom_uid{"1.2.1"});
  const auto held = storage::read_row<holding_row>(*core, key, "holding");
  self->send(queue, holding_damaged{"gh-rad", dicom_uid{"1.2.1"}, (**held).version, 1, true});
  settle();
  BOOST_TEST(request(1).state == request_state::failed);
  BOOST_TEST(request(1).error.starts_with("cache_lost"));
  BOOST_TEST(usage().at("studies") == 0);
  BOOST_TEST(authorise("1.2.1").error().code == errc::not_found);
  retry_requests retry;
  retry.requests = {1};
  BOOST_TEST(change(retry) == "scheduled");
  retrieve_all();
  BOOST_TEST(request(1).state == request_state::completed);
  BOOST_TEST(usage().at("studies") == 1);
}

BOOST_AUTO_TEST_CASE(keeps_the_claim_on_what_may_return_and_fetches_it_again_on_a_retry) {
  prepared("1.2.1");
  retrieve_all();
  const auto key = keys::holding("alz", "gh-rad", dicom_uid{"1.2.1"});
  const auto held = storage::read_row<holding_row>(*core, key, "holding");
  for (int told = 0; told < 2; ++told) self->send(queue, holding_damaged{"gh-rad", dicom_uid{"1.2.1"}, 1, 2});
  settle();
  BOOST_TEST(request(1).state == request_state::failed);
  BOOST_TEST(request(1).error.starts_with("cache_lost"));
  BOOST_TEST(rows_under(keys::claims_on("gh-rad", dicom_uid{"1.2.1"})) == 1U);
  BOOST_TEST(usage().at("used") == (**held).bytes);
  BOOST_TEST(!(**storage::read_row<holding_row>(*core, key, "holding")).complete);
  BOOST_TEST(entries("holding.damaged") == 1U);
  BOOST_TEST(entries("request.failed") == 1U);
  retry_requests retry;
  retry.requests = {1};
  BOOST_TEST(change(retry) == "scheduled");
  retrieve_all();
  BOOST_TEST(request(1).state == request_state::completed);
  BOOST_TEST(usage().at("studies") == 1);
  BOOST_TEST(usage().at("used") == (**held).bytes);
}

/// However the two cross, step by step.
BOOST_AUTO_TEST_CASE(does_not_end_a_version_that_is_just_settling) {
  auto& scheduler = dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
  std::uint64_t number = 0;
  for (int steps = 0; steps < 12; ++steps) {
    const auto uid = "1.2." + std::to_string(++number);
    prepared(uid);
    retrieve_all();
    const auto key = keys::holding("alz", "gh-rad", dicom_uid{uid});
    const auto version = (**storage::read_row<holding_row>(*core, key, "holding")).version;
    retry_requests retry;
    retry.requests = {number};
    BOOST_REQUIRE(change(retry) == "scheduled");
    grant();
    const auto& order = pacs->retrievals.back();
    auto settled = settled_for(order);
    settled.present = std::exchange(settled.missing, {});
    settled.bytes = 2 * shard->bytes_of_an_instance;
    settled.outcome = outcome_of(true);
    pacs->to_settle.emplace_back(pacs->retrievals.size() - 1, settled);
    self->send(association_handle, tick{});
    for (int i = 0; i < steps; ++i) scheduler.try_run_once();
    self->send(queue, holding_damaged{"gh-rad", dicom_uid{uid}, version, 1, true});
    settle();
    BOOST_TEST_CONTEXT(steps << " steps") {
      BOOST_TEST(request(number).state == request_state::completed);
      BOOST_TEST((*storage::read_row<holding_row>(*core, key, "holding")).has_value());
      BOOST_TEST(usage().at("studies") == number);
      BOOST_TEST(usage().at("used") == number * settled.bytes);
    }
  }
}

BOOST_AUTO_TEST_CASE(keeps_a_newer_version_when_an_older_one_is_told_lost) {
  prepared("1.2.1");
  retrieve_all();
  self->send(queue, holding_damaged{"gh-rad", dicom_uid{"1.2.1"}, 999, 1});
  settle();
  BOOST_TEST(request(1).state == request_state::completed);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
