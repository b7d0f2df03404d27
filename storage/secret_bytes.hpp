#pragma once
// Keys and other secrets: memory that is wiped when given back (and locked where the system allows), never copied by
// accident, never streamed, compared without leaking where two values differ.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "messages/result.hpp"

namespace penstock::storage {

/// Owns secret bytes. Not thread-safe; move it, or say `copy()`.
class secret_bytes {
 public:
  secret_bytes();
  explicit secret_bytes(std::span<const std::uint8_t> bytes);
  static secret_bytes of_size(std::size_t bytes);
  /// From the operating system's generator.
  static secret_bytes random(std::size_t bytes);

  secret_bytes(secret_bytes&&) noexcept;
  secret_bytes& operator=(secret_bytes&&) noexcept;
  secret_bytes(const secret_bytes&) = delete;
  secret_bytes& operator=(const secret_bytes&) = delete;
  ~secret_bytes();
  [[nodiscard]] secret_bytes copy() const;

  [[nodiscard]] std::span<const std::uint8_t> view() const;
  [[nodiscard]] std::span<std::uint8_t> writable();
  [[nodiscard]] std::size_t size() const { return view().size(); }
  [[nodiscard]] bool empty() const { return view().empty(); }

 private:
  struct memory;
  std::unique_ptr<memory> memory_;
};

/// True when both have the same length and bytes; the time depends on the length only.
[[nodiscard]] bool equal_in_constant_time(std::span<const std::uint8_t> left, std::span<const std::uint8_t> right);

/// RFC 4648 section 4, with padding.
[[nodiscard]] std::string to_base64(std::span<const std::uint8_t> bytes);
/// errc::bad_request unless `text` is base64 of exactly `expected_bytes`; `what` names the field for the error text.
[[nodiscard]] messages::result<secret_bytes> from_base64(std::string_view text, std::size_t expected_bytes,
                                                         std::string_view what);

}  // namespace penstock::storage
