#include "gateways/zmq_loop.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>

namespace penstock::gateways {
namespace {

// Declared by zmq.h only under ZMQ_BUILD_DRAFT_API; Debian's libzmq 4.3.4 implements it.
constexpr int zap_enforce_domain = 93;

constexpr int handshake_ms = 2'000;
constexpr int heartbeat_ms = 5'000;
constexpr int heartbeat_timeout_ms = 15'000;
constexpr int connection_backlog = 1024;

}  // namespace

void set_limits(zmq::socket_t& router, const router_limits& limits) {
  router.set(zmq::sockopt::maxmsgsize, limits.max_message_bytes + curve_overhead_bytes);
  router.set(zmq::sockopt::sndhwm, limits.send_queue);
  router.set(zmq::sockopt::rcvhwm, limits.receive_queue);
  router.set(zmq::sockopt::affinity, limits.io_thread_mask);
  router.set(zmq::sockopt::handshake_ivl, handshake_ms);
  router.set(zmq::sockopt::backlog, connection_backlog);
  router.set(zmq::sockopt::linger, 0);
  router.set(zmq::sockopt::heartbeat_ivl, heartbeat_ms);
  router.set(zmq::sockopt::heartbeat_timeout, heartbeat_timeout_ms);
  router.set(zmq::sockopt::heartbeat_ttl, heartbeat_timeout_ms);
  router.set(zmq::sockopt::router_mandatory, true);
  router.set(zmq::sockopt::router_handover, false);
}

void require_zap(zmq::socket_t& socket, const char* domain) {
  socket.set(zmq::sockopt::zap_domain, domain);
  const int on = 1;
  if (zmq_setsockopt(socket.handle(), zap_enforce_domain, &on, sizeof on) != 0) throw zmq::error_t();
}

messages::result<std::string> bind_endpoint(zmq::socket_t& socket, const std::string& endpoint) {
  try {
    socket.bind(endpoint);
    return socket.get(zmq::sockopt::last_endpoint);
  } catch (const zmq::error_t& problem) {
    const auto code = problem.num() == EADDRINUSE ? messages::errc::held_by_another : messages::errc::bad_configuration;
    return messages::fail(code, "bind " + endpoint + ": " + problem.what());
  }
}

received_message receive_now(zmq::socket_t& socket, std::size_t most_frames) {
  received_message message;
  for (bool more = true; more;) {
    zmq::message_t frame;
    if (!socket.recv(frame, zmq::recv_flags::dontwait)) return {};
    more = frame.more();
    if (message.frames.size() < most_frames)
      message.frames.push_back(std::move(frame));
    else
      message.cut = true;
  }
  return message;
}

std::string user_id_of(zmq::message_t& last_frame) {
  const char* id = zmq_msg_gets(last_frame.handle(), "User-Id");
  return id == nullptr ? std::string{} : std::string{id};
}

send_outcome send_now(zmq::socket_t& router, std::string_view routing_id, std::span<const std::string_view> frames) {
  if (zmq_send(router.handle(), routing_id.data(), routing_id.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
    return zmq_errno() == EHOSTUNREACH ? send_outcome::gone : send_outcome::full;
  for (std::size_t at = 0; at < frames.size(); ++at) {
    const int more = at + 1 < frames.size() ? ZMQ_SNDMORE : 0;
    if (zmq_send(router.handle(), frames[at].data(), frames[at].size(), more | ZMQ_DONTWAIT) < 0)
      return send_outcome::gone;
  }
  return send_outcome::sent;
}

int connection_of(zmq::message_t& frame) { return zmq_msg_get(frame.handle(), ZMQ_SRCFD); }

departure_watch::departure_watch(zmq::context_t& context, zmq::socket_t& watched)
    : watched_(watched), told_(context, zmq::socket_type::pair) {
  static std::atomic<std::uint64_t> watches{0};
  const auto name = "inproc://departures-" + std::to_string(++watches);
  if (zmq_socket_monitor(watched.handle(), name.c_str(), ZMQ_EVENT_DISCONNECTED) != 0) throw zmq::error_t{};
  told_.set(zmq::sockopt::rcvhwm, 0);  // the thread of all connections must never wait for us
  told_.set(zmq::sockopt::linger, 0);
  told_.connect(name);
}

void departure_watch::close() {
  zmq_socket_monitor(watched_.handle(), nullptr, 0);
  told_.close();
}

void departure_watch::take(const std::function<void(int connection)>& ended) {
  // Two frames: the number of the event and its value, then the address.
  for (;;) {
    zmq::message_t event;
    if (!told_.recv(event, zmq::recv_flags::dontwait)) return;
    zmq::message_t address;
    static_cast<void>(told_.recv(address, zmq::recv_flags::dontwait));
    std::uint16_t number = 0;
    std::int32_t connection = -1;
    if (event.size() < sizeof number + sizeof connection) continue;
    std::memcpy(&number, event.data(), sizeof number);
    std::memcpy(&connection, static_cast<const char*>(event.data()) + sizeof number, sizeof connection);
    if (number == ZMQ_EVENT_DISCONNECTED) ended(connection);
  }
}

}  // namespace penstock::gateways
