#pragma once
// What `governor.status` says of a PACS, in words for people.

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace penstock::commands {

/// The object `member` of `from`, else an empty one.
[[nodiscard]] nlohmann::json object_in(const nlohmann::json& from, const char* member);
/// {"minute": 3, "hour": 20} as "3/min, 20/h"; limits and counts have the same shape.
[[nodiscard]] std::string rates(const nlohmann::json& of,
                                std::initializer_list<std::pair<const char*, const char*>> names);
/// "alz-brain: 12, asthma: 3"
[[nodiscard]] std::string waiting_in(const nlohmann::json& pacs);
/// Who paused it and why; empty when nobody has.
[[nodiscard]] std::string pause_of(const nlohmann::json& pacs);
/// The window that is open now; "closed" when none is.
[[nodiscard]] std::string window_of(const nlohmann::json& pacs);
/// "down: the PACS does not answer"
[[nodiscard]] std::string state_of(const nlohmann::json& pacs);

}  // namespace penstock::commands
