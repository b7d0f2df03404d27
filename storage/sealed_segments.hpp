#pragma once
// Sealing and opening the segments of one object in place: Streaming AEAD "AES128_GCM_HKDF" with HKDF-SHA256
// (SEALED_STREAM.md). One of these per object and thread; making one costs about 6 microseconds, a segment allocates
// nothing.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "messages/result.hpp"
#include "storage/digest.hpp"
#include "storage/sealed_layout.hpp"
#include "storage/secret_bytes.hpp"

namespace penstock::storage {

constexpr std::size_t data_key_bytes = 16;
constexpr std::size_t stream_key_bytes = 16;
constexpr std::size_t max_download_id_bytes = 64;

/// byte 24, salt (16), nonce prefix (7).
using sealed_header = std::array<std::uint8_t, sealed_header_bytes>;
/// Names the content of an object: 32 bytes that differ whenever the plain bytes differ.
using content_digest = sha256_digest;

/// Which object of which download; every field is authenticated with each of its segments.
struct sealed_identity {
  std::string download;
  std::uint32_t index = 0;
  std::uint64_t plain_bytes = 0;
};

/// `penstock/1|DOWNLOAD|INDEX|PLAIN_BYTES`.
[[nodiscard]] std::string associated_data_of(const sealed_identity& object);

/// Header whose salt and nonce prefix are derived from all arguments: the same object is sealed to the same bytes
/// again, other content or another size never meets the same nonce. errc::bad_request for a short key or a malformed
/// id.
[[nodiscard]] messages::result<sealed_header> derive_header(const secret_bytes& data_key, const sealed_identity& object,
                                                            const content_digest& digest);

/// The key of one sealed stream: HKDF-SHA256(data key, salt of the header, associated data). errc::bad_request for a
/// data key under 16 bytes; errc::authentication_failed for a header that is not of this format.
[[nodiscard]] messages::result<secret_bytes> derive_stream_key(const secret_bytes& data_key,
                                                               const sealed_header& header,
                                                               std::string_view associated_data);

class segment_cipher;

class segment_sealer {
 public:
  /// Seals `object` under the download's key, with the derived header.
  static messages::result<segment_sealer> create(const secret_bytes& data_key, const sealed_identity& object,
                                                 const content_digest& digest);
  /// For a stream key and a header that are given. The header must never have been used with other bytes.
  static messages::result<segment_sealer> create(const secret_bytes& stream_key, const sealed_header& header);

  segment_sealer(segment_sealer&&) noexcept;
  segment_sealer& operator=(segment_sealer&&) noexcept;
  ~segment_sealer();

  [[nodiscard]] const sealed_header& header() const { return header_; }
  /// Turns the first `plain_bytes` of `buffer` into ciphertext and tag, which has room for `plain_bytes` + 16, and
  /// returns their length. On failure the buffer holds nothing of use.
  messages::result<std::size_t> seal(std::uint64_t segment, bool last, std::span<std::uint8_t> buffer,
                                     std::size_t plain_bytes);

 private:
  segment_sealer(std::unique_ptr<segment_cipher> cipher, const sealed_header& header);
  std::unique_ptr<segment_cipher> cipher_;
  sealed_header header_;
};

class segment_opener {
 public:
  /// Opens `object` under the download's key; `header` as read from the stream.
  static messages::result<segment_opener> create(const secret_bytes& data_key, const sealed_identity& object,
                                                 const sealed_header& header);
  static messages::result<segment_opener> create(const secret_bytes& stream_key, const sealed_header& header);

  segment_opener(segment_opener&&) noexcept;
  segment_opener& operator=(segment_opener&&) noexcept;
  ~segment_opener();

  /// Turns ciphertext and tag in `sealed` into plain bytes and returns their length (16 less).
  /// errc::authentication_failed when they are not exactly what was sealed as this segment; the buffer is wiped then.
  messages::result<std::size_t> open(std::uint64_t segment, bool last, std::span<std::uint8_t> sealed);

 private:
  explicit segment_opener(std::unique_ptr<segment_cipher> cipher);
  std::unique_ptr<segment_cipher> cipher_;
};

}  // namespace penstock::storage
