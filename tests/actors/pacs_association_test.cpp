#include "actors/pacs_association.hpp"

#include <map>

#include "storage/dimse_channel.hpp"
#include "tests/actors/mock_actors.hpp"
#include "tests/actors/site_of_tests.hpp"

#include <boost/test/unit_test.hpp>

namespace penstock::tests {

using namespace std::chrono_literals;

namespace {

struct dimse_log {
  std::vector<start_dimse> started;
  std::vector<start_dimse> asked_by_get;
  std::vector<tell_dimse> told;
  std::vector<std::uint64_t> stopped;
  std::vector<std::string> disowned;
  std::vector<expect_arrivals> expected;
  std::vector<stop_arrivals> closed;
  dimse_owner_actor owner;
  bool refuses_arrivals = false;
};

dimse_port_actor::behavior_type mock_port(dimse_port_actor::pointer self, std::shared_ptr<dimse_log> log) {
  return {[=](const start_dimse& start) {
            log->started.push_back(start);
            log->owner = caf::actor_cast<dimse_owner_actor>(self->current_sender());
          },
          [=](const tell_dimse& tell) { log->told.push_back(tell); },
          [=](const stop_dimse& stop) { log->stopped.push_back(stop.ticket); },
          [=](const disown_dimse& disown) {
            log->disowned.push_back(disown.owner);
            log->owner = caf::actor_cast<dimse_owner_actor>(self->current_sender());
          },
          [=](const describe_actor&) { return answered{"{}"}; }};
}

dicom_listener_actor::behavior_type mock_listener(dicom_listener_actor::pointer self, std::shared_ptr<dimse_log> log) {
  return {[=](const expect_arrivals& arrivals) -> caf::result<arrivals_expected> {
            if (log->refuses_arrivals) return to_caf({errc::no_space, "disk full"});
            log->expected.push_back(arrivals);
            return arrivals_expected{arrivals.ticket};
          },
          [=](const stop_arrivals& stop) {
            log->closed.push_back(stop);
            return arrivals_stopped{stop.ticket, {"stem-1.part"}};
          },
          [=](const start_dimse& start) {
            log->asked_by_get.push_back(start);
            log->owner = caf::actor_cast<dimse_owner_actor>(self->current_sender());
          },
          [=](const tell_dimse& tell) { log->told.push_back(tell); },
          [=](const stop_dimse& stop) { log->stopped.push_back(stop.ticket); },
          [=](const disown_dimse&) {},
          [](const rules_published&) {},
          [=](const describe_actor&) { return answered{"{}"}; }};
}

struct association_world : sim_world {
  std::shared_ptr<dimse_log> dimse = std::make_shared<dimse_log>();
  std::shared_ptr<governor_log> governor = std::make_shared<governor_log>();
  std::shared_ptr<shard_log> shard = std::make_shared<shard_log>();
  std::shared_ptr<sink_log> heard = std::make_shared<sink_log>();
  clock::time_point begin = now();
  pacs_association_actor association = start();

  ~association_world() { dimse->owner = nullptr; }

  [[nodiscard]] std::int64_t boottime_ns() const {
    return 1'000'000'000'000 + std::chrono::nanoseconds{now() - begin}.count();
  }

  pacs_association_actor start() {
    actors::pacs_association_options options;
    options.pacs = "gh-rad";
    options.rules = std::make_shared<conf::rules>(site_of_tests());
    options.port = spawn_function(mock_port, dimse);
    options.listener = spawn_function(mock_listener, dimse);
    options.governor = spawn_function(mock_governor, governor);
    options.shards = {spawn_function(mock_shard, shard)};
    options.sink = spawn_function(mock_sink, heard);
    options.clocks.boottime_ns = [world = static_cast<sim_world*>(this), from = begin] {
      return 1'000'000'000'000 + std::chrono::nanoseconds{world->now() - from}.count();
    };
    auto started = keep(actors::start_pacs_association(sys, std::move(options), nullptr));
    settle();
    return started;
  }

  template <class Change>
  void change_rules(Change change) {
    auto rules = std::make_shared<conf::rules>(site_of_tests());
    change(rules->pacs["gh-rad"]);
    self->send(association, rules_published{rules, nullptr});
  }
  /// The child of that ticket, or of the newest, says something.
  template <messages::described T>
  void child_says(const T& message, std::uint64_t ticket = 0) {
    if (ticket == 0) ticket = dimse->started.back().ticket;
    self->send(dimse->owner, dimse_reported{ticket, storage::encode_dimse(message)});
    settle();
  }
  void row(std::uint32_t query, const std::string& keyword, const std::string& value) {
    find_row found;
    found.query = query;
    found.attributes[keyword] = protected_text{value};
    child_says(found);
  }
  void find_ends(std::uint32_t queries = 1) {
    for (std::uint32_t i = 0; i < queries; ++i) child_says(find_done{i, 0, 1, false});
    child_says(find_ended{peer_outcome::answered, queries, ""});
  }

