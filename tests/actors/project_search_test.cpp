#include "actors/project_search.hpp"

#include <set>

#include "actors/search_plan.hpp"
#include "actors/search_store.hpp"
#include "tests/actors/actor_fixture.hpp"
#include "tests/actors/mock_actors.hpp"

namespace penstock::tests {

using nlohmann::json;
namespace keys = storage::keys;

namespace {

struct search_world : actor_fixture {
  std::shared_ptr<governor_log> governor = std::make_shared<governor_log>();
  std::shared_ptr<association_log> pacs = std::make_shared<association_log>();
  std::shared_ptr<sink_log> heard = std::make_shared<sink_log>();
  governor_clock_actor governor_handle = spawn_function(mock_governor, governor);
  pacs_association_actor association_handle = spawn_function(mock_association, pacs);
  event_sink_actor sink = spawn_function(mock_sink, heard);
  project_search_actor searches = start();

  project_search_actor start() {
    actors::project_search_options options;
    options.project = "alz";
    options.rules = site;
    options.journal = journal;
    options.governors["gh-rad"] = governor_handle;
    options.associations["gh-rad"] = association_handle;
    options.sink = sink;
    options.core = core;
    options.clocks = clocks();
    auto started = keep(actors::start_project_search(sys, std::move(options), nullptr));
    settle();
    return started;
  }
  void restart_process() {
    end(searches);
    end(journal);
    start_journal();
    searches = start();
  }

