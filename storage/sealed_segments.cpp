#include "storage/sealed_segments.hpp"

#include <botan/cipher_mode.h>
#include <botan/exceptn.h>
#include <botan/kdf.h>
#include <botan/mem_ops.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "messages/ids.hpp"

namespace penstock::storage {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

constexpr std::size_t nonce_bytes = 12;
/// What Cipher_Mode::process gets is a multiple of this; the rest goes through finish().
constexpr std::size_t in_place_granularity = 64;

const std::uint8_t* as_bytes(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

void hkdf_sha256(std::span<std::uint8_t> into, const secret_bytes& key, std::span<const std::uint8_t> salt,
                 std::string_view info) {
  Botan::KDF::create_or_throw("HKDF(SHA-256)")
      ->kdf(into.data(), into.size(), key.view().data(), key.size(), salt.data(), salt.size(), as_bytes(info),
            info.size());
}

/// Botan throws; what it throws here is never the caller's fault (an algorithm that is not there, no memory).
template <class Make>
auto without_exceptions(std::string_view what, Make make) -> decltype(make()) {
  try {
    return make();
  } catch (const std::exception&) {
    return fail(errc::internal, std::string{what});
  }
}

bool is_download_id(std::string_view text) {
  return !text.empty() && text.size() <= max_download_id_bytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '|'; });
}

}  // namespace

/// AES-128-GCM over one segment at a time: nonce = prefix (7), big-endian segment number (4), 1 for the last segment
/// else 0.
class segment_cipher {
 public:
  segment_cipher(Botan::Cipher_Dir direction, const secret_bytes& stream_key, const sealed_header& header)
      : mode_(Botan::Cipher_Mode::create_or_throw("AES-128/GCM", direction)) {
    mode_->set_key(stream_key.view().data(), stream_key.size());
    std::memcpy(nonce_.data(), header.data() + 1 + sealed_salt_bytes, sealed_nonce_prefix_bytes);
    tail_.reserve(in_place_granularity + 2 * sealed_tag_bytes);
  }

  std::size_t seal(std::uint64_t segment, bool last, std::uint8_t* buffer, std::size_t plain_bytes) {
    start(segment, last);
    return run(buffer, plain_bytes, plain_bytes / in_place_granularity * in_place_granularity);
  }

  /// Throws Botan::Exception when the tag does not match.
  std::size_t open(std::uint64_t segment, bool last, std::uint8_t* buffer, std::size_t sealed_bytes) {
    start(segment, last);
    const auto plain_bytes = sealed_bytes - sealed_tag_bytes;
    return run(buffer, sealed_bytes, plain_bytes / in_place_granularity * in_place_granularity);
  }

  void forget_segment() { mode_->reset(); }

 private:
  void start(std::uint64_t segment, bool last) {
    for (std::size_t i = 0; i < 4; ++i)
      nonce_[sealed_nonce_prefix_bytes + i] = static_cast<std::uint8_t>(segment >> (24 - 8 * i));
    nonce_[nonce_bytes - 1] = last ? 1 : 0;
    mode_->start(nonce_.data(), nonce_.size());
  }

  /// The bulk in place, the few last bytes and the tag through a small buffer.
  std::size_t run(std::uint8_t* buffer, std::size_t length, std::size_t bulk) {
    if (bulk > 0) mode_->process(buffer, bulk);
    tail_.assign(buffer + bulk, buffer + length);
    mode_->finish(tail_);
    if (!tail_.empty()) std::memcpy(buffer + bulk, tail_.data(), tail_.size());
    return bulk + tail_.size();
  }

  std::unique_ptr<Botan::Cipher_Mode> mode_;
  std::array<std::uint8_t, nonce_bytes> nonce_{};
  Botan::secure_vector<std::uint8_t> tail_;
};

namespace {

result<std::unique_ptr<segment_cipher>> make_cipher(Botan::Cipher_Dir direction, const secret_bytes& stream_key,
                                                    const sealed_header& header) {
  if (stream_key.size() != stream_key_bytes) return fail(errc::bad_request, "sealed stream: size of the stream key");
  if (header[0] != sealed_header_bytes) return fail(errc::authentication_failed, "sealed stream: header");
  return without_exceptions("sealed stream: cipher", [&]() -> result<std::unique_ptr<segment_cipher>> {
    return std::make_unique<segment_cipher>(direction, stream_key, header);
  });
}

}  // namespace

std::string associated_data_of(const sealed_identity& object) {
  return "penstock/1|" + object.download + '|' + std::to_string(object.index) + '|' +
         std::to_string(object.plain_bytes);
}

