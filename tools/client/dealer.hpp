#pragma once
// One ZeroMQ DEALER socket with one peer, which knows how its connection fares. Included by sources of tools/client
// only.

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
#include <zmq.hpp>

#include "messages/result.hpp"
#include "tools/client/user_key.hpp"

namespace penstock::client {

constexpr std::int64_t largest_frame_bytes = 2 * 1024 * 1024;
/// At most this many messages wait on either side of the socket; above every credit that is ever given.
constexpr int queued_messages = 4096;

struct curve_identity {
  std::string server_key;
  user_key key;
};
struct plain_identity {
  std::string username;
  secret_text password;
};
struct dealer_options {
  std::string endpoint;
  std::variant<curve_identity, plain_identity> identity;
};

enum class link_state {
  connecting,   ///< nothing is known yet
  established,  ///< TCP answers, the handshake is under way
  ready,        ///< authenticated
  unreachable,  ///< nothing accepts connections there
  refused,      ///< the server does not know the key, or the ticket
  unsuitable,   ///< the handshake broke: a wrong server key, or not a Penstock server
  lost          ///< was ready, and is no more
};

using frames = std::vector<zmq::message_t>;

/// Never reconnects by itself: after `lost`, make a new one (with a new routing id). Not thread-safe.
class dealer {
 public:
  /// errc::bad_configuration for an address or key that ZeroMQ refuses.
  static result<std::unique_ptr<dealer>> connect(const dealer_options& options);
  ~dealer();
  dealer(const dealer&) = delete;
  dealer& operator=(const dealer&) = delete;

  /// Queues one message; false when the queue is full or the connection is gone.
  bool send(const std::vector<std::string_view>& message);
  /// The next message; nothing after `wait` or as soon as the connection has failed.
  std::optional<frames> receive(std::chrono::milliseconds wait);
  [[nodiscard]] link_state state() const { return state_; }
  /// Also takes note of what has happened to the connection since anybody looked.
  [[nodiscard]] bool failed();
  /// Readable when something may have happened. They tell once, not as long as it lasts: after each time, and after
  /// each `send`, call `receive` until nothing comes.
  [[nodiscard]] std::array<int, 2> descriptors();

 private:
  dealer() = default;
  void watch_connection();
  void drain_monitor();
  std::optional<frames> take();

  zmq::context_t context_{1};
  zmq::socket_t socket_;
  zmq::socket_t monitor_;
  link_state state_ = link_state::connecting;
};

/// What to tell people about a connection that failed to reach `endpoint`.
[[nodiscard]] messages::failure explain(link_state state, const std::string& endpoint,
                                        std::chrono::milliseconds waited);

}  // namespace penstock::client
