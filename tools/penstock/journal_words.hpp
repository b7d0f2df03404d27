#pragma once
// Entries of the journal as people read them, and the columns by which they are looked for.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/penstock/list_columns.hpp"

namespace penstock::commands {

/// Of `audit.list`.
[[nodiscard]] list_columns journal_columns();
/// "expected: 120, received: 120"
[[nodiscard]] std::string details_in(const nlohmann::json& entry);
/// "PatientID: 1000001, AccessionNumber: erased"
[[nodiscard]] std::string identifiers_in(const nlohmann::json& entry);
/// All of it, in lines.
[[nodiscard]] std::vector<std::string> entry_lines(const nlohmann::json& entry);

}  // namespace penstock::commands
