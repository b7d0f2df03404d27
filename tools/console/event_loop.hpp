#pragma once
// Waits for whatever comes first - descriptors, signals, timers - and sleeps as long as nothing does.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "messages/result.hpp"

namespace penstock::console {

class event_loop {
 public:
  using clock = std::chrono::steady_clock;
  using handler = std::function<void()>;

  /// `signals` are held back from everything else in the process: make it before any thread.
  static messages::result<std::unique_ptr<event_loop>> make(const std::vector<int>& signals,
                                                            std::function<void(int)> on_signal);
  ~event_loop();
  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  void watch(int descriptor, handler readable);
  void forget(int descriptor);
  /// One timer for each name: a later call replaces an earlier one.
  void call_at(const std::string& name, clock::time_point when, handler then);
  void call_after(const std::string& name, std::chrono::milliseconds wait, handler then);
  [[nodiscard]] bool has_timer(const std::string& name) const { return timers_.contains(name); }
  void cancel(const std::string& name);
  /// Runs at the end of each turn: for descriptors that only tell of the first message (ZMQ_FD), and for drawing.
  void at_end_of_turn(handler then) { end_of_turn_ = std::move(then); }

  void run();
  void stop() { running_ = false; }
  [[nodiscard]] std::uint64_t turns() const { return turns_; }

 private:
  struct timer {
    clock::time_point when;
    handler then;
  };
  event_loop() = default;
  void arm();
  void call_due_timers();
  void take_signals();

  int epoll_ = -1;
  int timer_ = -1;
  int signals_ = -1;
  bool running_ = true;
  std::uint64_t turns_ = 0;
  std::function<void(int)> on_signal_;
  handler end_of_turn_;
  std::map<int, handler> watched_;
  std::map<std::string, timer> timers_;
};

}  // namespace penstock::console
