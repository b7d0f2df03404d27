#pragma once
// One retrieval under way, without actors: what was seen of it, and whether it is over. Pure.

#include <cstdint>
#include <string>

#include "messages/retrievals.hpp"

namespace penstock::actors {

struct retrieval_watch {
  static constexpr std::uint64_t unknown = ~std::uint64_t{0};
  std::uint64_t expected = 0;  ///< instances asked for; `unknown`: quiet alone tells the end
  std::uint64_t arrived = 0;
  std::uint64_t bytes = 0;
  std::uint64_t refused = 0;
  std::uint64_t open_associations = 0;
  bool move_over = false;         ///< the C-MOVE has its final response, or its child is gone
  bool failed = false;            ///< ... and it was not plain success
  std::int64_t last_sign_us = 0;  ///< last response or arrival, or the start
  std::int64_t last_arrival_us = 0;

  /// A final C-MOVE response is evidence, not proof: some PACS send it before the last objects. After plain success,
  /// objects may come for `lease_quiet_us` after the last sign; after a failure for `after_failure_us`.
  static constexpr std::int64_t after_failure_us = 3'000'000;
  /// All that was expected is here and the C-MOVE is over: associations get so long to close by themselves.
  static constexpr std::int64_t closing_us = 250'000;

  /// All that was asked for is here, nothing more comes, and the PACS finds no end: it is told to stop.
  [[nodiscard]] bool has_enough(std::int64_t now_us, std::int64_t lease_quiet_us) const {
    return !move_over && arrived >= expected && now_us - last_arrival_us >= lease_quiet_us;
  }

  [[nodiscard]] bool is_over(std::int64_t now_us, std::int64_t lease_quiet_us) const {
    if (!move_over) return false;
    const auto quiet_us = now_us - last_sign_us;
    if (arrived >= expected) return open_associations == 0 || quiet_us >= closing_us;
    return quiet_us >= (failed ? after_failure_us : lease_quiet_us);
  }
};

}  // namespace penstock::actors
