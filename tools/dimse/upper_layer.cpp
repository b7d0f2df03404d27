#include "tools/dimse/upper_layer.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace penstock::dimse {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

constexpr std::uint32_t most_answer_bytes = 65'536;
constexpr std::uint32_t least_peer_pdu_bytes = 4'096;
constexpr int patience_s = 30;

namespace item_type {
constexpr std::uint8_t application_context = 0x10;
constexpr std::uint8_t presentation_context = 0x20;
constexpr std::uint8_t accepted_context = 0x21;
constexpr std::uint8_t abstract_syntax = 0x30;
constexpr std::uint8_t transfer_syntax = 0x40;
constexpr std::uint8_t user_information = 0x50;
constexpr std::uint8_t most_pdu_length = 0x51;
constexpr std::uint8_t implementation_class = 0x52;
}  // namespace item_type

void append(bytes& to, std::string_view text) {
  const auto* from = reinterpret_cast<const std::byte*>(text.data());
  to.insert(to.end(), from, from + text.size());
}

void append(bytes& to, const bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

void append_big_endian(bytes& to, std::uint64_t value, int count) {
  for (int shift = 8 * (count - 1); shift >= 0; shift -= 8) to.push_back(static_cast<std::byte>(value >> shift));
}

void append_little_endian(bytes& to, std::uint64_t value, int count) {
  for (int shift = 0; shift < 8 * count; shift += 8) to.push_back(static_cast<std::byte>(value >> shift));
}

std::uint32_t big_endian(std::span<const std::byte> from) {
  std::uint32_t value = 0;
  for (const auto byte : from) value = value << 8 | std::to_integer<std::uint32_t>(byte);
  return value;
}

bytes item(std::uint8_t type, const bytes& content) {
  bytes made{std::byte{type}, std::byte{0}};
  append_big_endian(made, content.size(), 2);
  append(made, content);
  return made;
}

bytes item(std::uint8_t type, std::string_view text) {
  bytes content;
  append(content, text);
  return item(type, content);
}

std::string padded_title(std::string title) {
  constexpr std::size_t title_bytes = 16;
  title.resize(title_bytes, ' ');
  return title;
}

/// Items one after the other; `found` is told the type and content of each.
template <class Found>
void for_each_item(std::span<const std::byte> in, Found found) {
  constexpr std::size_t head_bytes = 4;
  while (in.size() >= head_bytes) {
    const auto content =
        in.subspan(head_bytes).first(std::min<std::size_t>(in.size() - head_bytes, big_endian(in.subspan(2, 2))));
    found(std::to_integer<std::uint8_t>(in[0]), content);
    in = in.subspan(head_bytes + content.size());
  }
}

/// An element of a command set: implicit little endian, PS3.7 section 6.3.1.
void append_command_element(bytes& to, std::uint16_t element, const bytes& value) {
  append_little_endian(to, 0, 2);
  append_little_endian(to, element, 2);
  append_little_endian(to, value.size(), 4);
  append(to, value);
}

bytes text(std::string_view value) {
  bytes made;
  append(made, value);
  if (made.size() % 2 != 0) made.push_back(std::byte{0});
  return made;
}

}  // namespace

bytes number(std::uint64_t value, int count) {
  bytes made;
  append_little_endian(made, value, count);
  return made;
}

/// PS3.8 table 9-11.
bytes associate_request(const store_peer& peer, const std::vector<storage_context>& contexts) {
  constexpr std::size_t reserved_bytes = 32;
  bytes body{std::byte{0}, std::byte{1}, std::byte{0}, std::byte{0}};
  append(body, padded_title(peer.called_ae));
  append(body, padded_title(peer.calling_ae));
  body.resize(body.size() + reserved_bytes);
  append(body, item(item_type::application_context, "1.2.840.10008.3.1.1.1"));
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    bytes context{static_cast<std::byte>(2 * i + 1), std::byte{0}, std::byte{0}, std::byte{0}};
    append(context, item(item_type::abstract_syntax, contexts[i].sop_class));
    append(context, item(item_type::transfer_syntax, contexts[i].transfer_syntax));
    append(body, item(item_type::presentation_context, context));
  }
  bytes most;
  append_big_endian(most, most_pdu_bytes, 4);
  bytes user = item(item_type::most_pdu_length, most);
  append(user, item(item_type::implementation_class, "2.25.129012903187120398712"));
  append(body, item(item_type::user_information, user));

  bytes pdu{std::byte{pdu_type::associate_request}, std::byte{0}};
  append_big_endian(pdu, body.size(), 4);
  append(pdu, body);
  return pdu;
}

bytes release_request() {
  bytes request{std::byte{pdu_type::release_request}, std::byte{0}};
  append_big_endian(request, 4, 4);
  append_big_endian(request, 0, 4);
  return request;
}

/// PS3.8 table 9-17.
acceptance read_acceptance(std::span<const std::byte> body) {
  constexpr std::size_t fixed_bytes = 68;
  acceptance answer;
  std::uint32_t wished = 0;  // 0: no limit
  if (body.size() < fixed_bytes) return answer;
  for_each_item(body.subspan(fixed_bytes), [&](std::uint8_t type, std::span<const std::byte> content) {
    if (type == item_type::accepted_context && content.size() > 2)
      answer.contexts[std::to_integer<std::uint8_t>(content[0])] = content[2] == std::byte{0};
    if (type != item_type::user_information) return;
    for_each_item(content, [&](std::uint8_t inner, std::span<const std::byte> value) {
      if (inner == item_type::most_pdu_length && value.size() == 4) wished = big_endian(value);
    });
  });
  answer.most_pdu_bytes = wished == 0 ? most_pdu_bytes : std::clamp(wished, least_peer_pdu_bytes, most_pdu_bytes);
  return answer;
}

