#pragma once
// The channel between the server and a `penstock-dimse` child: a SOCK_SEQPACKET socket pair, one JSON object a packet,
// a descriptor along with it where a message says so. messages/DIMSE_CHANNEL.md.

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "messages/dimse_inbound.hpp"
#include "messages/result.hpp"
#include "storage/codec.hpp"
#include "storage/descriptor.hpp"

namespace penstock::storage {

/// The message as it goes over the channel.
template <messages::described T>
[[nodiscard]] std::string encode_dimse(const T& message) {
  auto object = to_json_value(message);
  object["kind"] = std::string{T::kind};
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The "kind" of an encoded message; empty when it has none or is no JSON object.
[[nodiscard]] std::string dimse_kind(std::string_view text);

/// errc::corrupt when `text` is no message of this kind.
template <messages::described T>
[[nodiscard]] messages::result<T> decode_dimse(std::string_view text) {
  if (dimse_kind(text) != T::kind)
    return messages::fail(messages::errc::corrupt, "channel: not " + std::string{T::kind});
  return decode<T>(text, T::kind);
}

struct dimse_packet {
  std::string kind;
  std::string text;
  storage::descriptor attached;
};

/// One end of the channel. Used by one thread.
class dimse_channel {
 public:
  explicit dimse_channel(descriptor end) : end_(std::move(end)) {}

  [[nodiscard]] int descriptor_number() const { return end_.get(); }

  /// Waits while the other side's buffer is full, at most the socket's SO_SNDTIMEO. Errors: too_large beyond
  /// most_dimse_message_bytes, timed_out when it would have to wait longer, io_error when the other side is gone.
  [[nodiscard]] messages::result<void> send(std::string_view text, int attached = -1);

  template <messages::described T>
  [[nodiscard]] messages::result<void> tell(const T& message, int attached = -1) {
    return send(encode_dimse(message), attached);
  }

  /// The next packet if one is there, without waiting; nothing when none is. Errors: not_found when the other side has
  /// closed, corrupt when a packet is too large or no message.
  [[nodiscard]] messages::result<std::optional<dimse_packet>> receive();

 private:
  descriptor end_;
  std::string buffer_;
};

/// Both ends, close-on-exec.
[[nodiscard]] messages::result<std::pair<descriptor, descriptor>> dimse_channel_pair();

}  // namespace penstock::storage
