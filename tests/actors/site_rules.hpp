#pragma once
// Rules files as they might be, around the days on which clocks are hard: drawn at random, for permit_world and its
// judge.

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "conf/rules.hpp"
#include "tests/actors/civil_zone.hpp"

namespace penstock::test {

inline constexpr std::array<const char*, 2> site_projects{"alz", "ms"};

struct project_terms {
  std::optional<std::chrono::year_month_day> valid_through;  ///< last day
  bool withdrawn = false;                                    ///< nobody of those who wait is in the cohort any more
};

/// What one version of the rules file says of the PACS and the projects.
struct site_rules {
  std::uint64_t timetable = 0;  ///< the zone and the hours of the windows, without their limits
  const civil_zone* zone = nullptr;
  std::vector<conf::window> windows;
  std::uint32_t find_per_minute = 0;
  std::array<project_terms, site_projects.size()> projects;
};

/// What the days of a history have in store.
enum class season : std::uint8_t { clocks_forward, clocks_back, leap_day, any };

/// Histories that follow each other share the zone, the days and the timetables, so that conf::calendar need not be
/// asked the same a thousand times; limits, terms and everything that happens are each history's own.
class rules_maker {
 public:
  static constexpr std::uint32_t histories_a_block = 500;
  static constexpr std::int64_t timetables_a_block = 16;

  rules_maker(std::mt19937& random, std::uint32_t history, season when)
      : random_(random), block_(std::uint64_t{history / histories_a_block} * 4 + static_cast<std::uint64_t>(when)) {
    std::minstd_rand of_block{static_cast<std::uint32_t>(block_ + 1)};
    of_block.discard(10);
    zone_ = &civil_zones[of_block() % std::size(civil_zones)];
    if (when == season::clocks_forward || when == season::clocks_back) zone_ = &civil_zones[of_block() % 3];
    epoch_s_ = notable_s(when, 2024 + static_cast<int>(of_block() % 13), of_block() % 365) -
               draw(0, draw(0, 1) == 0 ? 4 * 3'600 : 86'400);
  }

  /// Where a history begins, UTC.
  [[nodiscard]] std::int64_t epoch_s() const { return epoch_s_; }

  /// Another version of the file.
  site_rules make() {
    const auto which = draw(0, timetables_a_block - 1);
    site_rules made;
    made.timetable = block_ * timetables_a_block + static_cast<std::uint64_t>(which);
    made.zone =
        which < timetables_a_block - std::ssize(civil_zones) ? zone_ : &civil_zones[timetables_a_block - 1 - which];
    made.windows = make_timetable(made.timetable);
    for (auto& window : made.windows) window.limits = make_limits();
    made.find_per_minute = static_cast<std::uint32_t>(draw(1, 6));
    for (auto& project : made.projects) {
      project.withdrawn = draw(0, 9) == 0;
      if (draw(0, 3) == 0) project.valid_through = day_near_epoch(draw(-1, 3));
    }
    return made;
  }

 private:
  std::int64_t draw(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>{least, most}(random_);
  }

  [[nodiscard]] std::int64_t notable_s(season when, int year, std::int64_t day_of_year) const {
    if (when == season::clocks_forward) return zone_->summer_begins_s(year);
    if (when == season::clocks_back) return zone_->summer_ends_s(year);
    using namespace std::chrono;
    const auto day = sys_days{std::chrono::year{year} / March / 1} + days{when == season::any ? day_of_year : 0};
    return sys_seconds{day}.time_since_epoch().count() - zone_->standard_s;
  }

  std::chrono::year_month_day day_near_epoch(std::int64_t days) const {
    const auto day = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds{std::chrono::seconds{epoch_s_}});
    return day + std::chrono::days{days};
  }

  /// One to four windows, with edges often at night, where clocks are changed and dates begin.
  static std::vector<conf::window> make_timetable(std::uint64_t number) {
    constexpr std::array<std::uint16_t, 9> nightly{0, 30, 60, 90, 105, 120, 150, 180, 1'410};
    std::minstd_rand random{static_cast<std::uint32_t>(number + 1)};
    random.discard(10);
    const auto minute = [&] {
      return static_cast<std::uint16_t>(random() % 2 == 0 ? nightly[random() % nightly.size()] : random() % 1'440);
    };
    std::vector<conf::window> made(1 + random() % 3);
    for (auto& one : made) {
      one.from_minute = minute();
      one.to_minute = minute();
      if (one.to_minute == 0) one.to_minute = 1'440;
      if (random() % 2 == 0) one.days = static_cast<std::uint8_t>(1 + random() % 0x7f);
    }
    if (random() % 4 > 0) made.emplace_back();  // always
    return made;
  }

  conf::window_limits make_limits() {
    const auto maybe = [&](std::int64_t most) {
      return draw(0, 3) == 0 ? std::nullopt : std::optional{static_cast<std::uint32_t>(draw(1, most))};
    };
    const auto concurrent = draw(0, 15) == 0 ? 0 : draw(1, draw(0, 1) == 0 ? 2 : 5);
    return {static_cast<std::uint32_t>(concurrent), maybe(5), maybe(9), maybe(20), false};
  }

  std::mt19937& random_;
  std::uint64_t block_;
  const civil_zone* zone_;
  std::int64_t epoch_s_ = 0;
};

}  // namespace penstock::test
