#pragma once
// What the tab of requests shows of its rows.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/console/canvas.hpp"
#include "tools/console/live.hpp"
#include "tools/console/row_view.hpp"

namespace penstock::console {

[[nodiscard]] std::vector<column_spec> request_columns();
[[nodiscard]] role request_look(std::size_t column, std::string_view value);
/// "2 processing, 30 scheduled": all of them, whatever is filtered.
[[nodiscard]] std::string states_of(const row_store& requests);
/// An answer of `requests.show` as lines: facts, history, missing instances.
[[nodiscard]] std::vector<std::string> request_details(const nlohmann::json& answer);
/// The priority after or before; itself at the end.
[[nodiscard]] std::string other_priority(std::string_view priority, bool higher);

}  // namespace penstock::console
