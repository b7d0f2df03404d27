#include "gateways/door.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace penstock::gateways {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

constexpr int backlog = 128;
constexpr int most_accepted_a_turn = 64;
/// PS3.8 section 9.3.1: type, a reserved byte, length.
constexpr std::size_t pdu_header_bytes = 6;
constexpr unsigned char associate_rq = 0x01;
/// RFC 8446 section 5.1: a record holds its type, 03 and the minor version, its length; then begins the handshake with
/// its type. As many bytes as the head of a PDU tell both apart.
constexpr unsigned char handshake_record = 0x16;
constexpr unsigned char record_version = 0x03;
constexpr unsigned char client_hello = 0x01;
/// A request with 128 presentation contexts of many transfer syntaxes stays far below.
constexpr std::uint32_t longest_associate_rq = 128 * 1024;

/// How many bytes must be there before a poll says that the socket is readable.
void wake_at(const storage::descriptor& socket, int bytes) {
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

std::string text_of(const sockaddr_in& address) {
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
  return text.data();
}

}  // namespace

door::door(storage::descriptor listening, std::uint16_t port, door_limits limits)
    : listening_(std::move(listening)), port_(port), limits_(limits) {}

result<door> door::open(const std::string& address, std::uint16_t port, door_limits limits) {
  const auto where = "DICOM: listen on " + address + ":" + std::to_string(port);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &at.sin_addr) != 1)
    return fail(errc::bad_configuration, where + ": not an IPv4 address");
  storage::descriptor listening{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  const int on = 1;
  ::setsockopt(listening.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  socklen_t length = sizeof at;
  if (!listening || ::bind(listening.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
      ::listen(listening.get(), backlog) != 0 ||
      ::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&at), &length) != 0)
    return fail(errno == EADDRINUSE ? errc::held_by_another : errc::bad_configuration,
                where + ": " + std::strerror(errno));
  return door{std::move(listening), ntohs(at.sin_port), limits};
}

bool door::has_room(const std::string& peer) const {
  const auto of_peer = inside_.find(peer);
  return all_inside_ < limits_.most && (of_peer == inside_.end() || of_peer->second < limits_.most_per_peer);
}

void door::gone(const std::string& peer) {
  const auto of_peer = inside_.find(peer);
  if (of_peer == inside_.end()) return;
  --all_inside_;
  if (--of_peer->second == 0) inside_.erase(of_peer);
}

void door::accept_all() {
  for (int accepted = 0; accepted < most_accepted_a_turn; ++accepted) {
    sockaddr_in from{};
    socklen_t length = sizeof from;
    storage::descriptor socket{
        ::accept4(listening_.get(), reinterpret_cast<sockaddr*>(&from), &length, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!socket) return;
    auto peer = text_of(from);
    if (!has_room(peer)) {
      ++turned_away_;
      continue;
    }
    wake_at(socket, static_cast<int>(pdu_header_bytes));
    ++inside_[peer];
    ++all_inside_;
    waiting_.push_back({{std::move(socket), std::move(peer), false}, clock::now() + limits_.first_word_patience});
  }
}

door::word door::first_word(const storage::descriptor& socket) const {
  std::array<unsigned char, pdu_header_bytes> header{};
  const auto count = ::recv(socket.get(), header.data(), header.size(), MSG_PEEK | MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return word::none;
  const bool may_be_tls = limits_.tls && header[0] == handshake_record;
  if (count <= 0 || (header[0] != associate_rq && !may_be_tls)) return word::other;
  if (static_cast<std::size_t>(count) < header.size()) return word::none;
  if (may_be_tls) return header[1] == record_version && header[5] == client_hello ? word::tls : word::other;
  std::uint32_t length = 0;
  std::memcpy(&length, &header[2], sizeof length);
  return ntohl(length) <= longest_associate_rq ? word::association : word::other;
}

void door::add_to(std::vector<pollfd>& watched) const {
  watched.push_back({listening_.get(), POLLIN, 0});
  for (const auto& one : waiting_) watched.push_back({one.from.socket.get(), POLLIN, 0});
}

std::vector<caller> door::heed(const std::vector<pollfd>& watched) {
  const auto is_ready = [&watched](const storage::descriptor& socket) {
    return std::any_of(watched.begin(), watched.end(),
                       [&socket](const pollfd& one) { return one.fd == socket.get() && one.revents != 0; });
  };
  std::vector<caller> callers;
  const auto now = clock::now();
  for (auto one = waiting_.begin(); one != waiting_.end();) {
    const auto said = is_ready(one->from.socket) ? first_word(one->from.socket) : word::none;
    if (said == word::association || said == word::tls) {
      wake_at(one->from.socket, 1);
      one->from.tls = said == word::tls;
      callers.push_back(std::move(one->from));
    } else if (said == word::other || now >= one->deadline) {
      ++turned_away_;
      gone(one->from.peer);
    } else {
      ++one;
      continue;
    }
    one = waiting_.erase(one);
  }
  if (is_ready(listening_)) accept_all();
  return callers;
}

}  // namespace penstock::gateways
