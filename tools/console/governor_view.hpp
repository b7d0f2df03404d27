#pragma once
// How a PACS and its governor are shown: what `governor.status` says of it, as bars and words. Pure.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/console/canvas.hpp"

namespace penstock::console {

/// "hour": 20 of at most 60.
struct used_limit {
  std::string name;
  std::uint64_t used = 0;
  std::optional<std::uint64_t> most;
};

struct governed_pacs {
  std::string id;
  std::string state;    ///< "up", "down", "paused"
  std::string window;   ///< and until when
  std::string outlook;  ///< why nothing starts now, and when it will; empty: it may
  used_limit running;
  std::vector<used_limit> started;
  std::uint64_t waiting = 0;
  std::string waiting_of;  ///< by project
};

[[nodiscard]] std::vector<governed_pacs> governed_in(const nlohmann::json& status);
/// "2 PACS · 1 paused · 3 in flight · 40 waiting"
[[nodiscard]] std::string summary_of(const std::vector<governed_pacs>& all);
/// All that is known of it, in lines.
[[nodiscard]] std::vector<std::string> details_of(const governed_pacs& pacs);

/// Rows that one PACS takes.
constexpr int governed_rows = 5;
void draw_governed(canvas& on, const rect& where, const governed_pacs& pacs, bool under_cursor);

}  // namespace penstock::console
