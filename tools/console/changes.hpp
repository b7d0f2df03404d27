#pragma once
// Changes that a person asks the server for, and what is said of their outcome.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/console/tab.hpp"

namespace penstock::console {

/// Of one question to the server.
constexpr std::size_t most_at_once = 1000;

/// The parts of `ids` that one question may name.
[[nodiscard]] std::vector<std::vector<std::string>> parts_of(const std::vector<std::string>& ids);
/// "3 cancelled; 1 not: has ended"
[[nodiscard]] std::string outcome_line(const nlohmann::json& answer, const std::string& done);
/// Asks with a new operation id, and says how many rows have the outcome `done`.
void send_change(desk& at, const std::string& project, const std::string& command, nlohmann::json args,
                 const std::string& done);
/// "1 study", "3 studies"
[[nodiscard]] std::string count_of(std::size_t count, const char* one, const char* many);
/// Empty, or why not. Never over a file that is there; only its owner may read it.
[[nodiscard]] std::string write_new_file(const std::string& path, std::string_view text);

}  // namespace penstock::console