result<sealed_header> derive_header(const secret_bytes& data_key, const sealed_identity& object,
                                    const content_digest& digest) {
  if (data_key.size() != data_key_bytes) return fail(errc::bad_request, "sealed stream: size of the data key");
  if (!is_download_id(object.download)) return fail(errc::bad_request, "sealed stream: download id");
  return without_exceptions("sealed stream: derive header", [&]() -> result<sealed_header> {
    sealed_header header;
    header[0] = sealed_header_bytes;
    hkdf_sha256(std::span{header}.subspan(1), data_key, digest, "header of " + associated_data_of(object));
    return header;
  });
}

result<secret_bytes> derive_stream_key(const secret_bytes& data_key, const sealed_header& header,
                                       std::string_view associated_data) {
  if (data_key.size() < data_key_bytes) return fail(errc::bad_request, "sealed stream: size of the data key");
  if (header[0] != sealed_header_bytes) return fail(errc::authentication_failed, "sealed stream: header");
  return without_exceptions("sealed stream: derive stream key", [&]() -> result<secret_bytes> {
    auto stream_key = secret_bytes::of_size(stream_key_bytes);
    hkdf_sha256(stream_key.writable(), data_key, std::span{header}.subspan(1, sealed_salt_bytes), associated_data);
    return stream_key;
  });
}

segment_sealer::segment_sealer(std::unique_ptr<segment_cipher> cipher, const sealed_header& header)
    : cipher_(std::move(cipher)), header_(header) {}
segment_sealer::segment_sealer(segment_sealer&&) noexcept = default;
segment_sealer& segment_sealer::operator=(segment_sealer&&) noexcept = default;
segment_sealer::~segment_sealer() = default;

result<segment_sealer> segment_sealer::create(const secret_bytes& data_key, const sealed_identity& object,
                                              const content_digest& digest) {
  const auto header = derive_header(data_key, object, digest);
  if (!header) return header.error();
  const auto stream_key = derive_stream_key(data_key, *header, associated_data_of(object));
  if (!stream_key) return stream_key.error();
  return create(*stream_key, *header);
}

result<segment_sealer> segment_sealer::create(const secret_bytes& stream_key, const sealed_header& header) {
  auto cipher = make_cipher(Botan::ENCRYPTION, stream_key, header);
  if (!cipher) return cipher.error();
  return segment_sealer{std::move(*cipher), header};
}

result<std::size_t> segment_sealer::seal(std::uint64_t segment, bool last, std::span<std::uint8_t> buffer,
                                         std::size_t plain_bytes) {
  if (segment >= max_sealed_segments) return fail(errc::too_large, "seal segment: number");
  if (buffer.size() < sealed_tag_bytes || plain_bytes > buffer.size() - sealed_tag_bytes)
    return fail(errc::bad_request, "seal segment: room for the tag");
  try {
    return cipher_->seal(segment, last, buffer.data(), plain_bytes);
  } catch (const std::exception&) {
    return fail(errc::internal, "seal segment");
  }
}

segment_opener::segment_opener(std::unique_ptr<segment_cipher> cipher) : cipher_(std::move(cipher)) {}
segment_opener::segment_opener(segment_opener&&) noexcept = default;
segment_opener& segment_opener::operator=(segment_opener&&) noexcept = default;
segment_opener::~segment_opener() = default;

result<segment_opener> segment_opener::create(const secret_bytes& data_key, const sealed_identity& object,
                                              const sealed_header& header) {
  if (!is_download_id(object.download)) return fail(errc::bad_request, "sealed stream: download id");
  const auto stream_key = derive_stream_key(data_key, header, associated_data_of(object));
  if (!stream_key) return stream_key.error();
  return create(*stream_key, header);
}

result<segment_opener> segment_opener::create(const secret_bytes& stream_key, const sealed_header& header) {
  auto cipher = make_cipher(Botan::DECRYPTION, stream_key, header);
  if (!cipher) return cipher.error();
  return segment_opener{std::move(*cipher)};
}

result<std::size_t> segment_opener::open(std::uint64_t segment, bool last, std::span<std::uint8_t> sealed) {
  const auto refuse = [&] {
    Botan::secure_scrub_memory(sealed.data(), sealed.size());
    return fail(errc::authentication_failed, "open segment " + std::to_string(segment));
  };
  if (segment >= max_sealed_segments || sealed.size() < sealed_tag_bytes) return refuse();
  try {
    return cipher_->open(segment, last, sealed.data(), sealed.size());
  } catch (const std::exception&) {
    cipher_->forget_segment();
    return refuse();
  }
}

}  // namespace penstock::storage
