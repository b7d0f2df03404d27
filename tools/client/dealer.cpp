#include "tools/client/dealer.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <zmq_addon.hpp>

#include "storage/digest.hpp"

namespace penstock::client {
namespace {

using messages::errc;
using messages::fail;
using std::chrono::milliseconds;

constexpr int heartbeat_interval_ms = 5000;
constexpr int heartbeat_timeout_ms = 15000;
constexpr int handshake_limit_ms = 5000;
/// Never, in effect. With -1, libzmq 4.3.4 ends the pipe as soon as the connection is lost, and aborts the process when
/// that happens between two frames of a message that is being read (assertion !_more in fq.cpp).
constexpr int reconnect_after_ms = 24 * 3600 * 1000;
constexpr std::size_t routing_id_random_bytes = 16;
constexpr auto monitor_address = "inproc://connection";

/// messages/WIRE.md: 0x01 and 16 random bytes, new for each socket.
std::string fresh_routing_id() {
  std::array<std::uint8_t, routing_id_random_bytes> random{};
  storage::fill_random(random);
  return std::string{'\x01'}.append(storage::as_text(random));
}

void set_common_options(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::maxmsgsize, largest_frame_bytes);
  socket.set(zmq::sockopt::sndhwm, queued_messages);
  socket.set(zmq::sockopt::rcvhwm, queued_messages);
  socket.set(zmq::sockopt::heartbeat_ivl, heartbeat_interval_ms);
  socket.set(zmq::sockopt::heartbeat_timeout, heartbeat_timeout_ms);
  socket.set(zmq::sockopt::heartbeat_ttl, heartbeat_timeout_ms);
  socket.set(zmq::sockopt::handshake_ivl, handshake_limit_ms);
  socket.set(zmq::sockopt::reconnect_ivl, reconnect_after_ms);
  socket.set(zmq::sockopt::routing_id, fresh_routing_id());
}

void set_identity(zmq::socket_t& socket, const curve_identity& identity) {
  socket.set(zmq::sockopt::curve_serverkey, identity.server_key);
  socket.set(zmq::sockopt::curve_publickey, identity.key.public_key);
  socket.set(zmq::sockopt::curve_secretkey, identity.key.secret_key.c_str());
}

void set_identity(zmq::socket_t& socket, const plain_identity& identity) {
  socket.set(zmq::sockopt::plain_username, identity.username);
  socket.set(zmq::sockopt::plain_password, identity.password.reveal());
}

link_state after(link_state state, std::uint16_t event) {
  const bool was_ready = state == link_state::ready;
  switch (event) {
    case ZMQ_EVENT_CONNECTED:
      return link_state::established;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      return link_state::ready;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      return link_state::refused;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
      return link_state::unsuitable;
    case ZMQ_EVENT_CLOSED:
    case ZMQ_EVENT_DISCONNECTED:
      if (state > link_state::ready) return state;
      if (was_ready) return link_state::lost;
      return state == link_state::connecting ? link_state::unreachable : link_state::unsuitable;
    default:
      return state;
  }
}

}  // namespace

result<std::unique_ptr<dealer>> dealer::connect(const dealer_options& options) try {
  std::unique_ptr<dealer> made{new dealer};
  made->socket_ = zmq::socket_t{made->context_, zmq::socket_type::dealer};
  set_common_options(made->socket_);
  std::visit([&](const auto& identity) { set_identity(made->socket_, identity); }, options.identity);
  made->watch_connection();
  made->socket_.connect(options.endpoint);
  return made;
} catch (const zmq::error_t& problem) {
  return fail(errc::bad_configuration, "connect to " + options.endpoint + ": " + problem.what());
}

dealer::~dealer() { zmq_socket_monitor(socket_.handle(), nullptr, 0); }

void dealer::watch_connection() {
  if (zmq_socket_monitor(socket_.handle(), monitor_address, ZMQ_EVENT_ALL) != 0) throw zmq::error_t{};
  monitor_ = zmq::socket_t{context_, zmq::socket_type::pair};
  monitor_.set(zmq::sockopt::linger, 0);
  monitor_.connect(monitor_address);
}

void dealer::drain_monitor() try {
  for (;;) {
    zmq::message_t event;
    zmq::message_t address;
    if (!monitor_.recv(event, zmq::recv_flags::dontwait)) return;
    if (!event.more() || !monitor_.recv(address, zmq::recv_flags::dontwait)) return;
    std::uint16_t number = 0;
    if (event.size() < sizeof number) continue;
    std::memcpy(&number, event.data(), sizeof number);
    state_ = after(state_, number);
  }
} catch (const zmq::error_t&) {
  return;  // interrupted by a signal: what is there stays there
}

std::optional<frames> dealer::take() {
  frames message;
  if (!zmq::recv_multipart(socket_, std::back_inserter(message), zmq::recv_flags::dontwait)) return std::nullopt;
  return message;
}

std::array<int, 2> dealer::descriptors() { return {socket_.get(zmq::sockopt::fd), monitor_.get(zmq::sockopt::fd)}; }

bool dealer::failed() {
  drain_monitor();
  return state_ >= link_state::unreachable;
}

bool dealer::send(const std::vector<std::string_view>& message) {
  if (failed()) return false;
  for (std::size_t i = 0; i < message.size(); ++i) {
    const int more = i + 1 < message.size() ? ZMQ_SNDMORE : 0;
    if (zmq_send(socket_.handle(), message[i].data(), message[i].size(), ZMQ_DONTWAIT | more) < 0) return false;
  }
  return true;
}

std::optional<frames> dealer::receive(milliseconds wait) try {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  for (;;) {
    drain_monitor();
    if (auto message = take()) return message;
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (failed() || left <= milliseconds{0}) return std::nullopt;
    zmq::pollitem_t items[] = {{socket_.handle(), 0, ZMQ_POLLIN, 0}, {monitor_.handle(), 0, ZMQ_POLLIN, 0}};
    zmq::poll(items, 2, left);
  }
} catch (const zmq::error_t&) {
  return std::nullopt;  // interrupted by a signal: the caller looks at what it means
}

messages::failure explain(link_state state, const std::string& endpoint, milliseconds waited) {
  const auto seconds = std::to_string(std::max<long long>(1, (waited.count() + 999) / 1000)) + " s";
  switch (state) {
    case link_state::unreachable:
      return fail(errc::timed_out, "nothing answers at " + endpoint + ": is the server running, is the address right?");
    case link_state::refused:
      return fail(errc::not_permitted, "the server at " + endpoint +
                                           " does not know this key: ask the administrator to enter your public key "
                                           "('penstock keygen --show' prints it)");
    case link_state::unsuitable:
      return fail(errc::timed_out, "the server at " + endpoint +
                                       " broke off the handshake: is the server key right, is it "
                                       "a Penstock server?");
    case link_state::lost:
      return fail(errc::timed_out, "the connection to " + endpoint + " was lost");
    default:
      return fail(errc::timed_out, "the server at " + endpoint + " did not answer within " + seconds +
                                       ": is it running, is this key known?");
  }
}

}  // namespace penstock::client
