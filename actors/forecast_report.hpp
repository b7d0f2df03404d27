#pragma once
// A forecast for people: a start in words, and the document of `governor simulate`. Pure.

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "actors/forecast.hpp"
#include "conf/rules.hpp"

namespace penstock::actors {

/// When it starts, no more precisely than is known, local to `zone`: "about 14:05", "Monday 19:00-19:40",
/// "5 Dec 22:00 - 6 Dec 01:30", "after 5 Dec 14:00", "not before the project is extended".
[[nodiscard]] std::string estimate_text(const start_estimate& estimate, std::int64_t now_us, std::string_view zone);

/// {"pacs", "zone", "until", "hours": [{"begins", "ends", "window", "limits", "may_start", "starts": {project: n}}],
/// "projects": [{"project", "waiting", "starts", "done", "reason"}]}. Times are RFC 3339 with the offset of the PACS's
/// zone; "done" is null while "reason" says why. Only projects that `is_shown` are named or counted.
[[nodiscard]] nlohmann::json simulation_document(const conf::pacs& pacs, const forecast& told,
                                                 std::chrono::days horizon,
                                                 const std::function<bool(std::string_view)>& is_shown);

}  // namespace penstock::actors
