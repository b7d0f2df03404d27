#pragma once
// What `doctor` makes of what it finds. Pure.

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "messages/result.hpp"

namespace penstock::commands {

enum class verdict { ok, warn, bad };

struct finding {
  std::string subject;
  verdict how = verdict::ok;
  std::string text;
  std::string advice;  ///< what to do, unless it is ok
};

[[nodiscard]] std::string_view name_of(verdict how);

/// "the connection", from why it failed.
[[nodiscard]] finding no_connection(const messages::failure& why);
/// `server_time` is RFC 3339; the answer took `round_trip`.
[[nodiscard]] finding judge_clock(const std::string& server_time, std::chrono::system_clock::time_point here,
                                  std::chrono::milliseconds round_trip);
[[nodiscard]] finding judge_protocol(const nlohmann::json& greeting);
/// One for each project of the user, and one for a project that was chosen and is none of them. `today` is YYYY-MM-DD.
[[nodiscard]] std::vector<finding> judge_projects(const nlohmann::json& greeting, const std::string& chosen,
                                                  const std::string& today);
[[nodiscard]] finding judge_room(const std::string& directory, std::uint64_t free_bytes);

/// The worst of them.
[[nodiscard]] verdict worst_of(const std::vector<finding>& findings);

}  // namespace penstock::commands
