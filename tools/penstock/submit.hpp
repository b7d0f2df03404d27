#pragma once
// Asking for studies that were found.

#include <nlohmann/json.hpp>
#include <string>

#include "tools/penstock/context.hpp"

namespace penstock::commands {

/// What one `requests.submit` may hold.
constexpr std::size_t items_in_a_batch = 1000;

/// A row of `studies.find` as item of `requests.submit`.
[[nodiscard]] nlohmann::json item_of_found_study(const nlohmann::json& study);

/// Submits `items`, at most `items_in_a_batch`, with `args` (priority, follow). Each row has the "input" that people
/// know the study by.
[[nodiscard]] result<nlohmann::json> submit_batch(context& at, const nlohmann::json& items, nlohmann::json args,
                                                  const std::string& op);

/// Whether the study is, or will be, in the cache.
[[nodiscard]] bool was_taken_on(const std::string& outcome);

}  // namespace penstock::commands
