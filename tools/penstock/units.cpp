#include "tools/penstock/units.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace penstock::commands {
namespace {

constexpr std::size_t quota_bar_columns = 20;

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

unsigned percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return part == 0 ? 0 : 100;
  return static_cast<unsigned>(static_cast<double>(part) * 100.0 / static_cast<double>(whole));
}

}  // namespace

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < units.size()) value /= 1024, ++unit;
  std::array<char, 32> text{};
  const bool whole = value >= 99.95 || std::abs(value - std::round(value)) < 0.05;
  std::snprintf(text.data(), text.size(), "%.*f %s", whole ? 0 : 1, value, units[unit]);
  return text.data();
}

std::string human_seconds(std::uint64_t seconds) {
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return std::to_string((seconds + 30) / 60) + " min";
  return std::to_string(seconds / 3600) + " h " + std::to_string(seconds % 3600 / 60) + " min";
}

std::string local_time(std::string_view rfc3339) {
  std::tm utc{};
  const std::string text{rfc3339};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
  if (end == nullptr) return text;
  const std::time_t instant = ::timegm(&utc);
  std::tm local{};
  ::localtime_r(&instant, &local);
  std::array<char, 32> shown{};
  std::strftime(shown.data(), shown.size(), "%Y-%m-%d %H:%M", &local);
  return shown.data();
}

std::string study_time(std::string_view date, std::string_view time) {
  std::string shown{date};
  if (date.size() == 8 && all_digits(date))
    shown = std::string{date.substr(0, 4)} + "-" + std::string{date.substr(4, 2)} + "-" + std::string{date.substr(6)};
  if (time.size() >= 4 && all_digits(time.substr(0, 4)))
    shown += " " + std::string{time.substr(0, 2)} + ":" + std::string{time.substr(2, 2)};
  return shown;
}

std::string bar(std::uint64_t part, std::uint64_t whole, std::size_t columns) {
  const double share = whole == 0 ? 0.0 : std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(columns) + 0.5);
  return "[" + std::string(filled, '#') + std::string(columns - filled, '.') + "]";
}

std::string quota_bar(std::uint64_t used, std::uint64_t quota) {
  return bar(used, quota, quota_bar_columns) + " " + std::to_string(percent(used, quota)) + " % of " +
         human_bytes(quota);
}

std::string counted(std::uint64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string images(std::uint64_t count) { return counted(count, "image", "images"); }

}  // namespace penstock::commands
