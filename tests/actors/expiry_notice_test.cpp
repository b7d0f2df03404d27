#include "actors/expiry_notice.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

using namespace penstock::actors;
using namespace std::chrono;
using namespace std::chrono_literals;

namespace {

constexpr auto new_york = "America/New_York";
constexpr year_month_day last_day{2027y / March / 31};

std::int64_t utc(year_month_day day, seconds time) { return microseconds{sys_days{day} + time - sys_days{}}.count(); }

std::string text_at(year_month_day day, const std::optional<said_expiry>& said = {}) {
  const auto due = due_expiry_notice("alz-brain", last_day, new_york, utc(day, 17h), said);
  return due ? due->text : "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(expiry_notices)

BOOST_AUTO_TEST_CASE(members_hear_a_month_a_week_and_a_day_before_and_when_it_has_ended) {
  BOOST_TEST(text_at(2027y / February / 28) == "");
  BOOST_TEST(text_at(2027y / March / 1) ==
             "alz-brain ends in 30 days, on 31 March 2027: after that nothing is fetched or handed out. Ask the IRB "
             "office to extend it.");
  BOOST_TEST(text_at(2027y / March / 24).starts_with("alz-brain ends in 7 days, on 31 March 2027:"));
  BOOST_TEST(text_at(2027y / March / 30).starts_with("alz-brain ends tomorrow, on 31 March 2027:"));
  BOOST_TEST(text_at(2027y / March / 31).starts_with("alz-brain ends today, on 31 March 2027:"));
  BOOST_TEST(text_at(2027y / April / 1) ==
             "alz-brain ended on 31 March 2027: nothing is fetched or handed out until it is extended. Ask the IRB "
             "office to extend it.");
}

BOOST_AUTO_TEST_CASE(each_notice_is_given_once) {
  std::optional<said_expiry> said;
  std::vector<year_month_day> told_on;
  for (sys_days day = 2027y / January / 1; day < sys_days{2027y / June / 1}; day += days{1})
    for (const auto hour : {5h, 12h, 23h})
      if (auto due = due_expiry_notice("alz-brain", last_day, new_york, utc(day, hour), said)) {
        said = due->said;
        told_on.push_back(day);
      }
  const std::vector<year_month_day> expected{2027y / March / 1, 2027y / March / 24, 2027y / March / 30,
                                             2027y / April / 1};
  BOOST_TEST((told_on == expected));
}

BOOST_AUTO_TEST_CASE(who_was_not_told_in_time_hears_only_the_latest_and_the_days_that_are_left) {
  const auto due = due_expiry_notice("alz-brain", last_day, new_york, utc(2027y / March / 27, 17h), {});
  BOOST_REQUIRE(due.has_value());
  BOOST_TEST(due->text.starts_with("alz-brain ends in 4 days,"));
  BOOST_TEST(text_at(2027y / March / 28, due->said) == "");
  BOOST_TEST(text_at(2027y / March / 30, due->said) != "");
}

BOOST_AUTO_TEST_CASE(a_project_that_is_extended_hears_everything_again) {
  const auto expired = due_expiry_notice("alz-brain", last_day, new_york, utc(2027y / April / 2, 12h), {});
  BOOST_REQUIRE(expired.has_value());
  const year_month_day extended{2027y / April / 20};
  const auto again = due_expiry_notice("alz-brain", extended, new_york, utc(2027y / April / 2, 12h), expired->said);
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST(again->text.starts_with("alz-brain ends in 18 days, on 20 April 2027:"));
}

BOOST_AUTO_TEST_CASE(days_end_at_midnight_where_the_hospital_is) {
  const auto ended = [](seconds time) {
    const auto due = due_expiry_notice("alz-brain", last_day, new_york, utc(2027y / April / 1, time), {});
    return due->text.find("ended on") != std::string::npos;
  };
  BOOST_TEST(!ended(3h + 59min + 59s));
  BOOST_TEST(ended(4h));
}

BOOST_AUTO_TEST_CASE(a_project_without_a_last_day_hears_nothing) {
  BOOST_TEST(!due_expiry_notice("alz-brain", {}, new_york, utc(2099y / April / 1, 0h), {}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
