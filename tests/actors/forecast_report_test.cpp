#include "actors/forecast_report.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace penstock;
using namespace penstock::actors;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t minute_us = 60'000'000;
constexpr std::int64_t hour_us = 60 * minute_us;
constexpr std::int64_t day_us = 24 * hour_us;
constexpr auto new_york = "America/New_York";
// Monday 24 November 2025, 14:00 in New York.
const std::int64_t monday_us =
    std::chrono::microseconds{(std::chrono::sys_days{std::chrono::year{2025} / 11 / 24} + 19h).time_since_epoch()}
        .count();

std::string text_of(std::int64_t earliest_us, std::int64_t latest_us, std::int64_t now_us = monday_us) {
  return estimate_text({forecast_end::started, earliest_us, latest_us}, now_us, new_york);
}

forecast small_forecast() {
  forecast told;
  told.ends_us = monday_us + day_us;
  told.projects = {{"alz", 3, 3, forecast_end::started, monday_us + 5 * minute_us, {}, 0, 3},
                   {"knee", 5, 1, forecast_end::beyond_horizon, 0, {}, 0, 1},
                   {"ms", 2, 0, forecast_end::project_expired, 0, {}, 0, 0}};
  told.hours = {{monday_us, monday_us + hour_us, "clinic", conf::window_limits{1, {}, 20, {}, false}, 20, {3, 1, 0}},
                {monday_us + hour_us, monday_us + day_us, "", {}, 0, {0, 0, 0}}};
  return told;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(forecast_words)

BOOST_AUTO_TEST_CASE(what_is_known_well_is_told_as_one_time) {
  BOOST_TEST(text_of(monday_us + 6 * minute_us, monday_us + 8 * minute_us) == "about 14:07");
  BOOST_TEST(text_of(monday_us + 21 * minute_us, monday_us + 28 * minute_us) == "about 14:25");
  BOOST_TEST(text_of(monday_us + 302 * minute_us, monday_us + 303 * minute_us) == "about 19:05");
  BOOST_TEST(text_of(monday_us + 5 * hour_us + day_us, monday_us + 5 * hour_us + day_us) == "about Tuesday 19:00");
}

BOOST_AUTO_TEST_CASE(what_is_due_is_told_as_now_and_never_as_past) {
  BOOST_TEST(text_of(monday_us, monday_us + minute_us) == "about now");
  BOOST_TEST(text_of(monday_us - hour_us, monday_us - minute_us) == "about now");
  BOOST_TEST(text_of(monday_us, monday_us + 4 * minute_us, monday_us + 3 * minute_us) == "about now");
  BOOST_TEST(text_of(monday_us - hour_us, monday_us + hour_us) == "14:00-15:00");
}

BOOST_AUTO_TEST_CASE(what_is_known_less_well_is_told_as_an_interval_rounded_outwards) {
  BOOST_TEST(text_of(monday_us + 7 * minute_us, monday_us + 41 * minute_us) == "14:05-14:45");
  BOOST_TEST(text_of(monday_us + day_us + 5 * hour_us, monday_us + day_us + 5 * hour_us + 40 * minute_us) ==
             "Tuesday 19:00-19:40");
  BOOST_TEST(text_of(monday_us + 8 * hour_us, monday_us + 12 * hour_us) == "22:00 - Tuesday 02:00");
  BOOST_TEST(text_of(monday_us + 6 * day_us, monday_us + 7 * day_us) == "Sunday 14:00 - 1 Dec 14:00");
  BOOST_TEST(text_of(monday_us + 11 * day_us, monday_us + 11 * day_us + hour_us) == "5 Dec 14:00-15:00");
}

BOOST_AUTO_TEST_CASE(times_on_both_sides_of_a_change_of_the_clocks_name_their_clock) {
  // The clocks go back on 2 November 2025, at 06:00 UTC.
  const auto change_us = monday_us - 22 * day_us - 13 * hour_us;
  BOOST_TEST(text_of(change_us - 10 * minute_us, change_us + 10 * minute_us, change_us - 5 * hour_us) ==
             "Sunday 01:50 EDT-01:10 EST");
}

BOOST_AUTO_TEST_CASE(what_is_not_foreseen_is_told_as_after_or_not_before) {
  const auto beyond = [](std::int64_t earliest_us) {
    return estimate_text({forecast_end::beyond_horizon, earliest_us, {}}, monday_us, new_york);
  };
  BOOST_TEST(beyond(monday_us + 11 * day_us) == "after 5 Dec 14:00");
  BOOST_TEST(beyond(monday_us + hour_us) == "after 15:00");
  BOOST_TEST(estimate_text({forecast_end::beyond_starts, monday_us + day_us, {}}, monday_us, new_york) ==
             "after Tuesday 14:00");
  BOOST_TEST(estimate_text({forecast_end::project_expired, 0, {}}, monday_us, new_york) ==
             "not before the project is extended");
  BOOST_TEST(estimate_text({forecast_end::pacs_paused, 0, {}}, monday_us, new_york) ==
             "not before the PACS is resumed");
}

BOOST_AUTO_TEST_CASE(an_unknown_zone_is_told_in_utc) {
  BOOST_TEST(estimate_text({forecast_end::started, monday_us, monday_us + hour_us}, monday_us, "Nowhere") ==
             "19:00-20:00");
}

BOOST_AUTO_TEST_CASE(the_document_tells_hours_in_the_time_of_the_pacs) {
  conf::pacs pacs;
  pacs.id = "mgh-rad";
  pacs.timezone = new_york;
  const auto document =
      simulation_document(pacs, small_forecast(), std::chrono::days{7}, [](std::string_view) { return true; });
  BOOST_TEST(document["pacs"] == "mgh-rad");
  BOOST_TEST(document["zone"] == new_york);
  BOOST_TEST(document["until"] == "2025-11-25T14:00:00-05:00");
  const auto& hour = document["hours"][0];
  BOOST_TEST(hour["begins"] == "2025-11-24T14:00:00-05:00");
  BOOST_TEST(hour["ends"] == "2025-11-24T15:00:00-05:00");
  BOOST_TEST(hour["window"] == "clinic");
  BOOST_TEST(hour["limits"] == nlohmann::json({{"concurrent", 1}, {"per_hour", 20}}));
  BOOST_TEST(hour["may_start"] == 20);
  BOOST_TEST(hour["starts"] == nlohmann::json({{"alz", 3}, {"knee", 1}}));
  BOOST_TEST(document["hours"][1]["limits"] == nlohmann::json::object());
}

BOOST_AUTO_TEST_CASE(the_document_tells_when_each_project_is_done_or_why_not) {
  const auto document =
      simulation_document({}, small_forecast(), std::chrono::days{7}, [](std::string_view) { return true; });
  const auto& projects = document["projects"];
  BOOST_TEST(projects[0]["done"] == "2025-11-24T19:05:00+00:00");
  BOOST_TEST(projects[0]["reason"] == "");
  BOOST_TEST(projects[1]["done"].is_null());
  BOOST_TEST(projects[1]["waiting"] == 5);
  BOOST_TEST(projects[1]["starts"] == 1);
  BOOST_TEST(projects[1]["reason"] == "not within 7 days");
  BOOST_TEST(projects[2]["reason"] == "not before the project is extended");
}

BOOST_AUTO_TEST_CASE(the_document_names_no_project_that_is_not_shown) {
  const auto document = simulation_document({}, small_forecast(), std::chrono::days{7},
                                            [](std::string_view project) { return project == "knee"; });
  BOOST_TEST(document["projects"].size() == 1U);
  BOOST_TEST(document.dump().find("alz") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
