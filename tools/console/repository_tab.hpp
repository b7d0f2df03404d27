#pragma once
// What the tab of the repository shows of its rows.

#include <string>
#include <vector>

#include "tools/console/bars.hpp"
#include "tools/console/canvas.hpp"
#include "tools/console/live.hpp"
#include "tools/console/row_view.hpp"

namespace penstock::console {

[[nodiscard]] std::vector<column_spec> repository_columns();
[[nodiscard]] role repository_look(std::size_t column, std::string_view value);
/// Bytes of these studies.
[[nodiscard]] std::uint64_t bytes_of(const row_store& holdings, const std::vector<std::string>& studies);
/// What is asked before these studies are given up: how many, how large, of how many patients, and which.
[[nodiscard]] std::vector<std::string> deletion_lines(const row_store& holdings,
                                                      const std::vector<std::string>& studies, std::size_t hidden);
/// All that is known of one study.
[[nodiscard]] std::vector<std::string> holding_details(const row_store& holdings, const std::string& study);

}  // namespace penstock::console
