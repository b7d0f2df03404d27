#pragma once
// "At most N in any window W", exactly: the instants of all starts of the last day, on CLOCK_BOOTTIME. A token bucket
// would let up to 2 N - 1 through. Pure: no clock is read, nothing is stored; the caller persists stamps and restores
// them.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "messages/fields.hpp"

namespace penstock::actors {

/// A start is sent at most so long after its stamp, or not at all.
inline constexpr std::chrono::milliseconds send_deadline{1000};
/// What the network may add or take between two sends on their way to the PACS.
inline constexpr std::chrono::milliseconds network_guard{250};
/// "Not by waiting": no instant on the clock is late enough.
inline constexpr std::int64_t never_ns = std::numeric_limits<std::int64_t>::max();

/// The clocks, read together by the caller.
struct instant {
  std::int64_t boottime_ns = 0;   ///< CLOCK_BOOTTIME: no steps, counts suspend, starts again at a reboot
  std::int64_t wall_us = 0;       ///< UTC since 1970
  std::int64_t max_error_us = 0;  ///< of wall_us, as adjtimex tells; meaningless while in doubt
  std::string boot_id;            ///< /proc/sys/kernel/random/boot_id
  bool clock_in_doubt = false;    ///< wall clock stepped or unsynchronised
};

/// One start, as it is persisted. Reserve, sync, then send within `send_deadline` of `boottime_ns`.
struct start_stamp {
  std::uint64_t number = 0;  ///< the caller's, unique in its log
  std::int64_t boottime_ns = 0;
  std::string boot_id;
  std::int64_t wall_us = 0;
  std::int64_t max_error_us = 0;
  bool wall_known = false;  ///< false: the wall clock was in doubt, so `wall_us` says nothing
  PENSTOCK_FIELDS(number, boottime_ns, boot_id, wall_us, max_error_us, wall_known);
};

class sliding_log {
 public:
  /// Takes persisted stamps over at the first instant after a (re)start. Those of this boot keep their place. Those of
  /// an earlier boot are aged by the wall clock less the errors of both readings; while the clock is in doubt, they
  /// count as if they had just been made.
  void restore(std::vector<start_stamp> persisted, const instant& now);

  /// For when the persisted log is lost or not trusted: every window counts as full from now on.
  void assume_full(const instant& now) { full_since_ns_ = now.boottime_ns; }

  /// Records a start. The caller has asked `free_at` before.
  start_stamp add(std::uint64_t number, const instant& now);

  /// Forgets a start that for certain was never sent and whose stamp was never persisted.
  void withdraw(std::uint64_t number);

  /// The first instant of CLOCK_BOOTTIME at which one more start keeps "at most `limit` in any `window`"; not later
  /// than `now` when that is at once, `never_ns` for a limit of 0.
  [[nodiscard]] std::int64_t free_at(const instant& now, std::chrono::seconds window, std::uint32_t limit);

  /// Starts that count in the window that ends now.
  [[nodiscard]] std::size_t count(const instant& now, std::chrono::seconds window);

  /// Drops what is too old to count in any window up to `longest`; gives the numbers, whose rows may be erased.
  [[nodiscard]] std::vector<std::uint64_t> prune(const instant& now, std::chrono::seconds longest);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct entry {
    std::uint64_t number = 0;
    std::int64_t placed_ns = 0;  ///< on this boot's clock; may be before the boot
    std::int64_t wall_us = 0;
    std::int64_t max_error_us = 0;
    bool settled = true;  ///< false: of an earlier boot, not aged yet
  };

  void settle(const instant& now);

  std::deque<entry> entries_;  ///< by placed_ns, oldest first
  std::optional<std::int64_t> full_since_ns_;
  bool unsettled_ = false;
};

}  // namespace penstock::actors
