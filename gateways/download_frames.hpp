#pragma once
// The messages of the data socket as values (WIRE.md, "The data socket"): reading the client's, spelling ours.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "gateways/frames.hpp"
#include "messages/errc.hpp"
#include "messages/result.hpp"

namespace penstock::gateways {

/// `["OPEN", download]` or `["OPEN", download, {"object", "segment"}]`: everything from there on.
struct open_download {
  std::string download;
  std::uint32_t object = 0;
  std::uint64_t segment = 0;
};

/// `["CREDIT", u32]`
struct grant_credit {
  std::uint32_t messages = 0;
};

using client_message = std::variant<open_download, grant_credit>;

/// `frames` without the routing id. errc::bad_request for anything else.
[[nodiscard]] messages::result<client_message> parse_client_message(std::span<const std::string_view> frames);

/// Four bytes, most significant first.
[[nodiscard]] std::string big_endian_32(std::uint32_t value);

/// `{"code": "not_found"}`: the last frame of ERR and CLOSED.
[[nodiscard]] std::string error_json(messages::errc code);

}  // namespace penstock::gateways
