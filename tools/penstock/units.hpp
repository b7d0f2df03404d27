#pragma once
// Sizes, times and shares as people read them.

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::commands {

/// "512 B", "14.2 MiB", "200 GiB": three digits and a unit of 1024.
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);

/// "45 s", "12 min", "3 h 20 min".
[[nodiscard]] std::string human_seconds(std::uint64_t seconds);

/// "1 study", "3 studies".
[[nodiscard]] std::string counted(std::uint64_t count, const std::string& one, const std::string& many);
/// "1 image", "3 images".
[[nodiscard]] std::string images(std::uint64_t count);

/// RFC 3339 in UTC as "2026-05-01 14:03" in the user's time zone; other text as it is.
[[nodiscard]] std::string local_time(std::string_view rfc3339);

/// DICOM date and time (`20090131`, `143000.000`) as "2009-01-31 14:30"; other text as it is.
[[nodiscard]] std::string study_time(std::string_view date, std::string_view time);

/// "[#####...............]": `part` of `whole`, never more than full.
[[nodiscard]] std::string bar(std::uint64_t part, std::uint64_t whole, std::size_t columns);

/// "[#####.....] 45 % of 200 GiB".
[[nodiscard]] std::string quota_bar(std::uint64_t used, std::uint64_t quota);

}  // namespace penstock::commands
