#include "actors/forecast.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <iostream>
#include <random>

#include "tests/actors/live_site.hpp"

using namespace penstock;
using namespace penstock::actors;
using namespace std::chrono_literals;
using penstock::test::live_site;
using std::chrono::sys_days;

namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t hour_us = 3'600 * second_us;
constexpr std::int64_t day_us = 24 * hour_us;
constexpr auto new_york = "America/New_York";

std::int64_t utc(int year, unsigned month, unsigned day, std::chrono::seconds time) {
  const auto at = sys_days{std::chrono::year{year} / static_cast<int>(month) / static_cast<int>(day)} + time;
  return std::chrono::microseconds{at.time_since_epoch()}.count();
}

// A Monday, 09:00 in New York.
const auto monday_us = utc(2026, 3, 2, 14h);

/// A sound clock; the boot was ten days before that Monday.
instant at(std::int64_t wall_us) { return {(wall_us - monday_us + 10 * day_us) * 1000, wall_us, 0, "boot", false}; }

conf::window from_to(std::string name, std::uint8_t days, int from_minute, int to_minute, conf::window_limits limits) {
  return {std::move(name), days, static_cast<std::uint16_t>(from_minute), static_cast<std::uint16_t>(to_minute),
          limits};
}

conf::pacs pacs_with(std::vector<conf::window> windows, std::string zone = new_york) {
  conf::pacs pacs;
  pacs.id = "mgh-rad";
  pacs.timezone = std::move(zone);
  pacs.windows = std::move(windows);
  return pacs;
}

conf::pacs always(conf::window_limits limits) { return pacs_with({from_to("always", 0x7f, 0, 1440, limits)}); }

