#pragma once
// How a search fares, in words. What is not known is never said to be not found.

#include <string>
#include <vector>

#include "tools/console/canvas.hpp"
#include "tools/console/search_run.hpp"

namespace penstock::console {

struct status_words {
  std::string text;
  role look = role::plain;
};
/// "Searching: 12 of 340 lines, 2 PACS · 9 found", and a line of its own for what is wrong or missing; none before the
/// first search.
[[nodiscard]] std::vector<status_words> status_of(const search_run& run);
/// What stands in the place of a table without rows, once a search was begun.
[[nodiscard]] std::string nothing_found(const search_run& run);
/// Every line that was not simply found, with the reason; at most `most` of them.
[[nodiscard]] std::vector<std::string> outcome_lines(const search_run& run, std::size_t most);

}  // namespace penstock::console