  retrieve_study command(std::size_t instances = 2) const {
    retrieve_study wanted;
    wanted.project = "alz";
    wanted.request = 1;
    wanted.permit = 7;
    wanted.study = dicom_uid{"1.2.3"};
    wanted.patient = jane;
    for (std::size_t i = 1; i <= instances; ++i) wanted.expected.push_back(dicom_uid{"1.2.3." + std::to_string(i)});
    wanted.send_before_boottime_ns = boottime_ns() + 1'000'000'000;
    return wanted;
  }
  auto prepare(std::size_t instances = 2) {
    auto pending = self->request(association, caf::infinite, prepare_retrieval{command(instances)});
    settle();
    return pending;
  }
  auto retrieve(std::size_t instances = 2) {
    auto ready_to_send = prepare(instances);
    child_says(ready{5});
    ready_to_send.receive([](const retrieval_prepared& done) { BOOST_TEST(done.permit == 7U); },
                          [](const caf::error&) { BOOST_ERROR("not prepared"); });
    auto pending = self->request(association, caf::infinite, command(instances));
    settle();
    return pending;
  }
  void arrive(std::uint64_t instances, std::uint64_t open = 0) {
    self->send(dimse->owner, instances_arrived{dimse->started.back().ticket, instances, 100, 0, open});
    settle();
  }
  void move_ends(std::uint32_t status = 0, peer_outcome outcome = peer_outcome::answered) {
    move_done done;
    done.outcome = outcome;
    done.sent = true;
    done.dimse_status = status;
    child_says(done);
    self->send(dimse->owner, dimse_ended{dimse->started.back().ticket, ""});
    settle();
  }
  template <class Pending>
  study_settled settled(Pending& pending) {
    BOOST_REQUIRE(self->has_next_message());
    study_settled end;
    pending.receive([&](study_settled& got) { end = std::move(got); },
                    [](const caf::error& problem) { BOOST_ERROR(from_caf(problem, "retrieve").text()); });
    return end;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(pacs_association, association_world)

// ---- queries ----

BOOST_AUTO_TEST_CASE(answers_a_query_with_the_rows_of_its_child) {
  run_query query{"STUDY", {{"PatientID", protected_text{"0000001"}}}, {"StudyInstanceUID"}, 10};
  auto pending = self->request(association, caf::infinite, query);
  settle();
  BOOST_REQUIRE_EQUAL(dimse->started.size(), 1U);
  const auto job = storage::decode_dimse<find_job>(dimse->started[0].job);
  BOOST_REQUIRE(job.ok());
  BOOST_TEST(job->queries.at(0).max_rows == 10U);
  row(0, "StudyInstanceUID", "1.2.3");
  row(7, "StudyInstanceUID", "of no query");
  find_ends();
  pending.receive([](const query_answered& answer) { BOOST_TEST(answer.rows.size() == 1U); },
                  [](const caf::error&) { BOOST_ERROR("refused"); });
}

BOOST_AUTO_TEST_CASE(lets_the_listener_run_what_asks_by_get) {
  change_rules([](conf::pacs& pacs) { pacs.retrieve = conf::retrieve_method::get; });
  static_cast<void>(prepare());
  BOOST_TEST(dimse->started.empty());
  BOOST_REQUIRE_EQUAL(dimse->asked_by_get.size(), 1U);
  const auto job = storage::decode_dimse<move_job>(dimse->asked_by_get[0].job);
  BOOST_TEST((job.ok() && job->get && check(*job).ok()));
}

BOOST_AUTO_TEST_CASE(fails_a_query_that_the_pacs_cannot_answer_or_that_loses_its_child) {
  const run_query query{"STUDY", {{"PatientID", protected_text{"0000001"}}}, {}, 10};
  const auto refused = [](const query_answered&) { BOOST_ERROR("answered"); };
  const auto fails_with = [](errc code) {
    return [code](const caf::error& problem) { BOOST_TEST((from_caf(problem, "").code == code)); };
  };
  auto one = self->request(association, caf::infinite, query);
  settle();
  child_says(find_done{0, 0xa900, 0, false});
  child_says(find_ended{peer_outcome::answered, 1, ""});
  one.receive(refused, fails_with(errc::bad_request));
  auto busy = self->request(association, caf::infinite, query);
  settle();
  child_says(find_done{0, 0xa700, 0, false});
  child_says(find_ended{peer_outcome::answered, 1, ""});
  busy.receive(refused, fails_with(errc::conflict));
  auto two = self->request(association, caf::infinite, query);
  settle();
  self->send(dimse->owner, dimse_ended{dimse->started.back().ticket, "killed"});
  settle();
  two.receive(refused, fails_with(errc::pacs_unavailable));
}

BOOST_AUTO_TEST_CASE(lists_the_series_of_a_study_and_then_their_images) {
  auto pending = self->request(association, caf::infinite, list_series{dicom_uid{"1.2.3"}, {}});
  settle();
  row(0, "SeriesInstanceUID", "1.2.3.1");
  row(0, "SeriesInstanceUID", "1.2.3.2");
  find_ends();
  series_listed listed;
  pending.receive([&](const series_listed& found) { listed = found; },
                  [](const caf::error&) { BOOST_ERROR("refused"); });
  BOOST_TEST(listed.series.size() == 2U);
  BOOST_TEST(!listed.truncated);
  auto next = self->request(association, caf::infinite, list_images{dicom_uid{"1.2.3"}, listed.series});
  settle();
  BOOST_REQUIRE_EQUAL(dimse->started.size(), 2U);
  const auto images = storage::decode_dimse<find_job>(dimse->started[1].job);
  BOOST_REQUIRE_EQUAL(images->queries.size(), 2U);
  BOOST_TEST(images->queries[1].level == "IMAGE");
  BOOST_TEST(images->queries[1].keys.at("SeriesInstanceUID").reveal() == "1.2.3.2");
  row(0, "SOPInstanceUID", "1.2.3.1.1");
  row(1, "SOPInstanceUID", "1.2.3.2.1");
  child_says(find_done{0, 0, 1, false});
  child_says(find_done{1, 0, 1, true});
  child_says(find_ended{peer_outcome::answered, 2, ""});
  next.receive(
      [](const images_listed& found) {
        BOOST_TEST(found.instances.size() == 2U);
        BOOST_TEST(found.truncated);
      },
      [](const caf::error&) { BOOST_ERROR("refused"); });
}

BOOST_AUTO_TEST_CASE(lists_images_of_no_more_series_than_one_association_may_be_asked_about) {
  const std::vector<dicom_uid> many(most_dimse_queries + 1, dicom_uid{"1.2.3.1"});
  const auto refused = ask<images_listed>(association, list_images{dicom_uid{"1.2.3"}, many});
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == errc::too_large));
}

BOOST_AUTO_TEST_CASE(has_few_children_for_queries_at_a_time_and_refuses_what_does_not_fit_the_line) {
  const run_query query{"STUDY", {{"PatientID", protected_text{"0000001"}}}, {}, 10};
  for (int i = 0; i < 4 + 1024; ++i) caf::anon_send(association, query);
  settle();
  BOOST_TEST(dimse->started.size() == 4U);
  const auto refused = ask<query_answered>(association, query);
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == errc::rate_limited));
  find_ends();
  BOOST_TEST(dimse->started.size() == 5U);
}

