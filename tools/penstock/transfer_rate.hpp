#pragma once
// How fast bytes come now, not since the beginning: a pause or a slow start is forgotten after some seconds. Pure.

#include <chrono>
#include <cstdint>
#include <deque>
#include <utility>

namespace penstock::commands {

class transfer_rate {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds window{10};

  /// `bytes` in all, at that time.
  void observe(time_point at, std::uint64_t bytes) {
    seen_.emplace_back(at, bytes);
    while (seen_.size() > 2 && at - seen_[1].first >= window) seen_.pop_front();
  }
  /// 0 when it cannot be known.
  [[nodiscard]] double bytes_per_second() const {
    if (seen_.size() < 2) return 0;
    const auto seconds = std::chrono::duration<double>(seen_.back().first - seen_.front().first).count();
    return seconds > 0 ? static_cast<double>(seen_.back().second - seen_.front().second) / seconds : 0;
  }
  void forget() { seen_.clear(); }

 private:
  std::deque<std::pair<time_point, std::uint64_t>> seen_;
};

}  // namespace penstock::commands