/// PS3.7 table 9.3-1.
store_command make_store_command(const std::string& sop_class, std::string_view sop_instance,
                                 std::uint16_t message_id) {
  constexpr std::uint16_t c_store_request = 0x0001;
  constexpr std::uint16_t data_set_follows = 0x0001;
  constexpr std::size_t element_head_bytes = 8;
  store_command made;
  bytes rest;
  append_command_element(rest, 0x0002, text(sop_class));
  append_command_element(rest, 0x0100, number(c_store_request));
  made.message_id_at = rest.size() + element_head_bytes;
  append_command_element(rest, 0x0110, number(message_id));
  append_command_element(rest, 0x0700, number(0));
  append_command_element(rest, 0x0800, number(data_set_follows));
  made.uid_at = rest.size() + element_head_bytes;
  append_command_element(rest, 0x1000, text(sop_instance));
  append_command_element(made.encoded, 0x0000, number(rest.size(), 4));
  made.message_id_at += made.encoded.size();
  made.uid_at += made.encoded.size();
  append(made.encoded, rest);
  return made;
}

void append_data_pdu(bytes& to, std::uint8_t context, std::span<const std::byte> fragment, std::byte control) {
  to.push_back(std::byte{pdu_type::data});
  to.push_back(std::byte{0});
  append_big_endian(to, fragment.size() + value_head_bytes, 4);
  append_big_endian(to, fragment.size() + 2, 4);
  to.push_back(std::byte{context});
  to.push_back(control);
  to.insert(to.end(), fragment.begin(), fragment.end());
}

result<std::uint16_t> status_of(std::span<const std::byte> pdu) {
  constexpr std::size_t element_head_bytes = 8;
  constexpr std::uint32_t status_element = 0x0900;
  const auto little_endian = [](std::span<const std::byte> from) {
    std::uint32_t value = 0;
    for (std::size_t i = from.size(); i > 0; --i) value = value << 8 | std::to_integer<std::uint32_t>(from[i - 1]);
    return value;
  };
  for (auto rest = pdu.subspan(std::min(value_head_bytes, pdu.size())); rest.size() >= element_head_bytes;) {
    const auto length = std::min<std::size_t>(little_endian(rest.subspan(4, 4)), rest.size() - element_head_bytes);
    if (little_endian(rest.subspan(2, 2)) == status_element && length == 2)
      return static_cast<std::uint16_t>(little_endian(rest.subspan(element_head_bytes, 2)));
    rest = rest.subspan(element_head_bytes + length);
  }
  return fail(errc::bad_request, "send an object: the answer has no status");
}

result<upper_layer> upper_layer::connect(const store_peer& peer) {
  upper_layer made{storage::descriptor{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}};
  const timeval patience{patience_s, 0};
  const int on = 1;
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
    ::setsockopt(made.socket_.get(), SOL_SOCKET, option, &patience, sizeof patience);
  ::setsockopt(made.socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(peer.port);
  if (::inet_pton(AF_INET, peer.address.c_str(), &address.sin_addr) != 1)
    return fail(errc::bad_request, "connect to a receiver: the address is not IPv4");
  if (::connect(made.socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(errc::pacs_unavailable, std::string{"connect to a receiver: "} + std::strerror(errno));
  return made;
}

result<acceptance> upper_layer::associate(const store_peer& peer, const std::vector<storage_context>& contexts) {
  if (auto sent = send(associate_request(peer, contexts)); !sent) return sent.error();
  const auto type = read_pdu();
  if (!type) return type.error();
  if (*type != pdu_type::associate_accept)
    return fail(errc::pacs_unavailable, "associate with a receiver: it does not accept");
  return read_acceptance(pdu_);
}

result<void> upper_layer::release() {
  if (auto sent = send(release_request()); !sent) return sent;
  const auto type = read_pdu();
  if (!type) return type.error();
  if (*type != pdu_type::release_response) return fail(errc::pacs_unavailable, "release: not answered as it should be");
  socket_.reset();
  return {};
}

result<void> upper_layer::send(std::span<const std::byte> what) {
  for (std::size_t done = 0; done < what.size();) {
    const auto count = ::send(socket_.get(), what.data() + done, what.size() - done, MSG_NOSIGNAL);
    if (count > 0)
      done += static_cast<std::size_t>(count);
    else if (errno != EINTR)
      return fail(errc::pacs_unavailable, std::string{"send to a receiver: "} + std::strerror(errno));
  }
  return {};
}

result<void> upper_layer::read(std::byte* into, std::size_t count) {
  while (count > 0) {
    const auto got = ::recv(socket_.get(), into, count, 0);
    if (got == 0) return fail(errc::pacs_unavailable, "read from a receiver: it has closed the connection");
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errc::pacs_unavailable, std::string{"read from a receiver: "} + std::strerror(errno));
    into += got;
    count -= static_cast<std::size_t>(got);
  }
  return {};
}

result<std::uint8_t> upper_layer::read_pdu() {
  pdu_.resize(pdu_head_bytes);
  if (auto head = read(pdu_.data(), pdu_.size()); !head) return head.error();
  const auto type = std::to_integer<std::uint8_t>(pdu_[0]);
  const auto length = big_endian(std::span{pdu_}.subspan(2, 4));
  if (length > most_answer_bytes) return fail(errc::too_large, "read from a receiver: a PDU is too long");
  pdu_.resize(length);
  if (auto body = read(pdu_.data(), pdu_.size()); !body) return body.error();
  return type;
}

}  // namespace penstock::dimse
