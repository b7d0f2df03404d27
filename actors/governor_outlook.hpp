#pragma once
// Why nothing may start now, in words for the people who wait. Pure.

#include <string>
#include <string_view>

#include "actors/permit_policy.hpp"

namespace penstock::actors {

/// "rate reached: 12 in any minute, next at 14:03:20"; times are local to `zone`. Empty for a grant or when nothing
/// waits.
[[nodiscard]] std::string explain(const permit_decision& decision, std::string_view zone);

/// "14:03:20", with the weekday or date in front when it is not within a day of `now_us`.
[[nodiscard]] std::string local_time(std::int64_t utc_us, std::string_view zone);

}  // namespace penstock::actors
