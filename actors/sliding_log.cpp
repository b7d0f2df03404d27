#include "actors/sliding_log.hpp"

#include <algorithm>

namespace penstock::actors {
namespace {

/// For how long after its stamp a start counts in `window`, as the PACS sees it: the send may come `send_deadline`
/// after the stamp, and the network may bring two sends nearer to each other by `network_guard`.
std::int64_t counted_ns(std::chrono::seconds window) {
  return std::chrono::nanoseconds{window + send_deadline + network_guard}.count();
}

}  // namespace

void sliding_log::restore(std::vector<start_stamp> persisted, const instant& now) {
  for (const auto& stamp : persisted) {
    const bool same_boot = stamp.boot_id == now.boot_id;
    entries_.push_back({stamp.number, same_boot ? std::min(stamp.boottime_ns, now.boottime_ns) : now.boottime_ns,
                        stamp.wall_us, stamp.max_error_us, same_boot || !stamp.wall_known});
  }
  unsettled_ = true;
  settle(now);
}

start_stamp sliding_log::add(std::uint64_t number, const instant& now) {
  entries_.push_back({number, now.boottime_ns, now.wall_us, now.max_error_us, true});
  return {number, now.boottime_ns, now.boot_id, now.wall_us, now.max_error_us, !now.clock_in_doubt};
}

void sliding_log::withdraw(std::uint64_t number) {
  const auto found =
      std::find_if(entries_.rbegin(), entries_.rend(), [&](const entry& e) { return e.number == number; });
  if (found != entries_.rend()) entries_.erase(std::next(found).base());
}

std::int64_t sliding_log::free_at(const instant& now, std::chrono::seconds window, std::uint32_t limit) {
  if (limit == 0) return never_ns;
  settle(now);
  std::int64_t free_ns = std::numeric_limits<std::int64_t>::min();
  if (entries_.size() >= limit) free_ns = entries_[entries_.size() - limit].placed_ns + counted_ns(window);
  if (full_since_ns_) free_ns = std::max(free_ns, *full_since_ns_ + counted_ns(window));
  return free_ns;
}

std::size_t sliding_log::count(const instant& now, std::chrono::seconds window) {
  settle(now);
  const auto oldest_ns = now.boottime_ns - counted_ns(window);
  const auto first = std::upper_bound(entries_.begin(), entries_.end(), oldest_ns,
                                      [](std::int64_t limit, const entry& e) { return limit < e.placed_ns; });
  return static_cast<std::size_t>(entries_.end() - first);
}

std::vector<std::uint64_t> sliding_log::prune(const instant& now, std::chrono::seconds longest) {
  settle(now);
  std::vector<std::uint64_t> dropped;
  const auto oldest_ns = now.boottime_ns - counted_ns(longest);
  while (!entries_.empty() && entries_.front().placed_ns <= oldest_ns) {
    dropped.push_back(entries_.front().number);
    entries_.pop_front();
  }
  return dropped;
}

void sliding_log::settle(const instant& now) {
  if (!unsettled_) return;
  for (auto& one : entries_) {
    if (one.settled || now.clock_in_doubt) continue;
    const auto age_us = std::max<std::int64_t>(0, now.wall_us - one.wall_us - now.max_error_us - one.max_error_us);
    one.placed_ns = std::min(one.placed_ns, now.boottime_ns - age_us * 1000);
    one.settled = true;
  }
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const entry& a, const entry& b) { return a.placed_ns < b.placed_ns; });
  unsettled_ = std::any_of(entries_.begin(), entries_.end(), [](const entry& e) { return !e.settled; });
}

}  // namespace penstock::actors
