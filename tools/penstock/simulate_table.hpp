#pragma once
// The answer of `governor simulate` for people: hours that are alike in one line. Pure; times stay those of the PACS.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tools/penstock/table.hpp"

namespace penstock::commands {

/// "mgh-rad until Mon 1 Dec 14:00, in the time of America/New_York". `pacs` is one document of the answer.
[[nodiscard]] std::string simulated_heading(const nlohmann::json& pacs);

/// "Mon 24 Nov 19:00-07:00  nights  up to 400 an hour  812 starts: alz-brain 612, knee-mri 200": a line for each run of
/// hours in the same window under the same limits, at most a day long.
[[nodiscard]] table simulated_hours(const nlohmann::json& pacs);

/// When each project is done, or why not.
[[nodiscard]] table simulated_projects(const nlohmann::json& pacs);

}  // namespace penstock::commands
