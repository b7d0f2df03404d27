#include "tools/penstock/pull_plan.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::commands;
using nlohmann::json;

namespace {

json study(const char* pacs, const char* modality, int images, const char* cached = "no") {
  return {
      {"pacs", pacs}, {"ModalitiesInStudy", {modality}}, {"NumberOfStudyRelatedInstances", images}, {"cached", cached}};
}

const json holdings{{{"Modality", "MR"}, {"bytes", 1000}, {"instances", 10}},
                    {{"Modality", "CT"}, {"bytes", 9000}, {"instances", 30}}};
const json usage{{"quota", 20'000}, {"used", 10'000}, {"reserved", 1'000}};

}  // namespace

BOOST_AUTO_TEST_SUITE(pull_plans)

BOOST_AUTO_TEST_CASE(guesses_sizes_by_what_the_project_has_of_that_modality) {
  const auto plan =
      plan_of(json{study("a", "MR", 20), study("b", "CT", 0), study("b", "CT", 5, "yes")}, holdings, usage);
  BOOST_TEST(plan.studies == 3u);
  BOOST_TEST(plan.to_fetch == 2u);
  BOOST_REQUIRE(plan.bytes.has_value());
  BOOST_TEST(*plan.bytes == 20u * 100 + 9000);
  BOOST_TEST(plan.free_quota == 9'000u);
  BOOST_TEST(plan.shares.at("b").cached == 1u);
  BOOST_TEST(plan.shares.at("b").unknown_images == 1u);
  BOOST_TEST(summary_of(plan).find("too much") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(says_that_it_does_not_know_when_there_is_nothing_to_go_by) {
  const auto plan = plan_of(json::array({study("a", "MR", 20)}), json::array(), usage);
  BOOST_TEST(!plan.bytes.has_value());
  BOOST_TEST(summary_of(plan).find("not known yet") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(says_that_nothing_has_to_be_fetched) {
  const auto plan = plan_of(json::array({study("a", "MR", 20, "yes")}), json::array(), usage);
  BOOST_TEST(summary_of(plan).find("nothing has to be fetched") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(says_when_something_may_start) {
  BOOST_TEST(when_it_starts(json{{"window", "nights"}, {"paused", false}, {"problem", ""}}) == "now");
  BOOST_TEST(when_it_starts(json{{"window", ""}, {"paused", "works"}}) == "when it is resumed: works");
  BOOST_TEST(when_it_starts(json{{"window", ""}, {"paused", false}, {"next_change", nullptr}}) ==
             "never: no window opens this week");
  BOOST_TEST(when_it_starts(json{{"problem", "no answer"}}) == "not now: no answer");
  BOOST_TEST(when_it_starts(json::object()) == "not known");
}

BOOST_AUTO_TEST_SUITE_END()
