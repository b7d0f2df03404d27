#include "gateways/event_view.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/gateways/site_rules.hpp"

namespace penstock::gateways {
namespace {

using nlohmann::json;

constexpr const char* requests = "p/alz-brain/requests";

json study_of(const std::string& patient, const std::string& pacs = "gh-rad") {
  return {{"pacs", pacs},        {"StudyInstanceUID", "1.2.3"}, {"PatientID", patient}, {"IssuerOfPatientID", "GH"},
          {"StudyDate", "2026"}, {"AccessionNumber", "A1"},     {"Modality", "MR"}};
}

struct site {
  conf::rules rules = test::site_rules();

  site() {
    std::vector<conf::cohort_patient> patients{{{messages::protected_text{"1"}, messages::protected_text{"GH"}}, {}}};
    rules.projects["alz-brain"].patients = std::make_shared<const conf::cohort>(std::move(patients), "");
  }
  json seen(const json& event, const char* topic = requests) const {
    const auto changed = event_as_seen(rules, topic, event.dump());
    return changed ? json::parse(*changed) : event;
  }
};

BOOST_FIXTURE_TEST_SUITE(event_view_suite, site)

BOOST_AUTO_TEST_CASE(leaves_as_they_stand_events_of_covered_patients_and_of_nobody) {
  for (const auto& event : {json{{"seq", 1}, {"study", study_of("1")}}, json{{"seq", 2}, {"study", study_of("")}},
                            json{{"seq", 3}, {"kind", "project.notice"}}})
    BOOST_TEST(!event_as_seen(rules, requests, event.dump()).has_value(), event);
}

BOOST_AUTO_TEST_CASE(keeps_number_and_request_and_names_nobody_who_was_withdrawn) {
  const auto shown = seen({{"seq", 7}, {"kind", "request.cancelled"}, {"request", "4"}, {"study", study_of("2")}});
  const json expected{{"seq", 7}, {"kind", "request.cancelled"}, {"request", "4"}, {"study", {{"pacs", "gh-rad"}}}};
  BOOST_TEST(shown == expected);
}

BOOST_AUTO_TEST_CASE(names_nothing_of_a_pacs_that_was_taken_away) {
  rules.projects["alz-brain"].pacs.clear();
  for (const auto* patient : {"1", ""})
    BOOST_TEST(seen({{"study", study_of(patient)}})["study"] == json({{"pacs", "gh-rad"}}));
}

BOOST_AUTO_TEST_CASE(leaves_out_matches_of_withdrawn_patients) {
  const auto shown =
      seen({{"matches", {study_of("1"), study_of("2"), {{"SeriesInstanceUID", "1.2.3.4"}}}}}, "p/alz-brain/searches");
  BOOST_REQUIRE(shown["matches"].size() == 2U);
  BOOST_TEST(shown["matches"][0]["PatientID"] == "1");
}

BOOST_AUTO_TEST_CASE(shows_the_auditor_everything) {
  BOOST_TEST(!event_as_seen(rules, "audit", json{{"study", study_of("2")}}.dump()).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways
