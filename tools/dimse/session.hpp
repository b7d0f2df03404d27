#pragma once
// What every job of the child has: the link to its parent and the one place where it waits.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "storage/dimse_channel.hpp"

namespace penstock::dimse {

using steady = std::chrono::steady_clock;

/// The parent's messages, kept until the job comes to a point where it can heed them.
class parent_link {
 public:
  /// More unheeded messages than this end the child: the parent is out of step.
  static constexpr std::size_t most_unheeded = 256;

  explicit parent_link(storage::descriptor end) : channel_(std::move(end)) {}

  /// False when the parent is gone or does not read; the job then ends.
  template <messages::described T>
  bool tell(const T& message) {
    if (gone_ || !channel_.tell(message)) gone_ = true;
    return !gone_;
  }

  /// Takes what has come into the inbox, without waiting.
  void collect();
  [[nodiscard]] std::optional<storage::dimse_packet> next();
  [[nodiscard]] bool has_message() const { return !inbox_.empty(); }
  /// A study is to be closed, or everything to stop.
  [[nodiscard]] bool wants_an_end() const;
  [[nodiscard]] bool gone() const { return gone_; }
  [[nodiscard]] int descriptor_number() const { return channel_.descriptor_number(); }

 private:
  storage::dimse_channel channel_;
  std::deque<storage::dimse_packet> inbox_;
  bool gone_ = false;
};

enum class wake : std::uint8_t { peer, message, timed_out, parent_gone };

/// A peer that hangs within an object may not keep back what came whole: once the parent wants an end, so long a
/// silence is the end. Well below the time after which the parent kills.
constexpr std::chrono::milliseconds hurried_idle{1'500};

struct session {
  explicit session(storage::descriptor end) : parent(std::move(end)) {}

  parent_link parent;
  /// Between two bytes of the peer, and for the whole of what is under way. Every read and write of the transport keeps
  /// to both.
  std::chrono::milliseconds idle{10'000};
  steady::time_point deadline = steady::time_point::max();
  /// Set when a read or write failed because of them.
  bool timed_out = false;
  /// Why TLS with the peer failed, in words; empty while it has not.
  std::string tls_problem;
  /// Called before each wait; says when it wants to be called again at the latest.
  std::function<steady::time_point()> before_waiting;

  void allow(std::chrono::milliseconds idle_time, std::chrono::milliseconds whole_time) {
    idle = idle_time;
    deadline = steady::now() + whole_time;
  }

  /// Waits for `events` on the peer's socket (-1: none) until `until`. Messages of the parent are collected meanwhile;
  /// with `heed_messages` the first of them ends the wait.
  [[nodiscard]] wake wait(int socket, short events, steady::time_point until, bool heed_messages);
};

/// Milliseconds since `start`, for reports.
[[nodiscard]] std::uint32_t milliseconds_since(steady::time_point start);

}  // namespace penstock::dimse
