#pragma once
// What every ZeroMQ ROUTER of ours has in common: limits, fail-closed authentication, frames that never block. For
// gateways' sources only.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "gateways/frames.hpp"
#include "messages/result.hpp"

namespace penstock::gateways {

/// Bytes that CURVE adds to a frame, with some room; ZMQ_MAXMSGSIZE counts them.
inline constexpr std::int64_t curve_overhead_bytes = 64;

struct router_limits {
  std::int64_t max_message_bytes = 1 << 20;
  int send_queue = 1000;  ///< messages per peer
  int receive_queue = 200;
  std::uint64_t io_thread_mask = 0;  ///< ZMQ_AFFINITY
};

/// Handshake within 2 s; a peer that does not answer heartbeats for 15 s is gone; sends to the departed and to the full
/// are reported instead of dropped; a routing id is never handed over to another connection.
void set_limits(zmq::socket_t& router, const router_limits& limits);

/// No ZAP handler, no connection: without ZMQ_ZAP_ENFORCE_DOMAIN a socket whose context has none lets everybody in.
void require_zap(zmq::socket_t& socket, const char* domain);

/// The address that was bound, with the real port. errc::held_by_another or bad_configuration.
[[nodiscard]] messages::result<std::string> bind_endpoint(zmq::socket_t& socket, const std::string& endpoint);

/// Frames of one message. Only the first `most_frames` are kept; `cut` says that there were more.
struct received_message {
  std::vector<zmq::message_t> frames;
  bool cut = false;
};
/// The next message without waiting; no frames when there is none.
[[nodiscard]] received_message receive_now(zmq::socket_t& socket, std::size_t most_frames);

/// The descriptor that a message came through; -1 when it is not known.
[[nodiscard]] int connection_of(zmq::message_t& frame);

/// Tells of connections of a socket that have ended. A descriptor is given to a new connection only after the end of
/// the old one was told: whoever has received a message and then takes all that was told, has it in order.
class departure_watch {
 public:
  /// Both belong to the thread that owns `watched`, from before it binds until it closes.
  departure_watch(zmq::context_t& context, zmq::socket_t& watched);
  [[nodiscard]] void* handle() { return told_.handle(); }
  /// Never waits.
  void take(const std::function<void(int connection)>& ended);
  /// Before `watched` is closed: whoever leaves then would be told to nobody, and libzmq waits for ever for a reader.
  void close();

 private:
  zmq::socket_t& watched_;
  zmq::socket_t told_;
};

/// ZAP's user id of a connection, from the LAST frame of its message (libzmq 4.3.4 puts none on the routing id).
[[nodiscard]] std::string user_id_of(zmq::message_t& last_frame);

/// To one peer of a ROUTER, never waits.
[[nodiscard]] send_outcome send_now(zmq::socket_t& router, std::string_view routing_id,
                                    std::span<const std::string_view> frames);

}  // namespace penstock::gateways
