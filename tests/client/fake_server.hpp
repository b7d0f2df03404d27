#pragma once
// Stands where a Penstock server would: ROUTER sockets with CURVE or PLAIN behind a ZAP handler, and a script that says
// what to answer.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tools/client/user_key.hpp"

namespace zmq {
class context_t;
class socket_t;
}  // namespace zmq

namespace penstock::client::testing {

using text_frames = std::vector<std::string>;

class fake_server {
 public:
  /// What to send back for a message, in order. A reply that is empty closes all connections.
  using script = std::function<std::vector<text_frames>(const text_frames& message)>;

  /// A control socket with a CURVE key of its own. Clients with a key that was not allowed are refused.
  static std::unique_ptr<fake_server> with_curve(script answer);
  /// A data socket: each ticket "name:secret" that was allowed lets one connection in.
  static std::unique_ptr<fake_server> with_tickets(script answer);
  ~fake_server();

  void allow(const std::string& public_key_or_ticket);
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
  [[nodiscard]] const std::string& public_key() const { return key_.public_key; }
  [[nodiscard]] int connections() const { return admitted_; }

 private:
  fake_server(bool curve, script answer);
  void serve();
  void bind();
  bool admits(const text_frames& request);
  void answer(const text_frames& message, const std::string& peer);

  const bool curve_;
  script answer_;
  user_key key_;
  std::string endpoint_ = "tcp://127.0.0.1:*";
  std::unique_ptr<zmq::context_t> context_;
  std::unique_ptr<zmq::socket_t> socket_;
  std::mutex mutex_;
  std::set<std::string> allowed_;
  std::atomic<int> admitted_{0};
  std::atomic<bool> stop_{false};
  std::thread zap_;
  std::thread server_;
};

}  // namespace penstock::client::testing
