#pragma once
// Buffers that a segment is read into, sealed in, and sent from without another copy. The transport gives each back
// from its own thread, maybe after the gateway is gone.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace penstock::gateways {

/// An eventfd: wakes a poll loop from any thread.
class wake_event {
 public:
  wake_event();
  ~wake_event();
  wake_event(const wake_event&) = delete;
  wake_event& operator=(const wake_event&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  void signal() const;
  void clear() const;

 private:
  int descriptor_;
};

class segment_pool;

/// One buffer. While it is out it keeps its pool alive and counts in `in_flight`.
class segment_buffer {
 public:
  explicit segment_buffer(std::size_t bytes);
  [[nodiscard]] std::span<std::uint8_t> bytes() { return {start_.get(), size_}; }

 private:
  friend class segment_pool;
  struct free_aligned {
    void operator()(std::uint8_t* start) const;
  };
  std::unique_ptr<std::uint8_t, free_aligned> start_;
  std::size_t size_;
  std::shared_ptr<segment_pool> pool_;
  std::shared_ptr<std::atomic<std::uint32_t>> in_flight_;
};

/// Thread-safe. Make it with std::make_shared.
class segment_pool : public std::enable_shared_from_this<segment_pool> {
 public:
  struct give_back {
    void operator()(segment_buffer* buffer) const;
  };
  using lease = std::unique_ptr<segment_buffer, give_back>;

  segment_pool(std::size_t buffer_bytes, std::size_t max_kept, std::shared_ptr<const wake_event> wake);

  /// Raises `in_flight` by one until the buffer is back.
  [[nodiscard]] lease lend(std::shared_ptr<std::atomic<std::uint32_t>> in_flight);
  /// The next buffer that comes back signals the wake event, once.
  void wake_when_one_is_back() { wake_wanted_ = true; }
  [[nodiscard]] std::size_t kept() const;

 private:
  void take_back(std::unique_ptr<segment_buffer> buffer);

  const std::size_t buffer_bytes_;
  const std::size_t max_kept_;
  const std::shared_ptr<const wake_event> wake_;
  std::atomic<bool> wake_wanted_{false};
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<segment_buffer>> free_;  // the last one back is the next one out: still in the cache
};

}  // namespace penstock::gateways