  /// The PACS has so many studies of that patient.
  void studies_of(const std::string& patient, std::size_t count) {
    for (std::size_t i = 1; i <= count; ++i) {
      query_row row;
      row.values["StudyInstanceUID"] =
          protected_text{"1.2." + patient.substr(patient.size() - 1) + "." + std::to_string(i)};
      row.values["PatientID"] = protected_text{patient};
      row.values["StudyDate"] = protected_text{"20260301"};
      pacs->studies[patient].push_back(row);
    }
  }
  static find_studies studies(const std::vector<std::string>& mrns, std::uint32_t wait_ms = 0) {
    find_studies command;
    command.who.user = "amy";
    for (const auto& each : mrns) command.mrns.emplace_back(each);
    command.wait_ms = wait_ms;
    return command;
  }
  json part(const result<answered>& answer) {
    BOOST_REQUIRE_MESSAGE(answer.ok(), (answer.ok() ? "" : answer.error().text()));
    return json::parse(answer->json);
  }
  json find(const std::vector<std::string>& mrns) { return part(ask_within(5s, mrns)); }
  result<answered> ask_within(std::chrono::milliseconds patience, const std::vector<std::string>& mrns) {
    return actor_fixture::ask_within<answered>(patience, searches, studies(mrns, 4000));
  }
  json read(const json& answer, const std::string& cursor = "", std::uint32_t wait_ms = 0) {
    return part(actor_fixture::ask_within<answered>(
        std::chrono::milliseconds{wait_ms + 1}, searches,
        read_search{{"amy", ""}, answer.at("search").get<std::string>(), cursor, wait_ms}));
  }
  static std::vector<std::string> outcomes(const json& answer) {
    std::vector<std::string> all;
    for (const auto& row : answer.at("rows")) all.push_back(row.at("outcome"));
    return all;
  }
  /// From now on only these patients are in the project's list.
  void cohort(const std::vector<std::string>& patients) {
    auto changed = std::make_shared<conf::rules>(*site);
    std::vector<conf::cohort_patient> left;
    for (const auto& each : patients) left.push_back({mrn(each), {}});
    changed->projects["alz"].patients = std::make_shared<const conf::cohort>(std::move(left), "");
    publish(changed);
  }
  void publish(std::shared_ptr<conf::rules> changed) {
    site = changed;
    self->send(searches, rules_published{changed, nullptr});
    settle();
  }
  json find_accessions(const std::vector<std::string>& accessions) {
    auto command = studies({}, 4000);
    for (const auto& each : accessions) command.accessions.emplace_back(each);
    return part(actor_fixture::ask_within<answered>(5s, searches, command));
  }
  void accession_of(const std::string& accession, const std::string& patient) {
    query_row row;
    row.values["StudyInstanceUID"] = protected_text{"1.3." + patient.substr(patient.size() - 1)};
    row.values["PatientID"] = protected_text{patient};
    row.values["AccessionNumber"] = protected_text{accession};
    pacs->studies[accession] = {row};
  }
  /// A search of one patient that the PACS has not answered yet.
  json begin_slow(const std::vector<std::string>& mrns) {
    governor->grants_queries = false;
    return part(actor_fixture::ask_within<answered>(1ms, searches, studies(mrns)));
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(project_search, search_world)

BOOST_AUTO_TEST_CASE(gives_each_line_of_a_list_its_outcome_in_order) {
  studies_of("0000001", 2);
  const auto answer = find({"1", "0000001", "9", "2", "1*"});
  const std::vector<std::string> expected{"found", "duplicate", "not_permitted", "not_found", "invalid"};
  BOOST_TEST(outcomes(answer) == expected, boost::test_tools::per_element());
  BOOST_TEST(answer.at("done") == true);
  BOOST_TEST(answer.at("studies").size() == 2U);
  BOOST_TEST(answer.at("studies")[0].at("cached") == "no");
  BOOST_TEST(!answer.contains("next"));
  BOOST_TEST(pacs->queries.size() == 2U);
  BOOST_TEST(entries("query.search") == 2U);
  BOOST_TEST(entries("search.done") == 1U);
  BOOST_TEST(heard->transient.size() == 3U);
}

BOOST_AUTO_TEST_CASE(feeds_admission_with_what_the_pacs_has_verified) {
  studies_of("0000001", 1);
  find({"1"});
  const auto known = row<verified_study>(keys::verified("alz", "gh-rad", dicom_uid{"1.2.1.1"}));
  BOOST_REQUIRE(known);
  BOOST_TEST(known->in_cohort);
  BOOST_TEST(known->patient.issuer.reveal() == "GH");
}

BOOST_AUTO_TEST_CASE(drops_answers_about_another_patient_than_asked) {
  studies_of("0000002", 1);
  pacs->studies["0000001"] = pacs->studies["0000002"];
  const auto answer = find({"1"});
  BOOST_TEST(outcomes(answer) == std::vector<std::string>{"not_found"}, boost::test_tools::per_element());
  BOOST_TEST(answer.at("studies").size() == 0U);
  BOOST_TEST(rows_under("verified/") == 0U);
}

BOOST_AUTO_TEST_CASE(says_when_a_pacs_does_not_answer) {
  pacs->pacs_problem = "no connection";
  const auto answer = find({"1"});
  BOOST_TEST(outcomes(answer) == std::vector<std::string>{"unavailable"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(finds_the_series_only_of_a_study_that_it_has_shown) {
  find_series command{{"amy", ""}, "gh-rad", dicom_uid{"1.2.1.1"}, 0};
  BOOST_TEST((ask<answered>(searches, command).error().code == errc::not_found));
  studies_of("0000001", 1);
  find({"1"});
  query_row series;
  series.values["SeriesInstanceUID"] = protected_text{"1.2.1.1.1"};
  pacs->studies["1.2.1.1"] = {series};
  command.wait_ms = 1000;
  BOOST_TEST(part(actor_fixture::ask_within<answered>(2s, searches, command)).at("series").size() == 1U);
}

BOOST_AUTO_TEST_CASE(waits_no_longer_than_it_was_asked_to) {
  governor->grants_queries = false;
  auto pending = self->request(searches, caf::infinite, studies({"1"}, 300));
  advance(299ms);
  BOOST_TEST(!self->has_next_message());
  advance(1ms);
  BOOST_REQUIRE(self->has_next_message());
  pending.receive([](const answered& answer) { BOOST_TEST(!json::parse(answer.json).at("done").get<bool>()); },
                  [](const caf::error&) { BOOST_ERROR("refused"); });
}

BOOST_AUTO_TEST_CASE(gives_each_match_once_over_all_pages) {
  studies_of("0000001", 700);
  studies_of("0000002", 450);
  site->pacs["gh-rad"].max_studies_per_patient = 1000;
  auto answer = find({"1", "2", "3"});
  const auto search = answer;
  std::set<std::string> seen;
  std::size_t matches = 0;
  std::size_t rows = 0;
  for (int pages = 0; pages < 10; ++pages) {
    BOOST_TEST(answer.at("studies").size() <= actors::search_store::page_rows);
    for (const auto& each : answer.at("studies")) seen.insert(each.at("StudyInstanceUID").get<std::string>());
    matches += answer.at("studies").size();
    rows += answer.at("rows").size();
    if (!answer.contains("next")) break;
    answer = read(search, answer.at("next"));
  }
  BOOST_TEST(matches == 1150U);
  BOOST_TEST(seen.size() == 1150U);
  BOOST_TEST(rows == 3U);
  const auto bad = ask<answered>(searches, read_search{{"amy", ""}, search.at("search").get<std::string>(), "x:y", 0});
  BOOST_TEST((bad.error().code == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(goes_on_where_it_was_after_a_kill_and_after_a_restart) {
  studies_of("0000001", 1);
  studies_of("0000002", 1);
  const auto search = begin_slow({"1", "2"});
  kill(governor->asker);
  advance(100ms);
  BOOST_TEST(read(search).at("done") == false);
  restart_process();
  governor->grants_queries = true;
  advance(3s);
  const auto answer = read(search);
  BOOST_TEST(answer.at("done") == true);
  BOOST_TEST(answer.at("studies").size() == 2U);
  BOOST_TEST(entries("search.done") == 1U);
  restart_process();
  BOOST_TEST(read(search) == answer);
}

BOOST_AUTO_TEST_CASE(asks_again_because_a_governor_may_have_been_restarted) {
  begin_slow({"1"});
  governor->queries.clear();
  advance(2s);
  BOOST_REQUIRE(!governor->queries.empty());
  BOOST_TEST(governor->queries.front().ticket == governor->queries.back().ticket);
}

BOOST_AUTO_TEST_CASE(has_few_queries_at_a_pacs_at_a_time) {
  site->projects["alz"].patients = [] {
    std::vector<conf::cohort_patient> many;
    for (int i = 1; i <= 9; ++i) many.push_back({mrn("000000" + std::to_string(i)), {}});
    return std::make_shared<const conf::cohort>(std::move(many), "");
  }();
  pacs->holds_queries = true;
  const auto answer = part(ask<answered>(searches, studies({"1", "2", "3", "4", "5", "6", "7", "8", "9"})));
  BOOST_TEST(answer.at("done") == false);
  BOOST_TEST(governor->queries.size() == 4U);
}

BOOST_AUTO_TEST_CASE(stays_cancelled_and_readable_to_its_end_after_a_restart) {
  studies_of("0000001", 1);
  const auto search = begin_slow({"1", "2"});
  const auto cancel = [&] {
    return part(ask<answered>(searches, cancel_search{{"amy", ""}, search.at("search").get<std::string>()}));
  };
  BOOST_TEST(cancel().at("cancelled") == true);
  BOOST_TEST(cancel().at("cancelled") == false);
  BOOST_TEST(entries("search.cancelled") == 1U);
  for (int life = 0; life < 2; ++life) {
    const auto answer = read(search);
    BOOST_TEST(answer.at("done") == true);
    const std::vector<std::string> expected{"unavailable", "unavailable"};
    BOOST_TEST(outcomes(answer) == expected, boost::test_tools::per_element());
    BOOST_TEST(!answer.contains("next"));
    restart_process();
  }
  governor->grants_queries = true;
  advance(5s);
  BOOST_TEST(pacs->queries.empty());
}

BOOST_AUTO_TEST_CASE(refuses_what_it_must_not_ask) {
  auto command = studies({"1"});
  command.who.user = "eve";
  BOOST_TEST((ask<answered>(searches, command).error().code == errc::not_found));
  command = studies({"1"});
  command.pacs = {"foreign"};
  BOOST_TEST((ask<answered>(searches, command).error().code == errc::not_found));
  BOOST_TEST((ask<answered>(searches, studies({})).error().code == errc::bad_request));
  const std::vector<std::string> too_many(penstock::actors::most_search_inputs + 1, "1");
  BOOST_TEST((ask<answered>(searches, studies(too_many)).error().code == errc::too_large));
  BOOST_TEST((ask<answered>(searches, read_search{{"amy", ""}, "s0", "", 0}).error().code == errc::not_found));
  advance(25 * 24h);
  BOOST_TEST((ask<answered>(searches, studies({"1"})).error().code == errc::project_expired));
}

BOOST_AUTO_TEST_CASE(runs_so_many_searches_at_a_time_and_no_more) {
  governor->grants_queries = false;
  for (int i = 0; i < 32; ++i) BOOST_REQUIRE(ask<answered>(searches, studies({"1"})).ok());
  BOOST_TEST((ask<answered>(searches, studies({"1"})).error().code == errc::rate_limited));
}

BOOST_AUTO_TEST_CASE(names_nobody_who_was_withdrawn_until_the_patient_comes_back) {
  studies_of("0000001", 2);
  studies_of("0000002", 1);
  const auto before = find({"1", "2"});
  BOOST_TEST(before.at("studies").size() == 3U);
  cohort({"0000002"});
  for (int life = 0; life < 2; ++life) {
    const auto answer = read(before);
    const std::vector<std::string> expected{"not_permitted", "found"};
    BOOST_TEST(outcomes(answer) == expected, boost::test_tools::per_element());
    BOOST_TEST(answer.at("rows")[0].at("mrn") == "");
    BOOST_REQUIRE(answer.at("studies").size() == 1U);
    BOOST_TEST(answer.at("studies")[0].at("PatientID") == "0000002");
    BOOST_TEST(!answer.contains("next"));
    restart_process();
  }
  cohort({"0000001", "0000002"});
  BOOST_TEST(read(before) == before);
}

BOOST_AUTO_TEST_CASE(an_accession_number_of_a_withdrawn_patient_looks_like_one_that_does_not_exist) {
  accession_of("A1", "0000001");
  accession_of("A2", "0000002");
  const auto before = find_accessions({"A1", "A2", "A3"});
  BOOST_TEST(before.at("studies").size() == 2U);
  cohort({"0000002"});
  const auto answer = read(before);
  const std::vector<std::string> expected{"not_found", "found", "not_found"};
  BOOST_TEST(outcomes(answer) == expected, boost::test_tools::per_element());
  BOOST_TEST(answer.at("rows")[0].at("message") == answer.at("rows")[2].at("message"));
  BOOST_TEST(answer.at("studies").size() == 1U);
}

BOOST_AUTO_TEST_CASE(shows_no_series_of_a_patient_who_was_withdrawn) {
  studies_of("0000001", 1);
  find({"1"});
  query_row series;
  series.values["SeriesInstanceUID"] = protected_text{"1.2.1.1.1"};
  pacs->studies["1.2.1.1"] = {series};
  const find_series command{{"amy", ""}, "gh-rad", dicom_uid{"1.2.1.1"}, 1000};
  const auto before = part(actor_fixture::ask_within<answered>(2s, searches, command));
  cohort({});
  BOOST_TEST(before.at("series").size() == 1U);
  BOOST_TEST(read(before).at("series").size() == 0U);
  BOOST_TEST(outcomes(read(before)) == std::vector<std::string>{"not_found"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(shows_nothing_of_a_pacs_that_was_taken_away) {
  studies_of("0000001", 1);
  const auto before = find({"1"});
  auto changed = std::make_shared<conf::rules>(*site);
  changed->projects["alz"].pacs = {"foreign"};
  publish(changed);
  BOOST_TEST(read(before).at("studies").size() == 0U);
  BOOST_TEST(outcomes(read(before)) == std::vector<std::string>{"unavailable"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(asks_no_pacs_about_a_patient_who_was_withdrawn_meanwhile) {
  studies_of("0000001", 1);
  studies_of("0000002", 1);
  const auto search = begin_slow({"1", "2"});
  cohort({"0000002"});
  governor->grants_queries = true;
  advance(3s);
  BOOST_REQUIRE(pacs->queries.size() == 1U);
  BOOST_TEST(pacs->queries[0].keys.at("PatientID").reveal() == "0000002");
  BOOST_TEST(read(search).at("done") == true);
}

BOOST_AUTO_TEST_CASE(ends_queries_that_wait_for_a_pacs_that_is_taken_away) {
  const auto search = begin_slow({"1", "2"});
  auto changed = std::make_shared<conf::rules>(*site);
  changed->projects["alz"].pacs = {"foreign"};
  publish(changed);
  const auto answer = read(search);
  BOOST_TEST(answer.at("done") == true);
  const std::vector<std::string> expected{"unavailable", "unavailable"};
  BOOST_TEST(outcomes(answer) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_cancelled_search_gives_its_places_to_others) {
  std::vector<std::string> many;
  for (int i = 1; i <= 4; ++i) many.push_back("000000" + std::to_string(i));
  cohort(many);
  const auto first = begin_slow(many);
  begin_slow({"1"});
  BOOST_TEST(governor->queries.size() == 4U);
  part(ask<answered>(searches, cancel_search{{"amy", ""}, first.at("search").get<std::string>()}));
  governor->queries.clear();
  advance(2s);
  BOOST_REQUIRE(!governor->queries.empty());
  BOOST_TEST(governor->queries.back().ticket == 5U);
}

BOOST_AUTO_TEST_CASE(asks_no_pacs_when_the_patient_is_withdrawn_while_the_query_is_written) {
  begin_slow({"1"});
  self->send(searches, query_granted{governor->queries.at(0).ticket, "gh-rad", 1, {}});
  cohort({"0000002"});
  BOOST_TEST(entries("query.search") == 1U);
  BOOST_TEST(pacs->queries.empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
