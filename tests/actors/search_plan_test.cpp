#include "actors/search_plan.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "actors/search_view.hpp"
#include "tests/actors/site_of_tests.hpp"

namespace penstock::tests {

using namespace messages;
using nlohmann::json;
using outcome = search_outcome;

namespace {

struct plan_world {
  conf::rules rules = site_of_tests();
  conf::project& alz = rules.projects["alz"];

  actors::search_plan by_mrn(const std::vector<std::string>& inputs) const {
    std::vector<protected_text> mrns;
    for (const auto& input : inputs) mrns.emplace_back(input);
    return actors::plan_by_mrn(rules, alz, {"gh-rad"}, mrns);
  }
  static query_row study(const std::string& uid, const std::string& patient = "0000001") {
    query_row row;
    row.values["StudyInstanceUID"] = protected_text{uid};
    row.values["PatientID"] = protected_text{patient};
    row.values["StudyDate"] = protected_text{"20260301"};
    row.values["ModalitiesInStudy"] = protected_text{"MR\\SR"};
    row.values["AccessionNumber"] = protected_text{"A1"};
    return row;
  }
  actors::judged_answer judge(const search_row& search, const query_answered& answer) const {
    search_unit unit;
    unit.pacs = "gh-rad";
    unit.mrn = jane;
    return actors::judge_answer(rules, alz, search, unit, answer, 1);
  }
  static search_row search(search_kind kind = search_kind::studies_by_mrn, const std::string& input = "1") {
    search_row row;
    row.kind = kind;
    row.inputs = {protected_text{input}};
    return row;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(search_plan, plan_world)

BOOST_AUTO_TEST_CASE(gives_each_line_of_a_list_its_fate) {
  struct {
    const char* input;
    outcome expected;
  } const cases[] = {{"1", outcome::pending},       {"0000001", outcome::duplicate}, {" 2 ", outcome::pending},
                     {"9", outcome::not_permitted}, {"00*", outcome::invalid},       {"", outcome::invalid},
                     {"12345678", outcome::invalid}};
  std::vector<std::string> inputs;
  for (const auto& each : cases) inputs.push_back(each.input);
  const auto plan = by_mrn(inputs);
  BOOST_REQUIRE_EQUAL(plan.units.size(), inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) BOOST_TEST_CONTEXT("'" << inputs[i] << "'") {
      BOOST_TEST((plan.units[i].outcome == cases[i].expected));
    }
  BOOST_TEST(plan.units[0].mrn.patient_id.reveal() == "0000001");
}

BOOST_AUTO_TEST_CASE(asks_every_pacs_that_writes_such_a_number) {
  rules.pacs["gh-card"] = pacs_of_tests("gh-card");
  rules.pacs["other"] = pacs_of_tests("other");
  rules.pacs["other"].mrn = {{*conf::mrn_pattern::compile("X[0-9]+"), "XX", 0}};
  const auto plan = actors::plan_by_mrn(rules, alz, {"gh-rad", "gh-card", "other"}, {protected_text{"1"}});
  BOOST_TEST(plan.units.size() == 2U);
}

BOOST_AUTO_TEST_CASE(judges_accession_numbers_without_a_cohort_at_first) {
  const auto plan =
      actors::plan_by_accession({"gh-rad"}, {protected_text{"A1"}, protected_text{"A1"}, protected_text{"A?"}});
  BOOST_REQUIRE_EQUAL(plan.units.size(), 3U);
  BOOST_TEST((plan.units[0].outcome == outcome::pending));
  BOOST_TEST((plan.units[1].outcome == outcome::duplicate));
  BOOST_TEST((plan.units[2].outcome == outcome::invalid));
}

BOOST_AUTO_TEST_CASE(chooses_only_pacs_that_the_project_may_use) {
  BOOST_TEST(actors::targets(rules, alz, {}, "", "").value() == alz.pacs, boost::test_tools::per_element());
  BOOST_TEST(actors::targets(rules, alz, {"gh-rad", "gh-rad"}, "", "").value().size() == 1U);
  BOOST_TEST(actors::targets(rules, alz, {}, "gh", "Radiology").value() == alz.pacs, boost::test_tools::per_element());
  BOOST_TEST((actors::targets(rules, alz, {"foreign"}, "", "").error().code == errc::not_found));
  BOOST_TEST((actors::targets(rules, alz, {"none"}, "", "").error().code == errc::not_found));
  BOOST_TEST((actors::targets(rules, alz, {}, "elsewhere", "").error().code == errc::not_found));
}

BOOST_AUTO_TEST_CASE(asks_for_what_was_given_and_returns_the_rest) {
  search_unit unit;
  unit.mrn = jane;
  const auto by_patient = actors::query_of(search(), unit, rules.pacs["gh-rad"]);
  BOOST_TEST(by_patient.level == "STUDY");
  BOOST_TEST(by_patient.keys.at("PatientID").reveal() == "0000001");
  BOOST_TEST(std::count(by_patient.wanted.begin(), by_patient.wanted.end(), "PatientID") == 0);
  BOOST_TEST(by_patient.most_rows == 200U);
  const auto by_accession =
      actors::query_of(search(search_kind::studies_by_accession, "A1"), unit, rules.pacs["gh-rad"]);
  BOOST_TEST(by_accession.keys.at("AccessionNumber").reveal() == "A1");
  BOOST_TEST(by_accession.keys.size() == 1U);
  const auto series = actors::query_of(search(search_kind::series, "1.2"), unit, rules.pacs["gh-rad"]);
  BOOST_TEST(series.level == "SERIES");
  BOOST_TEST(series.keys.at("StudyInstanceUID").reveal() == "1.2");
}

BOOST_AUTO_TEST_CASE(drops_what_the_pacs_says_of_another_patient_than_asked) {
  auto foreign_issuer = study("1.2.3");
  foreign_issuer.values["IssuerOfPatientID"] = protected_text{"ELSEWHERE"};
  const auto judged =
      judge(search(), {{study("1.2.1"), study("1.2.2", "0000002"), foreign_issuer, study("1..4")}, false});
  BOOST_TEST((judged.outcome == outcome::found));
  BOOST_REQUIRE_EQUAL(judged.matches.size(), 1U);
  BOOST_REQUIRE_EQUAL(judged.verified.size(), 1U);
  BOOST_TEST(judged.verified[0].study.reveal() == "1.2.1");
  BOOST_TEST(judged.verified[0].facts.modality == "MR,SR");
  const auto match = json::parse(judged.matches[0]);
  BOOST_TEST(match.at("IssuerOfPatientID") == "GH");
  BOOST_TEST(match.at("institution") == "General Hospital");
}

BOOST_AUTO_TEST_CASE(shows_nothing_of_a_patient_outside_the_cohort) {
  const auto by_number = search(search_kind::studies_by_accession, "A1");
  const auto judged = judge(by_number, {{study("1.2.9", "0000009")}, false});
  BOOST_TEST((judged.outcome == outcome::not_found));
  BOOST_TEST(judged.matches.empty());
  BOOST_TEST(judged.verified.empty());
  BOOST_TEST(judge(by_number, {{}, false}).message == judged.message);
  auto other_number = study("1.2.1");
  other_number.values["AccessionNumber"] = protected_text{"A10"};
  BOOST_TEST(judge(by_number, {{other_number}, false}).matches.empty());
  BOOST_TEST(judge(by_number, {{study("1.2.1")}, false}).matches.size() == 1U);
}

BOOST_AUTO_TEST_CASE(filters_by_date_and_modality_but_verifies_all_the_same) {
  struct {
    const char* dates;
    std::vector<std::string> modalities;
    std::size_t matches;
  } const cases[] = {{"", {}, 1},          {"20260301", {}, 1},          {"20260302", {}, 0}, {"20260101-", {}, 1},
                     {"-20260228", {}, 0}, {"20260301-20260301", {}, 1}, {"", {"SR"}, 1},     {"", {"CT"}, 0}};
  for (const auto& each : cases) {
    auto asked = search();
    asked.study_date = each.dates;
    asked.modalities = each.modalities;
    const auto judged = judge(asked, {{study("1.2.1")}, false});
    BOOST_TEST_CONTEXT(each.dates) { BOOST_TEST(judged.matches.size() == each.matches); }
    BOOST_TEST(judged.verified.size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(says_when_the_pacs_had_more) {
  const auto judged = judge(search(), {{study("1.2.1")}, true});
  BOOST_TEST((judged.outcome == outcome::truncated));
  BOOST_TEST(judged.matches.size() == 1U);
}

BOOST_AUTO_TEST_CASE(gives_one_row_for_a_patient_of_several_studies) {
  const auto judged = judge(search(search_kind::patients), {{study("1.2.1"), study("1.2.2")}, false});
  BOOST_REQUIRE_EQUAL(judged.matches.size(), 1U);
  BOOST_TEST(json::parse(judged.matches[0]).at("studies") == 2);
  BOOST_TEST(judge(search(search_kind::patients), {{}, false}).message == "no such patient at this PACS");
}

BOOST_AUTO_TEST_CASE(shows_the_outcome_that_says_most) {
  const auto all_of = [](std::vector<outcome> outcomes) {
    std::vector<search_unit> units(outcomes.size());
    std::vector<const search_unit*> pointers;
    for (std::size_t i = 0; i < units.size(); ++i) {
      units[i].outcome = outcomes[i];
      pointers.push_back(&units[i]);
    }
    return actors::combined(pointers);
  };
  BOOST_TEST((all_of({outcome::not_found, outcome::found}) == outcome::found));
  BOOST_TEST((all_of({outcome::not_found, outcome::unavailable}) == outcome::unavailable));
  BOOST_TEST((all_of({outcome::found, outcome::pending}) == outcome::pending));
}

BOOST_AUTO_TEST_CASE(an_accession_that_a_filter_left_out_looks_like_one_that_does_not_exist) {
  const auto asked = search(search_kind::studies_by_accession, "A1");
  search_unit filtered;
  filtered.pacs = "gh-rad";
  filtered.outcome = outcome::not_found;
  filtered.message = "no study of this patient passes the filter";
  filtered.mrn = jane;
  search_unit unknown;
  unknown.pacs = "gh-rad";
  unknown.outcome = outcome::not_found;
  unknown.message = "no such study at this PACS";
  const std::vector<search_unit> units{filtered, unknown};
  const actors::search_view view{rules, alz, asked, units};
  BOOST_TEST(view.as_seen(filtered, {}).message == view.as_seen(unknown, {}).message);
  BOOST_TEST(view.as_seen(filtered, {}).mrn.patient_id.empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
