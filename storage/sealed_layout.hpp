#pragma once
// Where the bytes of a sealed object lie (SEALED_STREAM.md): a header of 24 bytes, then segments of at most
// `segment_bytes`, each with a tag of 16 bytes; the header counts as part of segment 0.

#include <algorithm>
#include <cstdint>

#include "messages/result.hpp"

namespace penstock::storage {

constexpr std::uint32_t sealed_segment_bytes = 262144;
constexpr std::uint32_t sealed_salt_bytes = 16;
constexpr std::uint32_t sealed_nonce_prefix_bytes = 7;
constexpr std::uint32_t sealed_header_bytes = 1 + sealed_salt_bytes + sealed_nonce_prefix_bytes;
constexpr std::uint32_t sealed_tag_bytes = 16;
constexpr std::uint32_t min_sealed_segment_bytes = sealed_header_bytes + sealed_tag_bytes + 1;
/// A segment is held in memory whole; larger ones are refused.
constexpr std::uint32_t max_sealed_segment_bytes = 16 * 1024 * 1024;
/// The segment number is 32 bits of the nonce.
constexpr std::uint64_t max_sealed_segments = std::uint64_t{1} << 32;

/// The layout of one object. Segment n is the sealed bytes [n * segment_bytes, (n + 1) * segment_bytes), cut at the
/// end; for n = 0 they begin with the header.
class sealed_layout {
 public:
  /// errc::bad_request for a segment size out of range, errc::too_large for more segments than there are numbers.
  static messages::result<sealed_layout> of_plain(std::uint64_t plain_bytes,
                                                  std::uint32_t segment_bytes = sealed_segment_bytes) {
    using messages::errc;
    if (segment_bytes < min_sealed_segment_bytes || segment_bytes > max_sealed_segment_bytes)
      return messages::fail(errc::bad_request, "sealed layout: segment_bytes");
    const sealed_layout layout{plain_bytes, segment_bytes};
    if (plain_bytes > max_sealed_segments * segment_bytes || layout.segments() > max_sealed_segments)
      return messages::fail(errc::too_large, "sealed layout: segments");
    return layout;
  }

  /// The layout of an object that has `sealed_bytes` in all. errc::authentication_failed for a length that no sealed
  /// object can have.
  static messages::result<sealed_layout> of_sealed(std::uint64_t sealed_bytes,
                                                   std::uint32_t segment_bytes = sealed_segment_bytes) {
    const auto cut = messages::fail(messages::errc::authentication_failed, "sealed layout: impossible length");
    if (sealed_bytes < sealed_header_bytes + sealed_tag_bytes) return cut;
    if (segment_bytes < min_sealed_segment_bytes) return of_plain(0, segment_bytes);
    const std::uint64_t segments = sealed_bytes / segment_bytes + (sealed_bytes % segment_bytes != 0 ? 1 : 0);
    if (segments > max_sealed_segments) return cut;
    auto layout = of_plain(sealed_bytes - sealed_header_bytes - segments * sealed_tag_bytes, segment_bytes);
    if (layout && layout->sealed_bytes() != sealed_bytes) return cut;
    return layout;
  }

  [[nodiscard]] std::uint32_t segment_bytes() const { return segment_bytes_; }
  [[nodiscard]] std::uint64_t plain_bytes() const { return plain_bytes_; }
  [[nodiscard]] std::uint64_t sealed_bytes() const {
    return sealed_header_bytes + plain_bytes_ + segments() * sealed_tag_bytes;
  }
  /// At least one: an empty object is one empty segment.
  [[nodiscard]] std::uint64_t segments() const {
    return plain_bytes_ <= first_plain() ? 1 : 2 + (plain_bytes_ - first_plain() - 1) / other_plain();
  }
  [[nodiscard]] bool is_last(std::uint64_t segment) const { return segment + 1 == segments(); }

  /// The segment that holds the plain byte at `plain_offset`.
  [[nodiscard]] std::uint64_t segment_of(std::uint64_t plain_offset) const {
    return plain_offset < first_plain() ? 0 : 1 + (plain_offset - first_plain()) / other_plain();
  }
  [[nodiscard]] std::uint64_t plain_offset(std::uint64_t segment) const {
    return segment == 0 ? 0 : first_plain() + (segment - 1) * other_plain();
  }
  [[nodiscard]] std::uint32_t plain_length(std::uint64_t segment) const {
    const auto room = segment == 0 ? first_plain() : other_plain();
    return static_cast<std::uint32_t>(std::min(room, plain_bytes_ - plain_offset(segment)));
  }
  /// Offset and length of a segment's ciphertext and tag, without the header.
  [[nodiscard]] std::uint64_t sealed_offset(std::uint64_t segment) const {
    return segment == 0 ? sealed_header_bytes : segment * segment_bytes_;
  }
  [[nodiscard]] std::uint32_t sealed_length(std::uint64_t segment) const {
    return plain_length(segment) + sealed_tag_bytes;
  }

 private:
  sealed_layout(std::uint64_t plain_bytes, std::uint32_t segment_bytes)
      : plain_bytes_(plain_bytes), segment_bytes_(segment_bytes) {}
  [[nodiscard]] std::uint64_t first_plain() const { return segment_bytes_ - sealed_header_bytes - sealed_tag_bytes; }
  [[nodiscard]] std::uint64_t other_plain() const { return segment_bytes_ - sealed_tag_bytes; }

  std::uint64_t plain_bytes_;
  std::uint32_t segment_bytes_;
};

/// The sealed size of an object of `plain_bytes`, with the usual segment size.
[[nodiscard]] inline std::uint64_t sealed_bytes_of(std::uint64_t plain_bytes) {
  auto layout = sealed_layout::of_plain(plain_bytes);
  return layout ? layout->sealed_bytes() : 0;
}

}  // namespace penstock::storage
