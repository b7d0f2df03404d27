#pragma once
// HTTP for machines: `/healthz` and `/metrics`. A few threads of its own; nothing here asks an actor.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "conf/settings.hpp"
#include "messages/result.hpp"

namespace penstock::gateways {

enum class server_phase : std::uint8_t { starting, running, stopping };

struct http_gateway_options {
  conf::tcp_address address{"127.0.0.1", 7080};  ///< port 0: any free one
  std::string version;
  std::size_t threads = 2;
  std::size_t max_waiting = 32;  ///< connections accepted and not yet served; more wait to be accepted
  std::chrono::milliseconds read_timeout{2'000};
  std::chrono::milliseconds write_timeout{5'000};
};

struct http_gateway_parts {
  std::function<server_phase()> phase;
  /// Text in Prometheus' exposition format, version 0.0.4. Called in any of the gateway's threads; must not block long.
  std::function<std::string()> metrics;
  /// A word for the room on the server's disk: "ample" or what is wrong. Any thread.
  std::function<std::string()> disk = {};
};

class http_gateway {
 public:
  /// Listens before it returns. errc::held_by_another when the port is taken, bad_configuration for a bad address.
  static messages::result<std::unique_ptr<http_gateway>> start(http_gateway_options options, http_gateway_parts parts);
  ~http_gateway();
  http_gateway(const http_gateway&) = delete;
  http_gateway& operator=(const http_gateway&) = delete;

  [[nodiscard]] std::uint16_t port() const;

 private:
  struct running;
  explicit http_gateway(std::unique_ptr<running> started);
  std::unique_ptr<running> running_;
};

}  // namespace penstock::gateways
