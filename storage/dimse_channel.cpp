#include "storage/dimse_channel.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace penstock::storage {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

/// Room for one descriptor in a control message, aligned as cmsg(3) wants it.
struct alignas(cmsghdr) control_space {
  std::array<char, CMSG_SPACE(sizeof(int))> bytes{};
};

/// The first descriptor that came along; a compromised sender may have sent more, which must not stay open.
descriptor attached_to(msghdr& header) {
  descriptor found;
  for (auto* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = 0; CMSG_LEN(at + sizeof(int)) <= part->cmsg_len; at += sizeof(int)) {
      descriptor next;
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part) + at, sizeof number);
      next.reset(number);
      if (!found) found = std::move(next);
    }
  }
  return found;
}

}  // namespace

std::string dimse_kind(std::string_view text) {
  const auto object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) return {};
  const auto kind = object.find("kind");
  return kind != object.end() && kind->is_string() ? kind->get<std::string>() : std::string{};
}

result<void> dimse_channel::send(std::string_view text, int attached) {
  if (text.size() > messages::most_dimse_message_bytes) return fail(errc::too_large, "channel: a message is too large");
  iovec piece{const_cast<char*>(text.data()), text.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  control_space space;
  if (attached >= 0) {
    header.msg_control = space.bytes.data();
    header.msg_controllen = space.bytes.size();
    auto* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof attached);
    std::memcpy(CMSG_DATA(part), &attached, sizeof attached);
  }
  while (::sendmsg(end_.get(), &header, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return fail(errc::timed_out, "channel: the other side does not read");
    return fail(errc::io_error, std::string{"channel: send: "} + std::strerror(errno));
  }
  return {};
}

result<std::optional<dimse_packet>> dimse_channel::receive() {
  buffer_.resize(messages::most_dimse_message_bytes);
  iovec piece{buffer_.data(), buffer_.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  control_space space;
  header.msg_control = space.bytes.data();
  header.msg_controllen = space.bytes.size();
  ssize_t count = -1;
  do count = ::recvmsg(end_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (count < 0 && errno == EINTR);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::optional<dimse_packet>{};
  if (count < 0 && errno != ECONNRESET)
    return fail(errc::io_error, std::string{"channel: receive: "} + std::strerror(errno));
  if (count <= 0) return fail(errc::not_found, "channel: the other side has closed");
  dimse_packet packet;
  packet.attached = attached_to(header);
  if ((header.msg_flags & MSG_TRUNC) != 0) return fail(errc::corrupt, "channel: a message is too large");
  packet.text.assign(buffer_, 0, static_cast<std::size_t>(count));
  packet.kind = dimse_kind(packet.text);
  if (packet.kind.empty()) return fail(errc::corrupt, "channel: a packet is no message");
  return std::optional{std::move(packet)};
}

result<std::pair<descriptor, descriptor>> dimse_channel_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(errc::io_error, std::string{"channel: socketpair: "} + std::strerror(errno));
  return std::pair{descriptor{ends[0]}, descriptor{ends[1]}};
}

}  // namespace penstock::storage
