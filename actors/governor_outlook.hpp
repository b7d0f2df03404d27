#pragma once
// Why nothing may start now, in words for the people who wait. Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "actors/permit_policy.hpp"

namespace penstock::actors {

/// "rate reached: 12 in any minute, next at 14:03:20"; times are local to `zone`. Empty for a grant or when nothing
/// waits.
[[nodiscard]] std::string explain(const permit_decision& decision, std::string_view zone, std::int64_t now_us);

/// "14:03:20 EDT", or "Mon  9 Mar 07:00 EDT" when that is half a day or more after `now_us`.
[[nodiscard]] std::string local_time(std::int64_t utc_us, std::string_view zone, std::int64_t now_us);

}  // namespace penstock::actors
