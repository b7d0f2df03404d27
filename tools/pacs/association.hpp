#pragma once
// An established association (PS3.8) that carries DIMSE messages (PS3.7), for both sides.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "tools/pacs/connection.hpp"
#include "tools/pacs/dataset.hpp"

namespace penstock::pacs {

/// The values of (0000,0100).
enum class command_field : std::uint16_t {
  c_store_rq = 0x0001,
  c_store_rsp = 0x8001,
  c_get_rq = 0x0010,
  c_get_rsp = 0x8010,
  c_find_rq = 0x0020,
  c_find_rsp = 0x8020,
  c_move_rq = 0x0021,
  c_move_rsp = 0x8021,
  c_echo_rq = 0x0030,
  c_echo_rsp = 0x8030,
  c_cancel_rq = 0x0fff
};

/// The values of (0000,0900) that have names here; `refuse` and `status` of the script may be any.
enum class dimse_status : std::uint16_t {
  success = 0x0000,
  pending = 0xff00,
  cancelled = 0xfe00,
  sub_operations_failed = 0xb000,
  unable_to_perform_sub_operations = 0xa702,
  move_destination_unknown = 0xa801,
  identifier_does_not_match_sop_class = 0xa900,
  unable_to_process = 0xc000,
  unrecognized_operation = 0x0211
};

struct message {
  std::uint8_t context_id = 0;
  dataset command;
  bytes data;                   ///< empty without a data set
  std::int64_t read_at_ns = 0;  ///< CLOCK_BOOTTIME when its last byte had been read

  [[nodiscard]] command_field field() const;
  [[nodiscard]] std::uint16_t id() const;
  [[nodiscard]] std::uint16_t responds_to() const;
};

struct accepted_context {
  std::uint8_t id = 0;
  std::string abstract_syntax;
  std::string transfer_syntax;
};

/// Aborts nothing by itself: who lets go of it without a farewell just closes the connection.
class association {
 public:
  association(connection established, std::vector<accepted_context> contexts, std::uint32_t peers_most_pdu_bytes)
      : connection_(std::move(established)),
        contexts_(std::move(contexts)),
        fragment_bytes_(fragment_for(peers_most_pdu_bytes)) {}

  /// The most that we take in one PDU.
  static constexpr std::uint32_t most_pdu_bytes = 131'072;

  /// Asks for an association; errc::pacs_unavailable when there is none to be had.
  [[nodiscard]] static messages::result<association> request(const host_port& to, const associate_request& request);

  [[nodiscard]] const std::vector<accepted_context>& contexts() const { return contexts_; }
  [[nodiscard]] const accepted_context* context(std::uint8_t id) const;

  [[nodiscard]] messages::result<void> send(std::uint8_t context_id, const dataset& command, byte_view data = {});
  /// The command and the first half of the data set.
  [[nodiscard]] messages::result<void> send_half(std::uint8_t context_id, const dataset& command, byte_view data);
  /// Nothing when the peer wanted the release, which it got.
  [[nodiscard]] messages::result<std::optional<message>> receive(std::chrono::milliseconds patience);
  [[nodiscard]] bool has_message(std::chrono::milliseconds within) const { return connection_.readable(within); }

  void release();
  void abort();
  void close() { connection_.close(); }
  void wait_until_closed() { connection_.wait_until_closed(); }
  void pace(std::uint64_t bytes_per_second) { connection_.pace(bytes_per_second); }

 private:
  [[nodiscard]] static std::size_t fragment_for(std::uint32_t peers_most_pdu_bytes);
  [[nodiscard]] messages::result<void> send_command(std::uint8_t context_id, dataset command, bool has_data);
  /// `ends`: the last fragment says that it is.
  [[nodiscard]] messages::result<void> send_fragments(std::uint8_t context_id, byte_view data, std::byte kind,
                                                      bool ends);

  connection connection_;
  std::vector<accepted_context> contexts_;
  std::size_t fragment_bytes_;
};

}  // namespace penstock::pacs