BOOST_AUTO_TEST_CASE(tells_the_governor_when_the_pacs_goes_and_comes_back) {
  auto pending = self->request(association, caf::infinite, echo_pacs{"test"});
  settle();
  child_says(echo_done{peer_outcome::unreachable, 0, 5, "no connection"});
  pending.receive([](const echo_answered& echo) { BOOST_TEST(!echo.reached); },
                  [](const caf::error&) { BOOST_ERROR("refused"); });
  BOOST_REQUIRE_EQUAL(governor->reachability.size(), 1U);
  BOOST_TEST(!governor->reachability[0].reachable);
  for (int i = 0; i < 2; ++i) {
    auto again = self->request(association, caf::infinite, echo_pacs{"test"});
    settle();
    child_says(echo_done{peer_outcome::answered, 0, 5, ""});
    again.receive([](const echo_answered& echo) { BOOST_TEST(echo.reached); },
                  [](const caf::error&) { BOOST_ERROR("refused"); });
  }
  BOOST_REQUIRE_EQUAL(governor->reachability.size(), 2U);
  BOOST_TEST(governor->reachability[1].reachable);
}

// ---- retrievals ----

BOOST_AUTO_TEST_CASE(tells_a_pacs_to_stop_that_has_sent_everything_and_finds_no_end) {
  auto pending = retrieve();
  child_says(move_sent{1});
  arrive(2);
  advance(29s);
  child_says(move_progress{0, 2, 0, 0});
  BOOST_TEST(dimse->stopped.empty());
  advance(3s);
  BOOST_TEST(dimse->stopped.size() == 1U);
  move_ends(0xfe00);
  advance(1s);
  const auto end = settled(pending);
  BOOST_TEST(!end.outcome.cancelled);
}

