#include "tools/penstock/simulate_table.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace penstock::commands;
using nlohmann::json;

namespace {

const json nights{{"concurrent", 4}, {"per_hour", 400}};

json hour(const std::string& begins, const std::string& ends, const std::string& window, json limits,
          std::uint64_t may_start, json starts = json::object()) {
  return {{"begins", begins},       {"ends", ends},
          {"window", window},       {"limits", std::move(limits)},
          {"may_start", may_start}, {"starts", std::move(starts)}};
}

std::string day_at(int day, int time) {
  return "2025-11-" + std::to_string(day) + "T" + (time < 10 ? "0" : "") + std::to_string(time) + ":00:00-05:00";
}

/// So many hours from 24 November, 19:00, in New York.
json hours_of_nights(int count) {
  json hours = json::array();
  for (int i = 0; i < count; ++i)
    hours.push_back(hour(day_at(24 + (19 + i) / 24, (19 + i) % 24), day_at(24 + (20 + i) / 24, (20 + i) % 24), "nights",
                         nights, 390U + static_cast<unsigned>(i % 11), {{"knee-mri", 10}, {"alz-brain", 30}}));
  return hours;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(simulate_table)

BOOST_AUTO_TEST_CASE(hours_that_are_alike_stand_in_one_line) {
  auto hours = json::array({hour(day_at(24, 18), day_at(24, 19), "clinic", {{"concurrent", 1}}, 20, {{"ms", 1}})});
  for (const auto& one : hours_of_nights(12)) hours.push_back(one);
  hours.push_back(hour(day_at(25, 7), day_at(25, 8), "", json::object(), 0));
  BOOST_TEST(simulated_hours({{"hours", hours}}).text({}) ==
             "Hours                   Window  May start          Starts\n"
             "Mon 24 Nov 18:00-19:00  clinic  up to 20 an hour   1 start: ms 1\n"
             "Mon 24 Nov 19:00-07:00  nights  up to 400 an hour  480 starts: alz-brain 360, knee-mri 120\n"
             "Tue 25 Nov 07:00-08:00  closed  nothing\n");
}

BOOST_AUTO_TEST_CASE(a_line_is_a_day_long_at_most) {
  BOOST_TEST(simulated_hours({{"hours", hours_of_nights(30)}}).text({}) ==
             "Hours                   Window  May start          Starts\n"
             "Mon 24 Nov 19:00-19:00  nights  up to 400 an hour  960 starts: alz-brain 720, knee-mri 240\n"
             "Tue 25 Nov 19:00-01:00  nights  up to 397 an hour  240 starts: alz-brain 180, knee-mri 60\n");
}

BOOST_AUTO_TEST_CASE(the_hours_after_a_limit_by_day_is_reached_stand_apart) {
  const json hours{hour(day_at(24, 19), day_at(24, 20), "nights", nights, 400, {{"ms", 400}}),
                   hour(day_at(24, 20), day_at(24, 21), "nights", nights, 0)};
  BOOST_TEST(simulated_hours({{"hours", hours}}).text({}) ==
             "Hours                   Window  May start          Starts\n"
             "Mon 24 Nov 19:00-20:00  nights  up to 400 an hour  400 starts: ms 400\n"
             "Mon 24 Nov 20:00-21:00  nights  nothing\n");
}

BOOST_AUTO_TEST_CASE(tells_when_a_project_is_done_or_why_not) {
  const json pacs{
      {"pacs", "mgh-rad"},
      {"zone", "America/New_York"},
      {"until", day_at(30, 14)},
      {"projects",
       {{{"project", "alz-brain"}, {"waiting", 12}, {"starts", 12}, {"done", day_at(25, 3)}, {"reason", ""}},
        {{"project", "ms"}, {"waiting", 4'000}, {"starts", 0}, {"done", nullptr}, {"reason", "not within 7 days"}}}}};
  BOOST_TEST(simulated_heading(pacs) == "mgh-rad until Sun 30 Nov 14:00, in the time of America/New_York");
  BOOST_TEST(simulated_projects(pacs).text({}) ==
             "Project    Waiting  Starts  Done\n"
             "alz-brain       12      12  Tue 25 Nov 03:00\n"
             "ms            4000       0  not within 7 days\n");
}

BOOST_AUTO_TEST_CASE(an_answer_of_another_shape_is_shown_as_far_as_it_goes) {
  BOOST_TEST(simulated_hours(json::object()).empty());
  BOOST_TEST(simulated_projects(json::array()).empty());
  const json hours{{{"begins", "soon"}}, {{"begins", "2025-13-45T99:00:00Z"}, {"starts", 7}}, 5};
  BOOST_TEST(simulated_hours({{"hours", hours}}).text({}).find("soon") != std::string::npos);
  BOOST_TEST(simulated_heading({{"pacs", "a\x1b[31m"}, {"zone", "UTC"}}).find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
