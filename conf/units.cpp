#include "conf/units.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace penstock::conf {
namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::uint64_t second_ms = 1000;
constexpr std::uint64_t hour_ms = 3600 * second_ms;
constexpr std::uint64_t day_ms = 24 * hour_ms;
constexpr std::uint64_t most_ms = 36'525 * day_ms;
constexpr std::array<unit, 8> durations{{{"ms", 1},
                                         {"s", second_ms},
                                         {"min", 60 * second_ms},
                                         {"h", hour_ms},
                                         {"day", day_ms},
                                         {"days", day_ms},
                                         {"week", 7 * day_ms},
                                         {"weeks", 7 * day_ms}}};
constexpr std::array<unit, 6> sizes{{{"B", 1},
                                     {"KiB", 1ULL << 10},
                                     {"MiB", 1ULL << 20},
                                     {"GiB", 1ULL << 30},
                                     {"TiB", 1ULL << 40},
                                     {"PiB", 1ULL << 50}}};

std::optional<std::uint64_t> parse_quantity(std::string_view text, std::span<const unit> units, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  for (const auto& [name, factor] : units)
    if (text == name) return number <= most / factor ? std::optional{number * factor} : std::nullopt;
  return std::nullopt;
}

constexpr std::array<std::string_view, 7> day_names{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

std::optional<std::size_t> parse_day(std::string_view text) {
  for (std::size_t i = 0; i < day_names.size(); ++i)
    if (day_names[i] == text) return i;
  return std::nullopt;
}

std::optional<unsigned> parse_two_digits(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 2 || !is_digit(text[0]) || !is_digit(text[1])) return std::nullopt;
  return static_cast<unsigned>((text[0] - '0') * 10 + (text[1] - '0'));
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto count = parse_quantity(text, durations, most_ms);
  if (!count) return std::nullopt;
  return std::chrono::milliseconds{static_cast<std::int64_t>(*count)};
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_quantity(text, sizes, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
}

std::optional<std::uint16_t> parse_time_of_day(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hours = parse_two_digits(text.substr(0, 2));
  const auto minutes = parse_two_digits(text.substr(3));
  if (!hours || !minutes || *minutes > 59) return std::nullopt;
  const auto total = *hours * 60 + *minutes;
  return total <= 24 * 60 ? std::optional{static_cast<std::uint16_t>(total)} : std::nullopt;
}

std::optional<std::uint8_t> parse_days(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = parse_day(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_day(text.substr(dash + 1));
  if (!first || !last) return std::nullopt;
  unsigned days = 1U << *last;
  for (auto day = *first; day != *last; day = (day + 1) % day_names.size()) days |= 1U << day;
  return static_cast<std::uint8_t>(days);
}

}  // namespace penstock::conf
