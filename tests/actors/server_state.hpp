#pragma once
// What a server that keeps permits has on its disk, and what it has in hand.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "actors/permit_policy.hpp"
#include "tests/actors/permit_judge.hpp"

namespace penstock::test {

struct server_disk {
  std::vector<actors::start_stamp> stamps;
  std::vector<actors::lease> leases;
  bool paused = false;
  std::optional<std::int64_t> lost_us;  ///< wall clock when it was found that something is missing

  /// A start, in one batch; once.
  void persist(const actors::start_stamp& stamp, const actors::lease& lease) {
    if (std::any_of(leases.begin(), leases.end(), [&](const auto& one) { return one.permit == lease.permit; })) return;
    stamps.push_back(stamp);
    leases.push_back(lease);
  }
  void erase_lease(std::uint64_t permit) {
    std::erase_if(leases, [&](const auto& one) { return one.permit == permit; });
  }
  void erase_stamp(std::uint64_t number) {
    std::erase_if(stamps, [&](const auto& one) { return one.number == number; });
  }
  void lose_all() {
    stamps.clear();
    leases.clear();
  }
};

/// A permit that is offered and not claimed yet.
struct offer {
  std::uint64_t permit;
  std::size_t project;
};

/// A start that is stamped and on its way to the disk and the PACS.
struct pending_send {
  std::int64_t persisted_ns, send_ns;  ///< send_ns -1 = never
  actors::start_stamp stamp;
  actors::lease lease;
  seen_start start;
};

/// A retrieval that the PACS is at.
struct flight {
  std::uint64_t permit;
  std::size_t seen;
  bool orphaned = false;
  std::int64_t heard_ns = 0;  ///< when something arrived, of an orphaned one
};

}  // namespace penstock::test
