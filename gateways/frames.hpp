#pragma once
// Small words about frames, for code that must not see a socket.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace penstock::gateways {

/// `full`: the peer's queue is, nothing was sent; `gone`: nobody has this routing id any more.
enum class send_outcome : std::uint8_t { sent, full, gone };

/// Eight bytes, most significant first.
[[nodiscard]] inline std::string big_endian_64(std::uint64_t value) {
  std::string bytes(8, '\0');
  for (auto at = bytes.rbegin(); at != bytes.rend(); ++at, value >>= 8U) *at = static_cast<char>(value & 0xffU);
  return bytes;
}

}  // namespace penstock::gateways
