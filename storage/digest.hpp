#pragma once
// SHA-256, its keyed form, random bytes and hexadecimal text.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace penstock::storage {

using sha256_digest = std::array<std::uint8_t, 32>;

/// SHA-256 of the parts in a row.
[[nodiscard]] sha256_digest sha256(std::string_view first, std::string_view second = {}, std::string_view third = {});
/// SHA-256 of bytes that come in pieces. Used by one thread at a time.
class sha256_stream {
 public:
  sha256_stream();
  ~sha256_stream();
  sha256_stream(sha256_stream&&) noexcept;
  sha256_stream& operator=(sha256_stream&&) noexcept;

  void update(std::span<const std::byte> bytes);
  /// Of all that came since the last call; then it starts anew.
  [[nodiscard]] sha256_digest finish();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// RFC 2104 with SHA-256.
[[nodiscard]] sha256_digest hmac_sha256(std::string_view key, std::string_view text);
/// Bytes of the operating system's generator.
void fill_random(std::span<std::uint8_t> bytes);

/// Two lower case digits a byte.
[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);
/// Exactly `size` bytes spelled in lower or upper case, else nothing.
[[nodiscard]] std::optional<std::string> from_hex(std::string_view text, std::size_t size);

[[nodiscard]] inline std::string_view as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace penstock::storage
