#pragma once
// True time, and what a server can read of it: a boot clock that starts again, a wall clock that somebody steps.

#include <cstdint>
#include <string>

#include "actors/sliding_log.hpp"

namespace penstock::test {

class hostile_clock {
 public:
  static constexpr std::int64_t max_error_us = 40'000;

  /// `epoch_s` is UTC at true time 0.
  explicit hostile_clock(std::int64_t epoch_s = 1'800'000'000) : epoch_us_(epoch_s * 1'000'000) {}

  void advance_to(std::int64_t true_ns) { true_ns_ = true_ns; }
  /// The new boot's clock has run for `uptime_ns` when the server starts.
  void reboot(std::int64_t off_ns, std::int64_t uptime_ns) {
    true_ns_ += off_ns;
    booted_ns_ = true_ns_ - uptime_ns;
    ++boots_;
  }
  void step(std::int64_t by_us) {
    offset_us_ += by_us;
    in_doubt_ = true;
  }
  /// To within the error that it tells.
  void synchronise(std::int64_t error_us) {
    offset_us_ = error_us;
    in_doubt_ = false;
  }

  [[nodiscard]] std::int64_t true_ns() const { return true_ns_; }
  [[nodiscard]] std::int64_t utc_us() const { return epoch_us_ + true_ns_ / 1000; }
  [[nodiscard]] std::int64_t booted_ns() const { return booted_ns_; }
  [[nodiscard]] std::int64_t boottime_ns() const { return true_ns_ - booted_ns_; }
  [[nodiscard]] bool in_doubt() const { return in_doubt_; }
  [[nodiscard]] actors::instant now(bool hide_doubt) const {
    return {boottime_ns(), utc_us() + offset_us_, max_error_us, "boot" + std::to_string(boots_),
            in_doubt_ && !hide_doubt};
  }

 private:
  std::int64_t epoch_us_;
  std::int64_t true_ns_ = 0;
  std::int64_t booted_ns_ = 0;
  std::int64_t offset_us_ = 0;
  bool in_doubt_ = false;
  int boots_ = 0;
};

}  // namespace penstock::test
