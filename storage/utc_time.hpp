#pragma once
// Instants as text, RFC 3339 in UTC.

#include <cstdint>
#include <string>

namespace penstock::storage {

/// Microseconds since 1970 as "2026-03-01T09:05:07.123Z": milliseconds, rounded down. Years 0 to 9999.
[[nodiscard]] std::string rfc3339_utc(std::int64_t at_us);

}  // namespace penstock::storage
