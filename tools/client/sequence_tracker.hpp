#pragma once
// Decides what to do with a numbered event, so that a watcher of a journaled topic neither misses nor repeats one.

#include <cstdint>

namespace penstock::client {

enum class sequence_verdict { deliver, duplicate, missed };

/// One per topic. The numbers of a journaled topic are dense; `next` is the first one not seen, 0 while none was.
class sequence_tracker {
 public:
  explicit sequence_tracker(std::uint64_t next = 0) : next_(next) {}

  /// `missed` leaves the tracker where it is: subscribe again from `next()`.
  [[nodiscard]] sequence_verdict observe(std::uint64_t sequence) {
    if (next_ != 0 && sequence < next_) return sequence_verdict::duplicate;
    if (next_ != 0 && sequence > next_) return sequence_verdict::missed;
    next_ = sequence + 1;
    return sequence_verdict::deliver;
  }
  [[nodiscard]] std::uint64_t next() const { return next_; }

 private:
  std::uint64_t next_;
};

}  // namespace penstock::client
