#pragma once
// What the server says of a rules file (`governance.check`, `governance.reload`), in lines for people.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace penstock::commands {

/// Its text is part of one message to the server.
constexpr std::size_t longest_rules_bytes = 900'000;

/// No fault was found.
[[nodiscard]] bool is_valid_verdict(const nlohmann::json& verdict);
/// Something would change, or has.
[[nodiscard]] bool has_changes(const nlohmann::json& verdict);
/// "governance.toml:12:8: port: expected 1 to 65535" for each fault; else each change, and who would feel it.
[[nodiscard]] std::vector<std::string> verdict_lines(const nlohmann::json& verdict);

}  // namespace penstock::commands
