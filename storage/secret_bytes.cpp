#include "storage/secret_bytes.hpp"

#include <botan/base64.h>
#include <botan/mem_ops.h>
#include <botan/secmem.h>
#include <botan/system_rng.h>

#include <exception>
#include <utility>

namespace penstock::storage {

struct secret_bytes::memory {
  Botan::secure_vector<std::uint8_t> bytes;
};

secret_bytes::secret_bytes() : memory_(std::make_unique<memory>()) {}

secret_bytes::secret_bytes(std::span<const std::uint8_t> bytes)
    : memory_(std::make_unique<memory>(memory{{bytes.begin(), bytes.end()}})) {}

secret_bytes secret_bytes::of_size(std::size_t bytes) {
  secret_bytes made;
  made.memory_->bytes.resize(bytes);
  return made;
}

secret_bytes secret_bytes::random(std::size_t bytes) {
  auto made = of_size(bytes);
  Botan::system_rng().randomize(made.memory_->bytes.data(), bytes);
  return made;
}

secret_bytes::secret_bytes(secret_bytes&& other) noexcept = default;
secret_bytes& secret_bytes::operator=(secret_bytes&& other) noexcept = default;
secret_bytes::~secret_bytes() = default;

secret_bytes secret_bytes::copy() const { return secret_bytes{view()}; }

std::span<const std::uint8_t> secret_bytes::view() const {
  if (!memory_) return {};
  return memory_->bytes;
}

std::span<std::uint8_t> secret_bytes::writable() {
  if (!memory_) return {};
  return memory_->bytes;
}

bool equal_in_constant_time(std::span<const std::uint8_t> left, std::span<const std::uint8_t> right) {
  return left.size() == right.size() && Botan::constant_time_compare(left.data(), right.data(), left.size());
}

std::string to_base64(std::span<const std::uint8_t> bytes) { return Botan::base64_encode(bytes.data(), bytes.size()); }

messages::result<secret_bytes> from_base64(std::string_view text, std::size_t expected_bytes, std::string_view what) {
  const auto refused = messages::fail(
      messages::errc::bad_request, std::string{what} + ": not base64 of " + std::to_string(expected_bytes) + " bytes");
  if (text.size() != (expected_bytes + 2) / 3 * 4) return refused;
  try {
    const auto bytes = Botan::base64_decode(text.data(), text.size(), /*ignore_ws=*/false);
    if (bytes.size() != expected_bytes) return refused;
    return secret_bytes{bytes};
  } catch (const std::exception&) {
    return refused;
  }
}

}  // namespace penstock::storage
