#pragma once
// A pull from its record to its end: what was asked for is watched, and what is complete is downloaded in batches.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "tools/penstock/context.hpp"
#include "tools/penstock/plain_files.hpp"
#include "tools/penstock/pull_record.hpp"
#include "tools/penstock/sealed_key.hpp"

namespace penstock::commands {

/// A batch has so many studies, or what is complete after so long, or what is left.
constexpr std::size_t studies_in_a_batch = 100;
constexpr std::chrono::minutes longest_wait_for_a_batch{10};

struct pull_home {
  std::filesystem::path folder;
  pull_record record;
  std::optional<new_holder> key;
  std::optional<plain_output> plain;  ///< in place of a key
};

/// Goes on to the end, and says how each study ended. What does not complete does not hold up the rest. `cached_before`
/// are Study Instance UIDs of the cache that no request tells. `interrupted` after Ctrl-C: the record says how far.
[[nodiscard]] exit_code pull_to_end(context& at, pull_home& home, const nlohmann::json& cached_before);

}  // namespace penstock::commands
