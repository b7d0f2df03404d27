#include "tools/dimse/transport.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace penstock::dimse {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{256} << 10;

void set_tcp_option(int socket, int option) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, option, &on, sizeof on);
}

/// DCMTK writes the head of a P-DATA PDU and its body separately; one segment is enough for both.
bool is_head_of_data_pdu(const void* from, std::size_t bytes) {
  constexpr unsigned char p_data_tf = 4;
  return bytes >= 6 && bytes <= 12 && *static_cast<const unsigned char*>(from) == p_data_tf;
}

}  // namespace

peer_connection::peer_connection(session& owner, DcmNativeSocketType socket)
    : DcmTCPConnection(socket), owner_(owner), buffer_(buffer_bytes) {
  set_tcp_option(socket, TCP_NODELAY);
}

void peer_connection::acknowledge() {
  if (std::exchange(unacknowledged_, false)) set_tcp_option(getSocket(), TCP_QUICKACK);
}

ssize_t peer_connection::receive() {
  const auto count = ::recv(getSocket(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  begin_ = 0;
  end_ = count > 0 ? static_cast<std::size_t>(count) : 0;
  if (count > 0) unacknowledged_ = true;
  return count;
}

bool peer_connection::may_go_on(short events) {
  const auto until = std::min(owner_.deadline, steady::now() + owner_.idle);
  const auto woken = owner_.wait(getSocket(), events, until, false);
  if (woken == wake::peer) return true;
  owner_.timed_out = woken == wake::timed_out;
  errno = owner_.timed_out ? ETIMEDOUT : ECANCELED;
  return false;
}

ssize_t peer_connection::fill() {
  for (;;) {
    if (steady::now() >= owner_.deadline) {
      owner_.timed_out = true;
      errno = ETIMEDOUT;
      return -1;
    }
    const auto count = receive();
    if (count >= 0) return count;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return -1;
    acknowledge();
    if (!may_go_on(POLLIN)) return -1;
  }
}

ssize_t peer_connection::read(void* into, size_t bytes) {
  if (!buffered()) {
    const auto count = fill();
    if (count <= 0) return count;
  }
  const auto taken = std::min(bytes, end_ - begin_);
  std::memcpy(into, buffer_.data() + begin_, taken);
  begin_ += taken;
  return static_cast<ssize_t>(taken);
}

ssize_t peer_connection::write(void* from, size_t bytes) {
  const int more = is_head_of_data_pdu(from, bytes) ? MSG_MORE : 0;
  std::size_t done = 0;
  while (done < bytes) {
    const auto* rest = static_cast<const std::byte*>(from) + done;
    const auto count = ::send(getSocket(), rest, bytes - done, MSG_NOSIGNAL | MSG_DONTWAIT | more);
    if (count >= 0) {
      done += static_cast<std::size_t>(count);
      if (more == 0) unacknowledged_ = false;  // the acknowledgement goes with what is sent
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return -1;
    if (!may_go_on(POLLOUT)) return -1;
  }
  return static_cast<ssize_t>(bytes);
}

OFBool peer_connection::networkDataAvailable(int timeout_s) {
  const auto until = std::min(owner_.deadline, steady::now() + std::chrono::seconds{timeout_s});
  return wait_for_peer(until, false) == wake::peer ? OFTrue : OFFalse;
}

wake peer_connection::wait_for_peer(steady::time_point until, bool heed_messages) {
  if (heed_messages && buffered()) owner_.parent.collect();
  if (heed_messages && owner_.parent.has_message()) return wake::message;
  if (buffered()) return wake::peer;
  acknowledge();
  const auto woken = owner_.wait(getSocket(), POLLIN, until, heed_messages);
  // DCMTK asks again before it reads: with something buffered it need not ask the system. What fails here fails there.
  if (woken == wake::peer) receive();
  return woken;
}

DcmTransportConnection* peer_layer::createConnection(DcmNativeSocketType socket, OFBool secure) {
  if (secure) return nullptr;
  connection_ = new peer_connection(owner_, socket);  // DCMTK deletes it with the association
  return connection_;
}

}  // namespace penstock::dimse
