#include "storage/digest.hpp"

#include <botan/hash.h>
#include <botan/hex.h>
#include <botan/mac.h>
#include <botan/system_rng.h>

#include <memory>

namespace penstock::storage {
namespace {

const std::uint8_t* bytes_of(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

int digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

sha256_digest sha256(std::string_view first, std::string_view second, std::string_view third) {
  // Looking the algorithm up by name costs more than hashing an entry.
  thread_local const auto hash = Botan::HashFunction::create_or_throw("SHA-256");
  for (const auto part : {first, second, third}) hash->update(bytes_of(part), part.size());
  sha256_digest digest;
  hash->final(digest.data());
  return digest;
}

struct sha256_stream::state {
  std::unique_ptr<Botan::HashFunction> hash = Botan::HashFunction::create_or_throw("SHA-256");
};

sha256_stream::sha256_stream() : state_(std::make_unique<state>()) {}
sha256_stream::~sha256_stream() = default;
sha256_stream::sha256_stream(sha256_stream&&) noexcept = default;
sha256_stream& sha256_stream::operator=(sha256_stream&&) noexcept = default;

void sha256_stream::update(std::span<const std::byte> bytes) {
  state_->hash->update(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

sha256_digest sha256_stream::finish() {
  sha256_digest digest;
  state_->hash->final(digest.data());
  return digest;
}

sha256_digest hmac_sha256(std::string_view key, std::string_view text) {
  thread_local const auto mac = Botan::MessageAuthenticationCode::create_or_throw("HMAC(SHA-256)");
  mac->set_key(bytes_of(key), key.size());
  mac->update(bytes_of(text), text.size());
  sha256_digest digest;
  mac->final(digest.data());
  return digest;
}

void fill_random(std::span<std::uint8_t> bytes) { Botan::system_rng().randomize(bytes.data(), bytes.size()); }

std::string to_hex(std::span<const std::uint8_t> bytes) {
  return Botan::hex_encode(bytes.data(), bytes.size(), /*uppercase=*/false);
}

std::optional<std::string> from_hex(std::string_view text, std::size_t size) {
  if (text.size() != 2 * size) return std::nullopt;
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    const int high = digit_value(text[2 * i]);
    const int low = digit_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<char>(high * 16 + low);
  }
  return bytes;
}

}  // namespace penstock::storage
