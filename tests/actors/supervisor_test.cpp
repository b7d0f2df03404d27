#include "actors/supervisor.hpp"

#include <boost/test/unit_test.hpp>
#include <set>

#include "actors/system_config.hpp"
#include "storage/codec.hpp"
#include "storage/core_store.hpp"
#include "storage/keys.hpp"
#include "tests/actors/mock_actors.hpp"
#include "tests/actors/shard_support.hpp"
#include "tests/actors/site_of_tests.hpp"

namespace penstock::tests {

using namespace std::chrono_literals;
using nlohmann::json;

BOOST_AUTO_TEST_SUITE(supervisor)

namespace {

dimse_port_actor::behavior_type no_port(dimse_port_actor::pointer) {
  return {[](const start_dimse&) {}, [](const tell_dimse&) {}, [](const stop_dimse&) {}, [](const disown_dimse&) {},
          [](const describe_actor&) { return answered{"{}"}; }};
}

dicom_listener_actor::behavior_type no_listener(dicom_listener_actor::pointer) {
  return {[](const expect_arrivals&) -> caf::result<arrivals_expected> { return unasked(); },
          [](const stop_arrivals&) -> caf::result<arrivals_stopped> { return unasked(); },
          [](const start_dimse&) {},
          [](const tell_dimse&) {},
          [](const stop_dimse&) {},
          [](const disown_dimse&) {},
          [](const rules_published&) {},
          [](const describe_actor&) { return answered{"{}"}; }};
}

}  // namespace

BOOST_AUTO_TEST_CASE(starts_everybody_says_how_they_are_and_ends_in_time) {
  temporary_directory folder;
  auto state = storage::state_directory::open({.root = folder.path() / "state", .shards = 2});
  BOOST_REQUIRE_MESSAGE(state.ok(), (state.ok() ? "" : state.error().text()));
  auto opened = storage::open_core_store({state->core(), state->fence()});
  BOOST_REQUIRE(opened.ok());
  actors::system_config config;
  caf::actor_system system{config};
  actors::crew members{system};
  {
    caf::scoped_actor self{system};
    actors::server_tree_options options;
    options.rules = std::make_shared<conf::rules>(site_of_tests());
    options.core = opened->store;
    options.state = &*state;
    options.clocks = actors::system_time_source();
    options.port = members.add(system.spawn(no_port));
    options.listener = members.add(system.spawn(no_listener));
    options.sink = members.add(system.spawn(mock_sink, std::make_shared<sink_log>()));
    options.on_journal_failure = [](const failure& problem) { BOOST_ERROR(problem.text()); };
    holding_row left;
    left.project = "gone";
    storage::row_batch batch;
    for (const auto* study : {"1.2.1", "1.2.2"})
      batch.put(storage::column::rows, storage::keys::holding("gone", "gh-rad", dicom_uid{study}),
                storage::encode(left));
    BOOST_REQUIRE(options.core->commit(batch).ok());
    const auto tree = actors::start_server_tree(system, members, options);
    BOOST_TEST(tree.roster->queues.size() == 3U);
    BOOST_TEST(tree.roster->queues.contains("gone"));
    BOOST_TEST(tree.roster->governors.size() == 2U);
    BOOST_TEST(tree.shards.size() == 2U);
    std::multiset<std::string> kinds;
    self->request(tree.supervisor, 10s, describe_server{"ada"})
        .receive(
            [&](const answered& answer) {
              const auto described = json::parse(answer.json);
              for (const auto& each : described.at("actors")) {
                kinds.insert(each.at("actor").get<std::string>());
                BOOST_TEST_CONTEXT(each.dump()) { BOOST_TEST(each.value("state", "") != "silent"); }
              }
            },
            [](const caf::error& problem) { BOOST_ERROR(from_caf(problem, "describe").text()); });
    BOOST_TEST(kinds.count("audit_journal") == 1U);
    for (const auto* kind : {"governor_clock", "pacs_association", "cache_shard"}) BOOST_TEST_CONTEXT(kind) {
        BOOST_TEST(kinds.count(kind) == 2U);
      }
    for (const auto* kind : {"project_queue", "project_search"}) BOOST_TEST_CONTEXT(kind) {
        BOOST_TEST(kinds.count(kind) == 3U);
      }
    members.end_all();
  }
  BOOST_TEST(members.wait(20s));
}

BOOST_AUTO_TEST_CASE(claims_may_be_missing_for_a_week_and_as_long_as_the_clock_is_in_doubt) {
  constexpr std::int64_t day_us = 24 * std::int64_t{3'600'000'000};
  BOOST_TEST(!actors::claims_may_be_missing({}, 100 * day_us));
  storage::missing_since found{100 * day_us, "", 0, false};
  BOOST_TEST(actors::claims_may_be_missing(found, 99 * day_us));
  BOOST_TEST(actors::claims_may_be_missing(found, 106 * day_us));
  BOOST_TEST(!actors::claims_may_be_missing(found, 107 * day_us));
  found.clock_in_doubt = true;
  BOOST_TEST(actors::claims_may_be_missing(found, 107 * day_us));
}

BOOST_AUTO_TEST_CASE(unknown_starts_are_counted_from_when_they_were_missed_whatever_the_wall_clock_said) {
  constexpr std::int64_t hour_us = 3'600'000'000;
  const actors::instant now{10 * hour_us * 1000, 100 * hour_us, 0, "this", false};
  storage::missing_since found{1, "this", 9 * hour_us * 1000, false};
  BOOST_TEST(actors::full_since(found, now).boottime_ns == 9 * hour_us * 1000);
  found = {80 * hour_us, "before", 9 * hour_us * 1000, false};
  BOOST_TEST(actors::full_since(found, now).boottime_ns == -10 * hour_us * 1000);
  found.clock_in_doubt = true;
  BOOST_TEST(actors::full_since(found, now).boottime_ns == 0);
  auto doubtful = now;
  doubtful.clock_in_doubt = true;
  found.clock_in_doubt = false;
  BOOST_TEST(actors::full_since(found, doubtful).boottime_ns == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
