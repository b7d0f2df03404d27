#pragma once
// The DICOM upper layer protocol by hand (PS3.8 section 9.3) and C-STORE above it (PS3.7 section 9.3.1): what a sender
// of bytes that lie ready in memory needs, without DCMTK, which would parse them. What a peer answers is read with
// care.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "messages/result.hpp"
#include "storage/descriptor.hpp"

namespace penstock::dimse {

using bytes = std::vector<std::byte>;

constexpr std::size_t pdu_head_bytes = 6;
constexpr std::size_t value_head_bytes = 6;  ///< of a presentation data value: length, context id, control header
constexpr std::byte of_command{1};
constexpr std::byte last_fragment{2};
/// The most that we send in a PDU; the peer's own limit rules when it is smaller.
constexpr std::uint32_t most_pdu_bytes = 131'072;
constexpr std::size_t most_contexts = 128;

namespace pdu_type {
constexpr std::uint8_t associate_request = 1;
constexpr std::uint8_t associate_accept = 2;
constexpr std::uint8_t data = 4;
constexpr std::uint8_t release_request = 5;
constexpr std::uint8_t release_response = 6;
}  // namespace pdu_type

struct store_peer {
  std::string address = "127.0.0.1";  ///< IPv4
  std::uint16_t port = 0;
  std::string called_ae;
  std::string calling_ae;
};

/// What is offered for one kind of object.
struct storage_context {
  std::string sop_class;
  std::string transfer_syntax;
  auto operator<=>(const storage_context&) const = default;
};

/// Context ids are 1, 3, 5, ... in the order of `contexts`.
[[nodiscard]] bytes associate_request(const store_peer& peer, const std::vector<storage_context>& contexts);
[[nodiscard]] bytes release_request();

struct acceptance {
  std::map<std::uint8_t, bool> contexts;  ///< by id
  std::uint32_t most_pdu_bytes = 0;       ///< what may be sent to the peer
};
[[nodiscard]] acceptance read_acceptance(std::span<const std::byte> body);

struct store_command {
  bytes encoded;
  std::size_t message_id_at = 0;
  std::size_t uid_at = 0;
};
[[nodiscard]] store_command make_store_command(const std::string& sop_class, std::string_view sop_instance,
                                               std::uint16_t message_id);
void append_data_pdu(bytes& to, std::uint8_t context, std::span<const std::byte> fragment, std::byte control);
/// The status of a C-STORE response in one P-DATA-TF PDU; nothing else is expected of a receiver.
[[nodiscard]] messages::result<std::uint16_t> status_of(std::span<const std::byte> pdu);

[[nodiscard]] bytes number(std::uint64_t value, int count = 2);

/// A connection to a receiver. No send and no wait for an answer takes longer than 30 s.
class upper_layer {
 public:
  static messages::result<upper_layer> connect(const store_peer& peer);
  [[nodiscard]] messages::result<void> send(std::span<const std::byte> what);
  /// The type; the variable part is in `pdu`.
  [[nodiscard]] messages::result<std::uint8_t> read_pdu();
  [[nodiscard]] const bytes& pdu() const { return pdu_; }
  [[nodiscard]] messages::result<acceptance> associate(const store_peer& peer,
                                                       const std::vector<storage_context>& contexts);
  [[nodiscard]] messages::result<void> release();

 private:
  explicit upper_layer(storage::descriptor socket) : socket_(std::move(socket)) {}
  [[nodiscard]] messages::result<void> read(std::byte* into, std::size_t count);

  storage::descriptor socket_;
  bytes pdu_;
};

}  // namespace penstock::dimse
