#pragma once
// Shares as bars.

#include <cstdint>
#include <string>

#include "tools/console/canvas.hpp"

namespace penstock::console {

/// "━━━━┄┄┄┄": full when `part` is `whole` or more.
[[nodiscard]] std::string bar_of(std::uint64_t part, std::uint64_t whole, int columns);

/// "━━━━┄┄┄┄ 50 %"; empty when nothing is expected.
[[nodiscard]] std::string progress_bar(std::uint64_t part, std::uint64_t whole, int columns);

/// One line: what is used (█), of it what is chosen (▓), and what is on its way (░) of the whole.
struct quota_shares {
  std::uint64_t quota = 0;
  std::uint64_t used = 0;
  std::uint64_t chosen = 0;
  std::uint64_t queued = 0;
};
void draw_quota(canvas& on, const rect& where, const quota_shares& shares);

}  // namespace penstock::console
