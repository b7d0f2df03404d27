#include "tools/dimse/transport.hpp"

#include <dcmtk/dcmnet/cond.h>
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

peer_connection::peer_connection(session& owner, DcmNativeSocketType socket, std::unique_ptr<tls_link> tls)
    : DcmTCPConnection(socket), owner_(owner), tls_(std::move(tls)), buffer_(buffer_bytes) {
  set_tcp_option(socket, TCP_NODELAY);
  if (tls_) tls_->attach(socket);
}

peer_connection::~peer_connection() { peer_connection::close(); }

void peer_connection::close() {
  if (tls_ && getSocket() != DCMNET_INVALID_SOCKET) tls_->say_goodbye();
  DcmTCPConnection::close();
}

bool peer_connection::is_late() {
  if (steady::now() < owner_.deadline) return false;
  owner_.timed_out = true;
  errno = ETIMEDOUT;
  return true;
}

OFCondition peer_connection::shake_hands() {
  if (!tls_) return EC_Normal;
  auto went = tls_->shake_hands();
  while (went == tls_link::progress::waits && !is_late() && may_go_on(tls_->wanted())) went = tls_->shake_hands();
  if (went == tls_link::progress::done) return EC_Normal;
  owner_.tls_problem =
      went == tls_link::progress::failed ? tls_->problem() : "the peer is silent in the handshake; it may speak no TLS";
  return makeDcmnetCondition(DULC_TLSERROR, OF_error, "TLS handshake failed");
}

void peer_connection::acknowledge() {
  if (std::exchange(unacknowledged_, false)) set_tcp_option(getSocket(), TCP_QUICKACK);
}

ssize_t peer_connection::receive() {
  const auto count = tls_ ? tls_->read(buffer_.data(), buffer_.size())
                          : ::recv(getSocket(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (tls_ && count < 0 && errno == EPROTO) owner_.tls_problem = tls_->problem();
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
    if (is_late()) return -1;
    const auto count = receive();
    if (count >= 0) return count;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return -1;
    acknowledge();
    if (!may_go_on(tls_ ? tls_->wanted() : POLLIN)) return -1;
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

ssize_t peer_connection::send(const std::byte* from, std::size_t bytes, int flags) {
  return tls_ ? tls_->write(from, bytes) : ::send(getSocket(), from, bytes, MSG_NOSIGNAL | MSG_DONTWAIT | flags);
}

ssize_t peer_connection::write(void* from, size_t bytes) {
  const int more = is_head_of_data_pdu(from, bytes) ? MSG_MORE : 0;
  std::size_t done = 0;
  while (done < bytes) {
    const auto* rest = static_cast<const std::byte*>(from) + done;
    const auto count = send(rest, bytes - done, more);
    if (count >= 0) {
      done += static_cast<std::size_t>(count);
      if (more == 0) unacknowledged_ = false;  // the acknowledgement goes with what is sent
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      // Why a peer has closed, such as a certificate of ours that it does not trust, lies there to be read.
      if (tls_ && !buffered()) receive();
      return -1;
    }
    if (!may_go_on(tls_ ? tls_->wanted() : POLLOUT)) return -1;
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
  if (tls_) return wait_for_tls(until, heed_messages);
  acknowledge();
  const auto woken = owner_.wait(getSocket(), POLLIN, until, heed_messages);
  // DCMTK asks again before it reads: with something buffered it need not ask the system. What fails here fails there.
  if (woken == wake::peer) receive();
  return woken;
}

/// Bytes on the socket are not always bytes of the peer: TLS has messages of its own.
wake peer_connection::wait_for_tls(steady::time_point until, bool heed_messages) {
  for (;;) {
    if (receive() >= 0 || errno != EAGAIN) return wake::peer;
    acknowledge();
    const auto woken = owner_.wait(getSocket(), tls_->wanted(), until, heed_messages);
    if (woken != wake::peer) return woken;
    if (steady::now() >= until) return wake::timed_out;
  }
}

DcmTransportConnection* peer_layer::createConnection(DcmNativeSocketType socket, OFBool secure) {
  if (secure) return nullptr;
  connection_ = new peer_connection(owner_, socket, std::move(tls_));  // DCMTK deletes it with the association
  return connection_;
}

}  // namespace penstock::dimse
