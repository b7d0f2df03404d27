#include "tools/console/found_studies.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::console;
using nlohmann::json;

namespace {

struct studies_fixture {
  live_project live{"alz-brain"};
  found_studies found{live};

  studies_fixture() {
    static_cast<void>(live.begin(listing::requests));
    static_cast<void>(live.begin(listing::holdings));
    live.learn_page(listing::requests, {{"requests", json::array()}});
    live.learn_page(listing::holdings, {{"items", {holding("9.9", 1000, 10)}}});
    live.learn_usage({{"quota", 20'000}, {"used", 1'000}, {"reserved", 4'000}});
  }
  static json holding(const std::string& study, int bytes, int images) {
    return {{"StudyInstanceUID", study}, {"Modality", "MR"}, {"bytes", bytes}, {"instances", images}};
  }
  static json study(const std::string& uid, int images, const std::string& cached = "no") {
    return {{"StudyInstanceUID", uid},
            {"AccessionNumber", "a" + uid},
            {"PatientID", "0042"},
            {"ModalitiesInStudy", {"MR"}},
            {"pacs", "gh"},
            {"NumberOfStudyRelatedInstances", images},
            {"cached", cached}};
  }
  void event(const std::string& id, const std::string& uid, const std::string& state) {
    live.learn_event({penstock::client::event_kind::event,
                      live.requests_topic(),
                      1,
                      {{"kind", "request." + state},
                       {"request", id},
                       {"state", state},
                       {"study", {{"StudyInstanceUID", uid}, {"pacs", "gh"}}}}});
    found.follow();
  }
  void learn(const search_news& news) {
    found.learn(news);
    found.follow();
  }
  void holdings(std::vector<json> items) {
    static_cast<void>(live.begin(listing::holdings));
    live.learn_page(listing::holdings, {{"items", items}});
    found.follow();
  }
  std::string here(const std::string& uid) { return found.value("gh\n" + uid, study_value::here); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(studies_found, studies_fixture)

BOOST_AUTO_TEST_CASE(follows_a_study_from_its_request_into_the_cache) {
  learn({"gh", {study("1.1", 20)}, {}});
  BOOST_TEST(here("1.1") == "");
  event("7", "1.1", "scheduled");
  BOOST_TEST(here("1.1") == "scheduled");
  event("7", "1.1", "completed");
  BOOST_TEST(here("1.1") == "completed");
  holdings({holding("9.9", 1000, 10), holding("1.1", 2000, 20)});
  BOOST_TEST(here("1.1") == "cached");
  holdings({holding("9.9", 1000, 10)});
  BOOST_TEST(here("1.1") == "completed");
}

BOOST_AUTO_TEST_CASE(says_what_the_newest_request_of_a_study_says) {
  learn({"gh", {study("1.1", 20)}, {}});
  event("10", "1.1", "processing");
  event("9", "1.1", "cancelled");
  BOOST_TEST(here("1.1") == "processing");
}

BOOST_AUTO_TEST_CASE(believes_the_projects_lists_more_than_the_search) {
  learn({"gh", {study("1.1", 20, "yes")}, {}});
  BOOST_TEST(here("1.1") == "");
  live_project unread{"alz-brain"};
  found_studies early{unread};
  early.learn({"gh", {study("1.1", 20, "yes"), study("1.2", 20, "moving")}, {}});
  BOOST_TEST(early.value("gh\n1.1", study_value::here) == "cached");
  BOOST_TEST(early.value("gh\n1.2", study_value::here) == "scheduled");
}

BOOST_AUTO_TEST_CASE(guesses_sizes_by_what_the_project_has) {
  learn({"gh", {study("1.1", 20), study("1.2", 0)}, {}});
  BOOST_TEST(found.value("gh\n1.1", study_value::estimate) == "2000");
  BOOST_TEST(found.value("gh\n1.2", study_value::estimate) == "1000");
  BOOST_TEST(found.value("gh\n1.2", study_value::images) == "");
  BOOST_TEST(found.estimate_of({"gh\n1.1", "gh\n1.2"}) == 3000U);
}

BOOST_AUTO_TEST_CASE(does_not_ask_again_for_what_is_here_or_on_its_way) {
  learn({"gh", {study("1.1", 20), study("1.2", 20), study("1.3", 20), study("9.9", 10)}, {}});
  event("7", "1.1", "scheduled");
  event("8", "1.2", "failed");
  const auto plan = found.plan({"gh\n1.1", "gh\n1.2", "gh\n1.3", "gh\n9.9", "gone"});
  BOOST_TEST(plan.to_ask == (std::vector<std::string>{"gh\n1.2", "gh\n1.3"}));
  BOOST_TEST(plan.cached == 1U);
  BOOST_TEST(plan.under_way == 1U);
  BOOST_TEST(plan.patients == 1U);
  BOOST_TEST(plan.sizes.bytes.value_or(0) == 4000U);
  BOOST_TEST(plan.sizes.free_quota == 15'000U);
}

BOOST_AUTO_TEST_CASE(keeps_the_outcome_of_asking_for_each_study) {
  learn({"gh", {study("1.1", 20), study("1.2", 20)}, {}});
  const auto item = found.item_of("gh\n1.1");
  BOOST_TEST(item["pacs"] == "gh");
  BOOST_TEST(item["StudyInstanceUID"] == "1.1");
  const auto taken =
      found.learn_outcomes({"gh\n1.1", "gh\n1.2"}, {{"rows",
                                                     {{{"item", 0}, {"outcome", "accepted"}},
                                                      {{"item", 1}, {"outcome", "invalid"}, {"message", "no"}},
                                                      {{"item", 7}, {"outcome", "accepted"}}}}});
  BOOST_TEST(taken == 1U);
  BOOST_TEST(found.value("gh\n1.1", study_value::outcome) == "accepted");
  BOOST_TEST(found.value("gh\n1.2", study_value::outcome) == "invalid: no");
  found.learn_failure({"gh\n1.1"}, "the connection was lost");
  BOOST_TEST(found.value("gh\n1.1", study_value::outcome) == "not known: the connection was lost");
}

BOOST_AUTO_TEST_SUITE_END()
