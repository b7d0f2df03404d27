#pragma once
// The protocol data units of PS3.8 section 9.3, as values. Nothing here touches a socket.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/pacs/bytes.hpp"

namespace penstock::pacs {

enum class pdu_type : std::uint8_t {
  associate_request = 1,
  associate_accept = 2,
  associate_reject = 3,
  data = 4,
  release_request = 5,
  release_response = 6,
  abort = 7
};

inline constexpr std::size_t pdu_header_bytes = 6;
/// Of a presentation data value: length, context id, control header.
inline constexpr std::size_t value_header_bytes = 6;
inline constexpr std::byte of_command{1};
inline constexpr std::byte last_fragment{2};

struct proposed_context {
  std::uint8_t id = 0;  ///< odd
  std::string abstract_syntax;
  std::vector<std::string> transfer_syntaxes;
};

/// SCP/SCU role selection (PS3.7 section D.3.3.4), as proposed or as accepted.
struct role_selection {
  std::string sop_class;
  bool as_scu = false;
  bool as_scp = false;
};

struct associate_request {
  std::string called_ae;
  std::string calling_ae;
  std::uint32_t most_pdu_bytes = 0;  ///< 0: no limit
  std::vector<proposed_context> contexts;
  std::vector<role_selection> roles;
};

/// Table 9-18.
enum class context_result : std::uint8_t {
  acceptance = 0,
  abstract_syntax_not_supported = 3,
  transfer_syntaxes_not_supported = 4
};

struct answered_context {
  std::uint8_t id = 0;
  context_result result = context_result::acceptance;
  std::string transfer_syntax;
};

struct associate_accept {
  std::string called_ae;
  std::string calling_ae;
  std::uint32_t most_pdu_bytes = 0;
  std::vector<answered_context> contexts;
  std::vector<role_selection> roles;
};

/// Table 9-21.
struct associate_reject {
  std::uint8_t result = 1;
  std::uint8_t source = 1;
  std::uint8_t reason = 1;
};
inline constexpr associate_reject rejected_permanently{1, 1, 1};
inline constexpr associate_reject unknown_calling_ae{1, 1, 3};
inline constexpr associate_reject unknown_called_ae{1, 1, 7};
inline constexpr associate_reject temporary_congestion{2, 3, 1};
inline constexpr associate_reject local_limit_exceeded{2, 3, 2};

[[nodiscard]] bytes encode(const associate_request& request);
[[nodiscard]] bytes encode(const associate_accept& answer);
[[nodiscard]] bytes encode(const associate_reject& answer);
[[nodiscard]] bytes encode_release(pdu_type type);
[[nodiscard]] bytes encode_abort();
/// What goes before a fragment of `fragment_bytes`: P-DATA-TF with one presentation data value.
[[nodiscard]] bytes data_header(std::uint8_t context_id, std::byte control, std::size_t fragment_bytes);

/// From a PDU without its header; nothing when it is malformed.
[[nodiscard]] std::optional<associate_request> decode_associate_request(byte_view body);
[[nodiscard]] std::optional<associate_accept> decode_associate_accept(byte_view body);

}  // namespace penstock::pacs
