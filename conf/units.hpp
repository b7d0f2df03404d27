#pragma once
// Quantities as people write them: a number, a space (or none), a unit. All functions give nothing for other text.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock::conf {

/// "250 ms", "30 s", "15 min", "2 h", "90 days" (or day, week, weeks). At most 100 years.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "512 B", "64 KiB", "200 MiB", "200 GiB", "8 TiB", "1 PiB". Powers of 1024 only, so that a size means one thing.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

/// "07:30" as minutes after midnight; "24:00" is the end of the day.
[[nodiscard]] std::optional<std::uint16_t> parse_time_of_day(std::string_view text);

/// "mon" or "mon-fri" (or over the week's end, "sat-mon") as a set of days, bit 0 = Monday.
[[nodiscard]] std::optional<std::uint8_t> parse_days(std::string_view text);

}  // namespace penstock::conf
