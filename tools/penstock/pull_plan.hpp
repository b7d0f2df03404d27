#pragma once
// What a pull would ask for, before it asks. Pure.

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tools/penstock/table.hpp"

namespace penstock::commands {

struct pacs_share {
  std::uint64_t studies = 0;
  std::uint64_t images = 0;
  std::uint64_t unknown_images = 0;  ///< studies of which the PACS does not say how many images they have
  std::uint64_t cached = 0;          ///< studies that the project has already
};

struct pull_plan {
  std::map<std::string, pacs_share> shares;  ///< by PACS
  std::uint64_t studies = 0;
  std::uint64_t to_fetch = 0;
  std::optional<std::uint64_t> bytes;  ///< of what is to be fetched, as far as it can be guessed
  std::uint64_t free_quota = 0;
};

/// `studies` of a search, `holdings` of `cache.list` (they tell what images weigh), `usage` of `cache.usage`.
[[nodiscard]] pull_plan plan_of(const nlohmann::json& studies, const nlohmann::json& holdings,
                                const nlohmann::json& usage);

/// One line a PACS, with when it lets something start (`governor.status`).
[[nodiscard]] table drawn(const pull_plan& plan, const nlohmann::json& governors);
/// "12 studies to fetch, about 1.2 GiB; 3 GiB of the quota are free."
[[nodiscard]] std::string summary_of(const pull_plan& plan);
/// "now", "from Mon 19:00", "not before it is resumed: ...".
[[nodiscard]] std::string when_it_starts(const nlohmann::json& governor);

}  // namespace penstock::commands
