#pragma once
// Numbers and text in byte sequences, both byte orders.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::pacs {

using bytes = std::vector<std::byte>;
using byte_view = std::span<const std::byte>;

inline byte_view view_of(std::string_view text) { return std::as_bytes(std::span{text}); }

inline std::string text_of(byte_view from) { return {reinterpret_cast<const char*>(from.data()), from.size()}; }

inline void append(bytes& to, byte_view more) { to.insert(to.end(), more.begin(), more.end()); }

inline void append(bytes& to, std::string_view text) { append(to, view_of(text)); }

inline void append_big_endian(bytes& to, std::uint64_t value, int count) {
  for (int shift = 8 * (count - 1); shift >= 0; shift -= 8) to.push_back(static_cast<std::byte>(value >> shift));
}

inline void append_little_endian(bytes& to, std::uint64_t value, int count) {
  for (int shift = 0; shift < 8 * count; shift += 8) to.push_back(static_cast<std::byte>(value >> shift));
}

inline std::uint32_t big_endian(byte_view from) {
  std::uint32_t value = 0;
  for (const auto byte : from) value = value << 8 | std::to_integer<std::uint32_t>(byte);
  return value;
}

inline std::uint32_t little_endian(byte_view from) {
  std::uint32_t value = 0;
  for (std::size_t i = from.size(); i > 0; --i) value = value << 8 | std::to_integer<std::uint32_t>(from[i - 1]);
  return value;
}

}  // namespace penstock::pacs
