#include "gateways/segment_pool.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <new>
#include <system_error>
#include <utility>

namespace penstock::gateways {
namespace {

constexpr std::size_t cache_line_bytes = 64;

std::uint8_t* allocate_aligned(std::size_t bytes) {
  const auto rounded = (bytes + cache_line_bytes - 1) / cache_line_bytes * cache_line_bytes;
  auto* start = std::aligned_alloc(cache_line_bytes, rounded);
  if (start == nullptr) throw std::bad_alloc{};
  return static_cast<std::uint8_t*>(start);
}

}  // namespace

wake_event::wake_event() : descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (descriptor_ < 0) throw std::system_error{errno, std::generic_category(), "eventfd"};
}

wake_event::~wake_event() { ::close(descriptor_); }

// Both can only fail in ways that leave the event as wanted: the counter is at its maximum, or is zero already.
void wake_event::signal() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
}

void wake_event::clear() const {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(descriptor_, &count, sizeof count);
}

void segment_buffer::free_aligned::operator()(std::uint8_t* start) const { std::free(start); }

segment_buffer::segment_buffer(std::size_t bytes) : start_(allocate_aligned(bytes)), size_(bytes) {}

segment_pool::segment_pool(std::size_t buffer_bytes, std::size_t max_kept, std::shared_ptr<const wake_event> wake)
    : buffer_bytes_(buffer_bytes), max_kept_(max_kept), wake_(std::move(wake)) {}

segment_pool::lease segment_pool::lend(std::shared_ptr<std::atomic<std::uint32_t>> in_flight) {
  std::unique_ptr<segment_buffer> buffer;
  {
    const std::lock_guard lock{mutex_};
    if (!free_.empty()) {
      buffer = std::move(free_.back());
      free_.pop_back();
    }
  }
  if (!buffer) buffer = std::make_unique<segment_buffer>(buffer_bytes_);
  ++*in_flight;
  buffer->in_flight_ = std::move(in_flight);
  buffer->pool_ = shared_from_this();
  return lease{buffer.release()};
}

std::size_t segment_pool::kept() const {
  const std::lock_guard lock{mutex_};
  return free_.size();
}

void segment_pool::give_back::operator()(segment_buffer* buffer) const {
  const auto pool = std::move(buffer->pool_);
  pool->take_back(std::unique_ptr<segment_buffer>{buffer});
}

void segment_pool::take_back(std::unique_ptr<segment_buffer> buffer) {
  --*std::exchange(buffer->in_flight_, nullptr);
  {
    const std::lock_guard lock{mutex_};
    if (free_.size() < max_kept_) free_.push_back(std::move(buffer));
  }
  if (wake_wanted_.exchange(false)) wake_->signal();
}

}  // namespace penstock::gateways