BOOST_AUTO_TEST_CASE(expects_arrivals_before_it_asks_and_hands_the_parts_to_the_shard) {
  auto pending = retrieve();
  BOOST_REQUIRE_EQUAL(dimse->expected.size(), 1U);
  BOOST_TEST(dimse->expected[0].directory == "/packs");
  BOOST_TEST(dimse->expected[0].patient.patient_id.reveal() == "0000001");
  const auto job = storage::decode_dimse<move_job>(dimse->started.at(0).job);
  BOOST_REQUIRE(job.ok());
  BOOST_TEST(job->study_uid.reveal() == "1.2.3");
  BOOST_TEST(job->wait_for_go);
  BOOST_REQUIRE_EQUAL(dimse->told.size(), 1U);
  BOOST_TEST(storage::decode_dimse<go>(dimse->told[0].message)->send_before_boottime_ns > boottime_ns());
  child_says(move_sent{1});
  arrive(2);
  advance(300ms);
  BOOST_TEST(dimse->told.size() == 2U);
  BOOST_REQUIRE(!heard->transient.empty());
  BOOST_TEST(heard->transient.back().topic == "p/alz/progress");
  move_ends();
  const auto end = settled(pending);
  BOOST_TEST(end.permit == 7U);
  BOOST_TEST(end.outcome.sent);
  BOOST_REQUIRE_EQUAL(shard->settled.size(), 1U);
  BOOST_TEST(shard->settled[0].parts.size() == 1U);
  BOOST_TEST(shard->settled[0].expected.size() == 2U);
}

BOOST_AUTO_TEST_CASE(waits_for_objects_that_come_after_the_final_response) {
  auto pending = retrieve();
  arrive(1);
  move_ends();
  advance(29s);
  BOOST_TEST(shard->settled.empty());
  arrive(1);
  const auto end = settled(pending);
  BOOST_TEST(end.outcome.problem.empty());
}

BOOST_AUTO_TEST_CASE(waits_for_late_objects_no_longer_than_lease_quiet) {
  auto pending = retrieve();
  arrive(1);
  move_ends();
  advance(31s);
  settled(pending);
  BOOST_TEST(shard->settled.size() == 1U);
}

BOOST_AUTO_TEST_CASE(ends_soon_after_a_failure_status_and_passes_it_on) {
  auto pending = retrieve();
  move_ends(0xa702);
  advance(2s);
  BOOST_TEST(shard->settled.empty());
  advance(2s);
  BOOST_TEST(settled(pending).outcome.dimse_status == 0xa702U);
}

BOOST_AUTO_TEST_CASE(ends_soon_after_its_child_was_lost) {
  auto pending = retrieve();
  child_says(move_sent{1});
  self->send(dimse->owner, dimse_ended{dimse->started.back().ticket, "killed by signal 9"});
  advance(4s);
  const auto end = settled(pending);
  BOOST_TEST(end.outcome.sent);
  BOOST_TEST(end.outcome.problem.find("signal 9") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(stops_the_child_of_a_retrieval_that_is_cancelled) {
  auto pending = retrieve();
  self->send(association, cancel_retrieval{"alz", 2});
  settle();
  BOOST_TEST(dimse->stopped.empty());
  self->send(association, cancel_retrieval{"alz", 1});
  settle();
  BOOST_REQUIRE_EQUAL(dimse->stopped.size(), 1U);
  move_ends(0xfe00, peer_outcome::stopped);
  advance(4s);
  BOOST_TEST(settled(pending).outcome.cancelled);
}

BOOST_AUTO_TEST_CASE(prepares_nothing_when_arrivals_are_refused) {
  dimse->refuses_arrivals = true;
  const auto refused = ask<retrieval_prepared>(association, prepare_retrieval{command()});
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == errc::no_space));
  BOOST_TEST(dimse->started.empty());
}

