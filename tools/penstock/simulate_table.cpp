#include "tools/penstock/simulate_table.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "tools/penstock/context.hpp"
#include "tools/penstock/display_text.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

constexpr std::chrono::hours longest_line{24};

/// RFC 3339 with an offset: the instant, and what the clocks there show.
struct moment {
  std::chrono::sys_seconds at;
  std::string day;   ///< "Mon 24 Nov"
  std::string time;  ///< "19:00"
};

std::optional<moment> moment_in(const json& from, const char* member) {
  static constexpr std::array<const char*, 7> weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  int year = 0, offset_hours = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0, offset_minutes = 0;
  char sign = '+';
  const auto text = text_in(from, member);
  if (std::sscanf(text.c_str(), "%4d-%2u-%2uT%2u:%2u:%2u%c%2d:%2u", &year, &month, &day, &hour, &minute, &second, &sign,
                  &offset_hours, &offset_minutes) < 7)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
  if (!date.ok() || hour > 23 || minute > 59) return std::nullopt;
  const std::chrono::sys_days midnight{date};
  const auto ahead = std::chrono::hours{offset_hours} + std::chrono::minutes{offset_minutes};
  moment found;
  found.at = midnight + std::chrono::hours{hour} + std::chrono::minutes{minute} + std::chrono::seconds{second} -
             (sign == '-' ? -ahead : ahead);
  found.day = std::string{weekdays[std::chrono::weekday{midnight}.c_encoding()]} + " " + std::to_string(day) + " " +
              months[month - 1];
  std::array<char, 8> time{};
  std::snprintf(time.data(), time.size(), "%02u:%02u", hour % 24, minute % 60);
  found.time = time.data();
  return found;
}

std::string time_in(const json& from, const char* member) {
  const auto found = moment_in(from, member);
  return found ? found->day + " " + found->time : text_in(from, member);
}

/// Hours that are told in one line.
struct run_of_hours {
  const json* first = nullptr;
  const json* last = nullptr;
  std::uint64_t may_start = 0;  ///< the most of any of its hours
  std::map<std::string, std::uint64_t> starts;

  void add(const json& hour) {
    if (!first) first = &hour;
    last = &hour;
    may_start = std::max(may_start, number_in(hour, "may_start"));
    const auto started = hour.find("starts");
    if (started == hour.end() || !started->is_object()) return;
    for (const auto& [project, count] : started->items())
      if (count.is_number_unsigned() || count.is_number_integer()) starts[project] += count.get<std::uint64_t>();
  }

  [[nodiscard]] bool takes(const json& hour) const {
    const auto member = [](const json& of, const char* name) { return of.contains(name) ? of.at(name) : json{}; };
    if (member(hour, "window") != member(*last, "window") || member(hour, "limits") != member(*last, "limits"))
      return false;
    if ((number_in(hour, "may_start") == 0) != (may_start == 0)) return false;
    const auto from = moment_in(*first, "begins");
    const auto to = moment_in(hour, "ends");
    return from && to && to->at - from->at <= longest_line;
  }
};

std::string span_of(const run_of_hours& run) {
  const auto from = moment_in(*run.first, "begins");
  const auto to = moment_in(*run.last, "ends");
  return from && to ? from->day + " " + from->time + "-" + to->time : text_in(*run.first, "begins");
}

/// "812 starts: alz-brain 612, knee-mri 200", the most first.
std::string starts_of(const run_of_hours& run) {
  std::uint64_t sum = 0;
  std::vector<std::pair<std::string, std::uint64_t>> sorted{run.starts.begin(), run.starts.end()};
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string projects;
  for (const auto& [project, count] : sorted) {
    sum += count;
    projects += (projects.empty() ? "" : ", ") + project + " " + std::to_string(count);
  }
  if (sum == 0) return {};
  return std::to_string(sum) + (sum == 1 ? " start: " : " starts: ") + projects;
}

std::vector<run_of_hours> runs_of(const json& pacs) {
  std::vector<run_of_hours> runs;
  for (const auto& hour : array_in(pacs, "hours")) {
    if (runs.empty() || !runs.back().takes(hour)) runs.emplace_back();
    runs.back().add(hour);
  }
  return runs;
}

}  // namespace

std::string simulated_heading(const json& pacs) {
  return printable(text_in(pacs, "pacs") + " until " + time_in(pacs, "until") + ", in the time of " +
                   text_in(pacs, "zone"));
}

table simulated_hours(const json& pacs) {
  table rows{{{"Hours"}, {"Window"}, {"May start"}, {"Starts"}}};
  for (const auto& run : runs_of(pacs)) {
    const auto window = text_in(*run.first, "window");
    rows.add({span_of(run), window.empty() ? cell{"closed", tint::busy} : cell{window},
              run.may_start == 0 ? "nothing" : "up to " + std::to_string(run.may_start) + " an hour", starts_of(run)});
  }
  return rows;
}

table simulated_projects(const json& pacs) {
  table rows{{{"Project"}, {"Waiting", alignment::right}, {"Starts", alignment::right}, {"Done"}}};
  for (const auto& project : array_in(pacs, "projects")) {
    const auto reason = text_in(project, "reason");
    const auto done = time_in(project, "done");
    rows.add({text_in(project, "project"), std::to_string(number_in(project, "waiting")),
              std::to_string(number_in(project, "starts")), reason.empty() ? cell{done} : cell{reason, tint::busy}});
  }
  return rows;
}

}  // namespace penstock::commands
