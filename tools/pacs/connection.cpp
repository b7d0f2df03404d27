#include "tools/pacs/connection.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

namespace penstock::pacs {
namespace {

using messages::errc;
using messages::fail;
using messages::result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t most_pdu_bytes_taken = std::size_t{4} << 20;
/// No connect and no send that makes no progress takes longer.
constexpr time_t patience_s = 60;

messages::failure system_failure(const char* operation) {
  return fail(errc::pacs_unavailable, std::string{operation} + ": " + std::strerror(errno));
}

}  // namespace

connection::connection(storage::descriptor socket) : socket_(std::move(socket)) {
  const timeval patience{patience_s, 0};
  const int on = 1;
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

result<connection> connection::open(const host_port& to) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found) != 0)
    return fail(errc::pacs_unavailable, "connect: the host has no IPv4 address");
  connection made{storage::descriptor{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}};
  const int connected = ::connect(made.socket_.get(), found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  if (connected != 0) return system_failure("connect");
  return made;
}

result<void> connection::send(byte_view first, byte_view second) {
  if (bytes_per_second_ == 0) return send_at_once(first, second);
  if (auto sent = send_paced(first); !sent) return sent;
  return send_paced(second);
}

result<void> connection::send_at_once(byte_view first, byte_view second) {
  while (!first.empty() || !second.empty()) {
    std::array<iovec, 2> parts{iovec{const_cast<std::byte*>(first.data()), first.size()},
                               iovec{const_cast<std::byte*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    const auto count = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_failure("send");
    const auto sent = static_cast<std::size_t>(count);
    const auto of_first = std::min(sent, first.size());
    first = first.subspan(of_first);
    second = second.subspan(sent - of_first);
  }
  return {};
}

result<void> connection::send_paced(byte_view what) {
  constexpr std::uint64_t slices_per_second = 20;
  const std::size_t slice = std::max<std::size_t>(1, bytes_per_second_ / slices_per_second);
  while (!what.empty()) {
    const auto now = what.first(std::min(slice, what.size()));
    if (auto sent = send_at_once(now, {}); !sent) return sent;
    what = what.subspan(now.size());
    std::this_thread::sleep_for(std::chrono::microseconds{now.size() * 1'000'000 / bytes_per_second_});
  }
  return {};
}

result<pdu> connection::read_pdu(milliseconds patience) {
  const auto until = steady_clock::now() + patience;
  std::array<std::byte, pdu_header_bytes> header{};
  if (auto got = read(header.data(), header.size(), until); !got) return got.error();
  const auto length = big_endian(byte_view{header}.subspan(2, 4));
  if (length > most_pdu_bytes_taken) return fail(errc::too_large, "read: a PDU is too long");
  pdu read_one{static_cast<pdu_type>(header[0]), bytes(length)};
  if (auto got = read(read_one.body.data(), length, until); !got) return got.error();
  return read_one;
}

result<void> connection::read(std::byte* into, std::size_t count, steady_clock::time_point until) {
  while (count > 0) {
    acknowledge();
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (left.count() <= 0 || !readable(left)) return fail(errc::timed_out, "read: the peer is silent");
    const auto got = ::recv(socket_.get(), into, count, 0);
    if (got == 0) return fail(errc::pacs_unavailable, "read: the peer has closed the connection");
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure("read");
    into += got;
    count -= static_cast<std::size_t>(got);
  }
  return {};
}

/// A peer that leaves Nagle's algorithm on holds its second write back until the first is acknowledged. The option does
/// not last.
void connection::acknowledge() {
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

bool connection::readable(milliseconds within) const {
  pollfd watched{socket_.get(), POLLIN, 0};
  const auto until = steady_clock::now() + within;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    const int woken = ::poll(&watched, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (woken >= 0 || errno != EINTR) return woken != 0;
  }
}

void connection::wait_until_closed() {
  std::array<std::byte, 4096> ignored{};
  for (;;) {
    const auto got = ::recv(socket_.get(), ignored.data(), ignored.size(), 0);
    if (got == 0 || (got < 0 && errno != EINTR)) return;
  }
}

std::string connection::peer() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
  return std::string{text.data()} + ":" + std::to_string(ntohs(address.sin_port));
}

}  // namespace penstock::pacs