/// Twenty an hour in clinic hours, four hundred in nights and at weekends.
conf::pacs clinic_and_nights() {
  return pacs_with({from_to("clinic", 0x1f, 420, 1140, {1, 1, 20, {}, false}),
                    from_to("nights", 0x7f, 0, 1440, {4, 10, 400, 4'000, false})});
}

forecast_input input_of(std::vector<queued_project> projects, std::chrono::seconds mean = 60s, int days = 7) {
  forecast_input input;
  input.now = at(monday_us);
  input.projects = std::move(projects);
  input.mean_retrieval = mean;
  input.horizon = std::chrono::days{days};
  return input;
}

/// "" when each position that the site starts lies within its interval, and each step is kept by then.
std::string disagreement(const forecast& told, const live_site& site) {
  for (const auto& project : told.projects) {
    const auto found = site.starts_us.find(project.project);
    const auto starts = found == site.starts_us.end() ? std::vector<std::int64_t>{} : found->second;
    const auto where = [&](std::size_t i) { return project.project + " " + std::to_string(i + 1) + ": "; };
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const auto estimate = estimate_start(project, i + 1);
      if (starts[i] < estimate.earliest_us)
        return where(i) + std::to_string(estimate.earliest_us - starts[i]) + " us too early";
      if (estimate.latest_us && starts[i] > *estimate.latest_us)
        return where(i) + std::to_string(starts[i] - *estimate.latest_us) + " us too late";
      if (i >= project.possible) return where(i) + "was not possible";
    }
    if (!project.steps.empty() && starts.size() < project.steps.back().starts) return project.project + ": too few";
  }
  return "";
}

/// How a week ends that is asked about every quarter of a second: all that limits the policy is a multiple of it.
live_site asked_every_quarter(const conf::pacs& pacs, const forecast_input& input, int days) {
  live_site site{pacs, input};
  site.run(input.now.wall_us + days * day_us, [](std::int64_t) { return second_us / 4; });
  return site;
}

const forecast_hour& hour_at(const forecast& told, std::int64_t at_us) {
  return *std::find_if(told.hours.begin(), told.hours.end(), [&](const auto& one) { return one.ends_us > at_us; });
}

/// Any windows, limits, history and queues, and retrievals that take any time within the spread.
class any_site {
 public:
  explicit any_site(std::uint32_t seed) : random_(seed) {
    draw_pacs();
    input.now = at(utc(2026, 3, 6, 3h) + draw(0, 3 * 86'400'000) * 1000);  // around a change of the clocks
    input.now.max_error_us = draw(0, 1) * 40'000;
    input.mean_retrieval = std::chrono::milliseconds{draw(1'000, 600'000)};
    input.horizon = std::chrono::days{draw(1, 3)};
    draw_history();
    static const std::vector<std::string> names{"alz", "knee", "ms", "stroke"};
    const auto projects = static_cast<std::size_t>(draw(1, 4));
    for (std::size_t i = 0; i < projects; ++i)
      input.projects.push_back({names[i],
                                static_cast<std::uint32_t>(draw(0, 3)),
                                static_cast<std::uint64_t>(draw(0, draw(0, 1) == 0 ? 20 : 600)),
                                {}});
    // Where turns fall to others at an instant of its own, only what takes the mean time is promised.
    expires_ = draw(0, 3) == 0;
    if (expires_) input.projects[0].expires_us = input.now.wall_us + draw(-1, 40) * hour_us;
  }

  /// Asks when the policy said, or at any time before.
  void drive(live_site& live) {
    if (!expires_) {
      const auto mean_us = input.mean_retrieval.count();
      const auto spread_us = mean_us * retrieval_spread_percent / 100;
      live.retrieval_us = [this, mean_us, spread_us] { return draw(mean_us - spread_us, mean_us + spread_us); };
      live.rest_us = [this, mean_us, spread_us] { return draw(0, mean_us + spread_us); };
    }
    live.run(input.now.wall_us + day_us * input.horizon.count(), [&](std::int64_t next_us) {
      const auto wait_us = std::max<std::int64_t>(next_us - live.now_us(), 1);
      return draw(0, 2) == 0 ? draw(1, wait_us) : wait_us;
    });
  }

  conf::pacs pacs;
  forecast_input input;

 private:
  std::int64_t draw(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>{least, most}(random_);
  }

  void draw_pacs() {
    const auto maybe = [&](std::int64_t most) {
      return draw(0, 2) == 0 ? std::nullopt : std::optional{static_cast<std::uint32_t>(draw(1, most))};
    };
    static const std::vector<std::string> zones{"America/New_York", "Europe/Berlin", "Asia/Kathmandu", "UTC"};
    pacs.timezone = zones[static_cast<std::size_t>(draw(0, 3))];
    for (auto left = draw(1, 4); left > 0; --left) {
      conf::window_limits limits{static_cast<std::uint32_t>(draw(0, 4)), maybe(8), maybe(60), maybe(400),
                                 draw(0, 1) == 0};
      pacs.windows.push_back(from_to("window", static_cast<std::uint8_t>(draw(1, 127)), static_cast<int>(draw(0, 1439)),
                                     static_cast<int>(draw(1, 1440)), limits));
    }
  }

  /// Starts of the last day, some of which still run, and leases that a crash left behind.
  void draw_history() {
    std::vector<std::int64_t> ages_us;
    for (auto left = draw(0, 60); left > 0; --left) ages_us.push_back(draw(0, draw(0, 1) == 0 ? hour_us : day_us));
    std::sort(ages_us.rbegin(), ages_us.rend());
    std::uint64_t permit = 0;
    input.policy.restore({}, {{++permit, "ms"}}, at(input.now.wall_us - draw(0, 40) * second_us));
    for (const auto age_us : ages_us) {
      static_cast<void>(input.policy.reserve(at(input.now.wall_us - age_us), ++permit, "alz"));
      if (draw(0, 20) != 0)
        input.policy.retrieval_ended(permit);
      else
        input.running.push_back({permit, "alz"});
    }
  }

  std::mt19937 random_;
  bool expires_ = false;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(forecasts)

BOOST_AUTO_TEST_CASE(tells_hour_by_hour_what_a_week_asked_by_the_clock_does) {
  const auto pacs = clinic_and_nights();
  const auto input = input_of({{"alz", 2, 9'000, {}}, {"knee", 1, 300, {}}});
  const auto told = make_forecast(pacs, input);
  auto live = asked_every_quarter(pacs, input, 7);
  for (std::size_t i = 0; i < told.projects.size(); ++i) {
    const auto& starts = live.starts_us[told.projects[i].project];
    BOOST_TEST(told.projects[i].starts == starts.size());
    for (const auto& hour : told.hours) {
      const auto in_hour = std::count_if(starts.begin(), starts.end(), [&](std::int64_t at_us) {
        return at_us >= hour.begins_us && at_us < hour.ends_us;
      });
      BOOST_TEST(hour.starts[i] == static_cast<std::uint64_t>(in_hour));
    }
  }
  BOOST_TEST(disagreement(told, live) == "");
}

BOOST_AUTO_TEST_CASE(no_hour_starts_more_than_may_start) {
  auto input = input_of({{"alz", 1, 50'000, {}}}, 20s);
  input.most_starts = 50'000;
  const auto told = make_forecast(clinic_and_nights(), input);
  std::uint64_t busy_hours = 0;
  for (const auto& hour : told.hours) {
    BOOST_TEST(hour.starts[0] <= hour.may_start);
    busy_hours += hour.starts[0] + 5 >= hour.may_start && hour.may_start > 0 ? 1 : 0;
  }
  BOOST_TEST(busy_hours > 100U);
}

BOOST_AUTO_TEST_CASE(each_hour_names_its_window_and_limits) {
  const auto told = make_forecast(clinic_and_nights(), input_of({{"alz", 1, 10, {}}}));
  BOOST_TEST(hour_at(told, monday_us).window == "clinic");
  BOOST_TEST(hour_at(told, monday_us).may_start == 20U);
  BOOST_TEST(hour_at(told, monday_us + 10 * hour_us).window == "nights");
  BOOST_TEST(hour_at(told, monday_us + 10 * hour_us).may_start == 240U);  // four at once, a minute each
  BOOST_TEST((hour_at(told, monday_us + 10 * hour_us).limits->per_hour == 400U));
  BOOST_TEST(told.hours.size() == 7U * 24U);
}

BOOST_AUTO_TEST_CASE(hours_are_those_of_the_clocks_on_the_wall) {
  auto input = input_of({});
  input.now =
      at(utc(2026, 10, 31, 16h) + 1'200 * second_us);  // Saturday 12:20 in New York; the clocks go back at night
  const auto told = make_forecast(clinic_and_nights(), input);
  BOOST_TEST(told.hours[0].ends_us - told.hours[0].begins_us == 2 * hour_us / 3);
  for (std::size_t i = 1; i + 1 < told.hours.size(); ++i) {
    BOOST_TEST(told.hours[i].begins_us == told.hours[i - 1].ends_us);
    BOOST_TEST(told.hours[i].ends_us - told.hours[i].begins_us == hour_us);
  }
  BOOST_TEST(told.ends_us == input.now.wall_us + 7 * day_us);
  BOOST_TEST(hour_at(told, utc(2026, 11, 2, 11h)).window == "nights");  // Monday 06:00, an hour later than before
  BOOST_TEST(hour_at(told, utc(2026, 11, 2, 12h)).window == "clinic");
}

BOOST_AUTO_TEST_CASE(an_hour_that_the_windows_divide_is_told_in_parts) {
  auto pacs = pacs_with({from_to("day", 0x7f, 600, 630, {1, {}, 9, {}, false})}, "UTC");
  auto input = input_of({{"alz", 1, 100, {}}}, 1s, 1);
  input.now = at(utc(2026, 3, 2, 10h));
  const auto told = make_forecast(pacs, input);
  BOOST_TEST(told.hours[0].window == "day");
  BOOST_TEST(told.hours[0].starts[0] == 9U);
  BOOST_TEST(told.hours[1].window == "");
  BOOST_TEST(told.hours[1].begins_us == input.now.wall_us + hour_us / 2);
  BOOST_TEST(!told.hours[1].limits);
  BOOST_TEST(told.hours[1].may_start == 0U);
}

BOOST_AUTO_TEST_CASE(rates_that_are_used_and_retrievals_that_run_delay_the_first) {
  auto input = input_of({{"alz", 1, 3, {}}}, 40s);
  for (std::uint64_t permit = 1; permit <= 5; ++permit) {
    static_cast<void>(input.policy.reserve(at(monday_us - 600 * second_us), permit, "alz"));
    input.policy.retrieval_ended(permit);
  }
  const auto used = make_forecast(always({2, {}, 5, {}, false}), input);
  BOOST_TEST(used.projects[0].steps.front().earliest_us == monday_us + 3'001'250'000);
  BOOST_TEST(used.hours[0].may_start == 5U);  // they are free again before the hour is over

  auto running = input_of({{"alz", 1, 3, {}}}, 40s);
  static_cast<void>(running.policy.reserve(at(monday_us - second_us), 1, "knee"));
  running.running = {{1, "knee"}};
  const auto behind = make_forecast(always({1, {}, {}, {}, false}), running);
  BOOST_TEST(behind.projects[0].steps.front().earliest_us == monday_us);
  BOOST_TEST(behind.projects[0].steps.back().latest_us == monday_us + 150 * second_us);
}

BOOST_AUTO_TEST_CASE(leases_that_a_crash_left_behind_delay_until_they_are_quiet) {
  auto input = input_of({{"alz", 1, 1, {}}});
  input.policy.restore({}, {{7, "knee"}}, at(monday_us - 10 * second_us));
  const auto told = make_forecast(always({1, {}, {}, {}, false}), input);
  BOOST_TEST(told.projects[0].steps.front().earliest_us == monday_us + 20 * second_us);
  BOOST_TEST(told.projects[0].steps.front().latest_us == monday_us + 20 * second_us);
}

BOOST_AUTO_TEST_CASE(a_paused_pacs_starts_nothing_until_it_is_resumed) {
  auto input = input_of({{"alz", 1, 10, {}}});
  input.policy.pause("maintenance");
  const auto told = make_forecast(clinic_and_nights(), input);
  BOOST_TEST((told.projects[0].end == forecast_end::pacs_paused));
  BOOST_TEST((estimate_start(told.projects[0], 1).end == forecast_end::pacs_paused));
  for (const auto& hour : told.hours) BOOST_TEST(hour.may_start + hour.starts[0] == 0U);
}

BOOST_AUTO_TEST_CASE(a_closed_pacs_starts_nothing_within_the_horizon) {
  const auto told = make_forecast(pacs_with({}), input_of({{"alz", 1, 10, {}}}));
  BOOST_TEST((told.projects[0].end == forecast_end::beyond_horizon));
  const auto estimate = estimate_start(told.projects[0], 1);
  BOOST_TEST((estimate.end == forecast_end::beyond_horizon));
  BOOST_TEST(estimate.earliest_us == monday_us + 7 * day_us);
  BOOST_TEST(!estimate.latest_us);
}

BOOST_AUTO_TEST_CASE(a_project_that_expires_first_gives_its_turns_to_the_others) {
  const auto expires_us = monday_us + 2 * hour_us;
  const auto input = input_of({{"alz", 1, 100, expires_us}, {"knee", 1, 100, {}}});
  const auto told = make_forecast(always({9, {}, 20, {}, false}), input);
  BOOST_TEST((told.projects[0].end == forecast_end::project_expired));
  BOOST_TEST(told.projects[0].starts == 20U);
  BOOST_TEST((estimate_start(told.projects[0], 20).end == forecast_end::started));
  BOOST_TEST((estimate_start(told.projects[0], 21).end == forecast_end::project_expired));
  BOOST_TEST((told.projects[1].end == forecast_end::started));
  BOOST_TEST(hour_at(told, expires_us + hour_us).starts[1] == 20U);
  BOOST_TEST(told.projects[1].done_us > monday_us + 5 * hour_us);

  const auto expired = make_forecast(always({9, {}, {}, {}, false}), input_of({{"alz", 1, 1, monday_us}}));
  BOOST_TEST((estimate_start(expired.projects[0], 1).end == forecast_end::project_expired));
}

BOOST_AUTO_TEST_CASE(what_runs_ends_where_an_aborting_window_begins) {
  // Closed from 10:00 on; the retrieval that runs would hold the only place until noon.
  const auto pacs = pacs_with({from_to("hands off", 0x7f, 600, 660, {0, {}, {}, {}, true}),
                               from_to("rest", 0x7f, 0, 1440, {1, {}, {}, {}, false})});
  const auto told = make_forecast(pacs, input_of({{"alz", 1, 2, {}}}, 3h));
  BOOST_TEST(told.projects[0].steps.back().earliest_us == monday_us + 2 * hour_us);
  BOOST_TEST(told.projects[0].steps.back().latest_us == monday_us + 2 * hour_us);
}

BOOST_AUTO_TEST_CASE(projects_start_in_the_ratio_of_their_weights) {
  const auto input = input_of({{"alz", 3, 500, {}}, {"knee", 1, 500, {}}}, 60s, 1);
  const auto told = make_forecast(always({9, {}, 20, {}, false}), input);
  BOOST_TEST(hour_at(told, monday_us + 3 * hour_us).starts[0] == 15U);
  BOOST_TEST(hour_at(told, monday_us + 3 * hour_us).starts[1] == 5U);
}

BOOST_AUTO_TEST_CASE(a_limit_by_day_ends_the_hours_in_which_something_may_start) {
  const auto told = make_forecast(always({9, {}, 100, 250, false}), input_of({{"alz", 1, 2'000, {}}}));
  BOOST_TEST(told.hours[2].starts[0] == 50U);
  BOOST_TEST(told.hours[2].may_start == 50U);
  for (std::size_t i = 3; i < 24; ++i) BOOST_TEST(told.hours[i].may_start == 0U);
  BOOST_TEST(told.projects[0].starts == 7U * 250U);
  BOOST_TEST((told.projects[0].end == forecast_end::beyond_horizon));
}

BOOST_AUTO_TEST_CASE(a_clock_in_doubt_is_taken_to_be_trusted) {
  auto input = input_of({{"alz", 1, 1, {}}});
  input.now.clock_in_doubt = true;
  input.now.max_error_us = hour_us;
  const auto told = make_forecast(clinic_and_nights(), input);
  BOOST_TEST(told.projects[0].steps.front().earliest_us == monday_us);
}

BOOST_AUTO_TEST_CASE(no_more_is_simulated_than_was_asked_for) {
  auto input = input_of({{"alz", 1, 400, {}}}, 10s, 99);
  input.most_starts = 300;
  const auto told = make_forecast(always({9, {}, 100, {}, false}), input);
  BOOST_TEST(told.projects[0].starts == 300U);
  BOOST_TEST((told.projects[0].end == forecast_end::beyond_starts));
  BOOST_TEST(told.ends_us < monday_us + 3 * hour_us);
  BOOST_TEST((estimate_start(told.projects[0], 301).end == forecast_end::beyond_starts));
  BOOST_TEST(estimate_start(told.projects[0], 301).earliest_us >= told.projects[0].steps.back().earliest_us);
  input.most_starts = 400;
  BOOST_TEST(make_forecast(always({9, {}, 100, {}, false}), input).ends_us == monday_us + 14 * day_us);
}

BOOST_AUTO_TEST_CASE(a_curve_is_short_finest_near_now_and_falls_apart_where_nothing_starts) {
  const auto pacs = pacs_with({from_to("night", 0x7f, 1200, 360, {2, 10, 120, {}, false})});
  const auto told = make_forecast(pacs, input_of({{"alz", 1, 8'000, {}}}, 20s));
  const auto& steps = told.projects[0].steps;
  BOOST_TEST(steps.size() == most_forecast_steps);
  for (const auto& one : steps) BOOST_TEST(one.latest_us - one.earliest_us < 4 * hour_us);
  BOOST_TEST(steps[0].earliest_us == monday_us + 11 * hour_us);
  const auto first = estimate_start(told.projects[0], 1);
  BOOST_TEST(*first.latest_us - first.earliest_us < hour_us);
  BOOST_TEST(make_forecast(pacs, input_of({{"alz", 1, 0, {}}})).projects[0].steps.empty());
}

BOOST_AUTO_TEST_CASE(each_position_starts_within_its_interval_for_any_contract_and_queue) {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    any_site any{seed};
    const auto told = make_forecast(any.pacs, any.input);
    live_site live{any.pacs, any.input};
    any.drive(live);
    BOOST_TEST(disagreement(told, live) == "", "seed " << seed << ": " << disagreement(told, live));
  }
}

BOOST_AUTO_TEST_CASE(costs_milliseconds_for_few_projects_and_for_many) {
  for (const auto count : {1U, 5U, 50U}) {
    std::vector<queued_project> projects;
    for (std::size_t i = 0; i < count; ++i) projects.push_back({"project" + std::to_string(i), 1, 30'000, {}});
    const auto begins = std::chrono::steady_clock::now();
    const auto told = make_forecast(clinic_and_nights(), input_of(projects, 30s, 14));
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begins;
    std::uint64_t starts = 0;
    for (const auto& one : told.projects) starts += one.starts;
    std::cout << "forecast of " << starts << " starts of " << count << " projects: " << took.count() << " ms\n";
    BOOST_TEST(starts == affordable_starts(count));
    BOOST_TEST(took.count() < 2'000);  // a slip of orders of magnitude, on any machine
  }
}

BOOST_AUTO_TEST_SUITE_END()