BOOST_AUTO_TEST_CASE(prepares_nothing_when_the_pacs_does_not_accept_the_association) {
  auto pending = prepare();
  move_done failed;
  failed.outcome = peer_outcome::unreachable;
  failed.problem = "no connection";
  child_says(failed);
  BOOST_REQUIRE(self->has_next_message());
  pending.receive([](const retrieval_prepared&) { BOOST_ERROR("prepared"); },
                  [](const caf::error& problem) {
                    BOOST_TEST(from_caf(problem, "").text().find("no connection") != std::string::npos);
                  });
  BOOST_TEST(dimse->closed.size() == 1U);
  BOOST_REQUIRE_EQUAL(governor->reachability.size(), 1U);
  BOOST_TEST(!governor->reachability[0].reachable);
}

BOOST_AUTO_TEST_CASE(sends_nothing_when_the_order_is_late_or_the_association_is_gone) {
  [[maybe_unused]] auto pending = prepare();
  child_says(ready{5});
  auto late = command();
  late.send_before_boottime_ns = boottime_ns();
  const auto wasted = ask<study_settled>(association, late);
  BOOST_REQUIRE(wasted.ok());
  BOOST_TEST(!wasted->outcome.sent);
  BOOST_TEST(wasted->outcome.known);
  BOOST_TEST(wasted->missing.size() == 2U);
  BOOST_TEST(dimse->told.empty());
  BOOST_TEST(dimse->stopped.size() == 1U);
  BOOST_TEST(!ask<study_settled>(association, command())->outcome.sent);
}

BOOST_AUTO_TEST_CASE(lets_an_association_go_that_nobody_orders_to_send) {
  [[maybe_unused]] auto pending = prepare();
  child_says(ready{5});
  advance(29s);
  BOOST_TEST(dimse->stopped.empty());
  advance(2s);
  BOOST_TEST(dimse->stopped.size() == 1U);
  BOOST_TEST(dimse->closed.size() == 1U);
}

BOOST_AUTO_TEST_CASE(lets_an_association_go_whose_request_is_cancelled) {
  auto pending = prepare();
  self->send(association, cancel_retrieval{"alz", 1});
  settle();
  BOOST_TEST(dimse->stopped.size() == 1U);
  BOOST_REQUIRE(self->has_next_message());
  pending.receive([](const retrieval_prepared&) { BOOST_ERROR("prepared"); }, [](const caf::error&) {});
}

BOOST_AUTO_TEST_CASE(answers_the_newest_asker_of_a_retrieval_that_runs) {
  [[maybe_unused]] auto first = retrieve();
  auto again = command();
  again.send_before_boottime_ns = 0;
  auto second = self->request(association, caf::infinite, again);
  settle();
  BOOST_TEST(dimse->started.size() == 1U);
  arrive(2);
  move_ends();
  BOOST_TEST(settled(second).present.size() == 2U);
}

BOOST_AUTO_TEST_CASE(does_not_know_a_retrieval_of_before_a_crash) {
  auto old = command();
  old.send_before_boottime_ns = 0;
  const auto end = ask<study_settled>(association, old);
  BOOST_REQUIRE(end.ok());
  BOOST_TEST(!end->outcome.known);
  BOOST_TEST(!end->outcome.sent);
}

BOOST_AUTO_TEST_CASE(says_of_a_running_retrieval_that_it_is_no_leftover) {
  [[maybe_unused]] auto pending = retrieve();
  advance(21s);
  BOOST_TEST(governor->alive.size() >= 4U);
  BOOST_TEST(governor->alive.back() == 7U);
}

BOOST_AUTO_TEST_CASE(tells_its_askers_and_disowns_its_children_when_it_dies) {
  auto retrieval = retrieve();
  auto query =
      self->request(association, caf::infinite, run_query{"STUDY", {{"PatientID", protected_text{"1"}}}, {}, 1});
  settle();
  const auto disowned = dimse->disowned.size();
  caf::anon_send_exit(std::exchange(dimse->owner, nullptr), caf::exit_reason::kill);
  advance(100ms);
  BOOST_TEST(dimse->disowned.size() == disowned + 1);
  BOOST_REQUIRE(self->has_next_message());
  retrieval.receive([](const study_settled&) { BOOST_ERROR("settled"); }, [](const caf::error&) {});
  BOOST_REQUIRE(self->has_next_message());
  query.receive([](const query_answered&) { BOOST_ERROR("answered"); }, [](const caf::error&) {});
  auto anew = retrieve();
  arrive(2);
  move_ends();
  BOOST_TEST(settled(anew).present.size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
