#include "conf/calendar.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace penstock::conf;
using namespace std::chrono;
using namespace std::chrono_literals;

namespace {

constexpr std::uint8_t every_day = 0x7f;
constexpr std::uint8_t weekdays = 0x1f;

window from_to(std::string name, std::uint8_t days, int from_minute, int to_minute) {
  return {std::move(name),
          days,
          static_cast<std::uint16_t>(from_minute),
          static_cast<std::uint16_t>(to_minute),
          {1, {}, {}, {}, false}};
}

sys_seconds utc(int year_number, unsigned month_number, unsigned day_number, seconds time) {
  return sys_days{year{year_number} / month_number / day_number} + time;
}

/// Name of the window in force, "" when closed.
std::string name_at(const std::vector<window>& windows, const std::string& zone, sys_seconds at) {
  const auto found = stretch_at(windows, zone, at);
  return found.window ? windows[*found.window].name : "";
}

/// The stretch is what an independent walk, minute by minute, says.
void check_by_walking(const std::vector<window>& windows, const std::string& zone, sys_seconds at) {
  const auto found = stretch_at(windows, zone, at);
  auto end = floor<minutes>(at) + 1min;
  while (end < at + calendar_reach && stretch_at(windows, zone, end).window == found.window) end += 1min;
  auto begin = floor<minutes>(at);
  while (begin > at - calendar_reach && stretch_at(windows, zone, begin - 1s).window == found.window) begin -= 1min;
  BOOST_TEST((found.ends - at).count() == std::min<seconds>(end - at, calendar_reach).count());
  BOOST_TEST((found.begins - at).count() == std::max<seconds>(begin - at, -calendar_reach).count());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(calendar)

BOOST_AUTO_TEST_CASE(knows_time_zones) {
  BOOST_TEST(is_time_zone("America/New_York"));
  BOOST_TEST(is_time_zone("UTC"));
  for (const auto* name : {"", "America/New York", "Mars/Olympus", "../../etc/passwd", "america/new_york"})
    BOOST_TEST(!is_time_zone(name), name);
}

BOOST_AUTO_TEST_CASE(is_closed_without_windows_or_zone) {
  BOOST_TEST(!stretch_at({}, "UTC", utc(2026, 3, 4, 12h)).window);
  BOOST_TEST(!stretch_at({from_to("always", every_day, 0, 1440)}, "Nowhere", utc(2026, 3, 4, 12h)).window);
}

BOOST_AUTO_TEST_CASE(takes_the_first_window_that_matches) {
  const std::vector<window> windows{from_to("clinic", weekdays, 420, 1140), from_to("rest", every_day, 0, 1440)};
  // 2026-03-04 is a Wednesday; New York is five hours behind.
  BOOST_TEST(name_at(windows, "America/New_York", utc(2026, 3, 4, 11h + 59min + 59s)) == "rest");
  BOOST_TEST(name_at(windows, "America/New_York", utc(2026, 3, 4, 12h)) == "clinic");
  BOOST_TEST(name_at(windows, "America/New_York", utc(2026, 3, 4, 23h + 59min + 59s)) == "clinic");
  BOOST_TEST(name_at(windows, "America/New_York", utc(2026, 3, 5, 0h)) == "rest");
  BOOST_TEST(name_at(windows, "America/New_York", utc(2026, 3, 7, 15h)) == "rest");
}

BOOST_AUTO_TEST_CASE(tells_when_the_window_in_force_began_and_ends) {
  const std::vector<window> windows{from_to("clinic", weekdays, 420, 1140), from_to("rest", every_day, 0, 1440)};
  const auto weekend = stretch_at(windows, "America/New_York", utc(2026, 2, 28, 12h));
  BOOST_TEST((weekend.begins == utc(2026, 2, 28, 0h)));  // Friday 19:00
  BOOST_TEST((weekend.ends == utc(2026, 3, 2, 12h)));    // Monday 07:00
}

BOOST_AUTO_TEST_CASE(a_window_over_midnight_belongs_to_the_day_it_begins_on) {
  const std::vector<window> windows{from_to("night", weekdays, 1320, 360)};
  BOOST_TEST(name_at(windows, "UTC", utc(2026, 3, 2, 5h)) == "");               // Monday morning: began on Sunday
  BOOST_TEST(name_at(windows, "UTC", utc(2026, 3, 2, 22h)) == "night");         // Monday evening
  BOOST_TEST(name_at(windows, "UTC", utc(2026, 3, 7, 5h + 59min)) == "night");  // Saturday morning: began on Friday
  BOOST_TEST(name_at(windows, "UTC", utc(2026, 3, 7, 22h)) == "");
  const auto night = stretch_at(windows, "UTC", utc(2026, 3, 4, 1h));
  BOOST_TEST((night.begins == utc(2026, 3, 3, 22h)));
  BOOST_TEST((night.ends == utc(2026, 3, 4, 6h)));
}

BOOST_AUTO_TEST_CASE(a_skipped_hour_does_not_exist) {
  // New York, 2026-03-08: at 07:00 UTC the clocks go from 02:00 to 03:00.
  const std::vector<window> skipped{from_to("small hours", every_day, 120, 180)};
  for (auto at = utc(2026, 3, 8, 5h); at < utc(2026, 3, 8, 10h); at += 1min)
    BOOST_TEST(name_at(skipped, "America/New_York", at) == "");
  const auto closed = stretch_at(skipped, "America/New_York", utc(2026, 3, 8, 6h));
  BOOST_TEST((closed.begins == utc(2026, 3, 7, 8h)));
  BOOST_TEST((closed.ends == utc(2026, 3, 9, 6h)));
  const std::vector<window> half{from_to("from half past two", every_day, 150, 240)};
  const auto open = stretch_at(half, "America/New_York", utc(2026, 3, 8, 7h + 30min));
  BOOST_TEST((open.window == 0U));
  BOOST_TEST((open.begins == utc(2026, 3, 8, 7h)));
  BOOST_TEST((open.ends == utc(2026, 3, 8, 8h)));
}

BOOST_AUTO_TEST_CASE(a_repeated_hour_is_open_twice) {
  // New York, 2026-11-01: at 06:00 UTC the clocks go from 02:00 back to 01:00.
  const std::vector<window> windows{from_to("small hours", every_day, 60, 90)};
  const auto first = stretch_at(windows, "America/New_York", utc(2026, 11, 1, 5h + 10min));
  BOOST_TEST((first.window == 0U));
  BOOST_TEST((first.ends == utc(2026, 11, 1, 5h + 30min)));
  const auto between = stretch_at(windows, "America/New_York", utc(2026, 11, 1, 5h + 45min));
  BOOST_TEST(!between.window);
  BOOST_TEST((between.ends == utc(2026, 11, 1, 6h)));
  const auto second = stretch_at(windows, "America/New_York", utc(2026, 11, 1, 6h + 10min));
  BOOST_TEST((second.window == 0U));
  BOOST_TEST((second.begins == utc(2026, 11, 1, 6h)));
  BOOST_TEST((second.ends == utc(2026, 11, 1, 6h + 30min)));
}

BOOST_AUTO_TEST_CASE(a_night_is_shorter_and_longer_when_the_clocks_change) {
  const std::vector<window> windows{from_to("night", every_day, 1320, 360)};
  const auto spring = stretch_at(windows, "Europe/Berlin", utc(2026, 3, 29, 0h));
  BOOST_TEST((spring.ends - spring.begins == 7h));
  const auto autumn = stretch_at(windows, "Europe/Berlin", utc(2026, 10, 25, 0h));
  BOOST_TEST((autumn.ends - autumn.begins == 9h));
}

BOOST_AUTO_TEST_CASE(agrees_with_a_walk_minute_by_minute) {
  const std::vector<window> windows{from_to("clinic", weekdays, 420, 1140), from_to("night", every_day, 1320, 125)};
  check_by_walking(windows, "America/New_York", utc(2026, 3, 8, 4h));
  check_by_walking(windows, "America/New_York", utc(2026, 11, 1, 5h + 30min));
  check_by_walking(windows, "Australia/Lord_Howe", utc(2026, 4, 4, 15h));  // half an hour back
  check_by_walking(windows, "Asia/Kathmandu", utc(2026, 7, 1, 3h + 7s));
  check_by_walking({from_to("sundays", 0x40, 0, 1440)}, "Europe/Berlin", utc(2026, 3, 26, 12h));
}

BOOST_AUTO_TEST_CASE(looks_eight_days_ahead_and_no_further) {
  const std::vector<window> always{from_to("always", every_day, 0, 1440)};
  const auto at = utc(2026, 3, 4, 12h);
  BOOST_TEST((stretch_at(always, "UTC", at).ends == at + calendar_reach));
  BOOST_TEST((stretch_at(always, "UTC", at).begins == at - calendar_reach));
}

BOOST_AUTO_TEST_CASE(lists_the_stretches_of_a_fortnight_as_asking_for_each_does) {
  const std::vector<window> windows{from_to("clinic", weekdays, 420, 1140), from_to("night", every_day, 1320, 125)};
  const auto from = utc(2026, 10, 25, 4h + 7s);
  for (const auto* zone : {"America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"}) {
    auto at = from;
    for (const auto& one : stretches_between(windows, zone, from, from + days{14})) {
      const auto asked = stretch_at(windows, zone, at);
      BOOST_TEST((one == asked), zone << " after " << (at - from).count() << " s");
      at = one.ends;
    }
    BOOST_TEST((at >= from + days{14}));
  }
}

BOOST_AUTO_TEST_CASE(stretches_that_never_change_reach_over_the_whole_time) {
  const auto from = utc(2026, 3, 4, 12h);
  const auto always = stretches_between({from_to("always", every_day, 0, 1440)}, "UTC", from, from + days{14});
  BOOST_TEST(always.size() == 1U);
  BOOST_TEST((always[0].begins <= from && always[0].ends >= from + days{14}));
  const auto nowhere = stretches_between({from_to("always", every_day, 0, 1440)}, "Nowhere", from, from + days{14});
  BOOST_TEST((nowhere == std::vector<stretch>{{std::nullopt, from, from + days{14}}}));
}

BOOST_AUTO_TEST_CASE(hours_begin_where_the_clocks_show_full_ones_or_are_changed) {
  BOOST_TEST((next_local_hour(utc(2026, 3, 4, 12h + 7s), "UTC") == utc(2026, 3, 4, 13h)));
  BOOST_TEST((next_local_hour(utc(2026, 3, 4, 12h), "Asia/Kathmandu") == utc(2026, 3, 4, 12h + 15min)));
  BOOST_TEST((next_local_hour(utc(2026, 4, 4, 14h), "Australia/Lord_Howe") == utc(2026, 4, 4, 15h)));
  BOOST_TEST((next_local_hour(utc(2026, 4, 4, 15h), "Australia/Lord_Howe") == utc(2026, 4, 4, 15h + 30min)));
  BOOST_TEST((next_local_hour(utc(2026, 3, 4, 12h), "Nowhere") == utc(2026, 3, 4, 13h)));
}

BOOST_AUTO_TEST_CASE(gives_local_dates_in_leap_years_and_around_midnight) {
  BOOST_TEST((local_date(utc(2028, 2, 29, 12h), "Europe/Berlin") == 2028y / February / 29));
  BOOST_TEST((local_date(utc(2028, 3, 1, 4h + 59min), "America/New_York") == 2028y / February / 29));
  BOOST_TEST((local_date(utc(2028, 3, 1, 5h), "America/New_York") == 2028y / March / 1));
  BOOST_TEST((local_date(utc(2026, 12, 31, 23h), "Europe/Berlin") == 2027y / January / 1));
}

BOOST_AUTO_TEST_CASE(the_last_day_is_inclusive) {
  const std::optional<year_month_day> last{2027y / March / 31};
  BOOST_TEST(!is_past(last, 2027y / March / 31));
  BOOST_TEST(is_past(last, 2027y / April / 1));
  BOOST_TEST(!is_past(std::nullopt, 2999y / January / 1));
  BOOST_TEST((end_of_day(*last, "America/New_York") == utc(2027, 4, 1, 4h)));
  BOOST_TEST((end_of_day(2028y / February / 28, "Europe/Berlin") == utc(2028, 2, 28, 23h)));
}

BOOST_AUTO_TEST_SUITE_END()
