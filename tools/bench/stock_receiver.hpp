#pragma once
// A running `storescp` of the package dcmtk, to compare with.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>

namespace penstock::bench {

struct stock_receiver_options {
  /// A process for every association (--fork); without it one association after the other.
  bool fork = false;
  /// As installed, DCMTK leaves Nagle's algorithm on, which costs 40 ms a response on most links; with this its own
  /// switch for that, the environment variable TCP_NODELAY, is set, as a careful site would.
  bool no_delay = true;
};

/// Receives into a folder of its own, which is removed with it. Everything else is as the program's defaults say.
class stock_receiver {
 public:
  /// Returns when it listens. Throws std::runtime_error when the program is not installed or does not start.
  stock_receiver(const stock_receiver_options& options, const std::filesystem::path& scratch);
  ~stock_receiver();
  stock_receiver(const stock_receiver&) = delete;
  stock_receiver& operator=(const stock_receiver&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::size_t files_received() const;
  /// Ends the program and waits for it, so that its CPU time counts to the children's.
  void stop();

 private:
  std::filesystem::path folder_;
  std::uint16_t port_ = 0;
  pid_t process_ = -1;
};

}  // namespace penstock::bench
