#include "storage/key_wrap.hpp"

#include <botan/aead.h>
#include <botan/curve25519.h>
#include <botan/kdf.h>
#include <botan/pwdhash.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "storage/digest.hpp"
#include "storage/sealed_segments.hpp"

namespace penstock::storage {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

constexpr std::size_t siv_key_bytes = 64;
constexpr std::size_t siv_tag_bytes = 16;
constexpr std::size_t wrapped_bytes = siv_tag_bytes + data_key_bytes;
constexpr std::uint32_t min_argon2id_memory_kib_per_lane = 8;
constexpr std::size_t root_key_bytes = 32;
constexpr std::size_t fingerprint_bytes = 8;

const std::uint8_t* as_bytes(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

secret_bytes derive(const secret_bytes& from, std::span<const std::uint8_t> salt, std::string_view label,
                    std::size_t bytes) {
  auto derived = secret_bytes::of_size(bytes);
  Botan::KDF::create_or_throw("HKDF(SHA-256)")
      ->kdf(derived.writable().data(), bytes, from.view().data(), from.size(), salt.data(), salt.size(),
            as_bytes(label), label.size());
  return derived;
}

result<secret_bytes> root_of_passphrase(std::string_view passphrase, std::span<const std::uint8_t> salt,
                                        const argon2id_cost& cost) {
  if (passphrase.empty() || passphrase.size() > max_passphrase_bytes)
    return fail(errc::bad_request, "passphrase: 1 to " + std::to_string(max_passphrase_bytes) + " bytes");
  if (auto checked = check_cost(cost); !checked) return checked.error();
  auto root = secret_bytes::of_size(root_key_bytes);
  try {
    Botan::PasswordHashFamily::create_or_throw("Argon2id")
        ->from_params(cost.memory_kib, cost.passes, cost.lanes)
        ->derive_key(root.writable().data(), root.size(), passphrase.data(), passphrase.size(), salt.data(),
                     salt.size());
  } catch (const std::exception&) {  // above all: not enough memory
    return fail(errc::internal, "derive key from passphrase");
  }
  return root;
}

result<secret_bytes> root_of_key_file(const secret_bytes& file_key, std::span<const std::uint8_t> salt) {
  if (file_key.size() != key_file_key_bytes) return fail(errc::bad_request, "key file: size of its key");
  return derive(file_key, salt, "penstock/1 key file", root_key_bytes);
}

/// The bytes that two key pairs share; nothing when they are known to everybody (RFC 7748 section 6.1).
secret_bytes shared_secret(const secret_bytes& secret_key, const x25519_public_key& other) {
  auto shared = secret_bytes::of_size(x25519_key_bytes);
  Botan::curve25519_donna(shared.writable().data(), secret_key.view().data(), other.data());
  const auto bytes = shared.view();
  const auto any =
      std::accumulate(bytes.begin(), bytes.end(), 0U, [](unsigned sum, unsigned one) { return sum | one; });
  return any == 0 ? secret_bytes{} : std::move(shared);
}

secret_bytes root_of_pair(const secret_bytes& shared, std::span<const std::uint8_t> salt,
                          const x25519_public_key& ephemeral, const x25519_public_key& person) {
  std::string label = "penstock/1 person";
  label.append(ephemeral.begin(), ephemeral.end()).append(person.begin(), person.end());
  return derive(shared, salt, label, root_key_bytes);
}

secret_bytes key_check_of(const secret_bytes& root, std::span<const std::uint8_t> salt) {
  return derive(root, salt, "penstock/1 key check", key_check_bytes);
}

/// AES-256-SIV without a nonce: deterministic, so that no randomness can be misused; authenticates salt and context.
std::unique_ptr<Botan::AEAD_Mode> key_cipher(Botan::Cipher_Dir direction, const secret_bytes& root,
                                             std::span<const std::uint8_t> salt, std::string_view context) {
  auto cipher = Botan::AEAD_Mode::create_or_throw("AES-256/SIV", direction);
  const auto key = derive(root, salt, "penstock/1 key wrap", siv_key_bytes);
  cipher->set_key(key.view().data(), key.size());
  cipher->set_associated_data(as_bytes(context), context.size());
  cipher->start();
  return cipher;
}

result<wrapped_key> wrap(const secret_bytes& data_key, const secret_bytes& root, const secret_bytes& salt,
                         std::string_view protection, std::string_view context, const argon2id_cost& cost) {
  if (data_key.size() != data_key_bytes) return fail(errc::bad_request, "wrap key: size of the data key");
  Botan::secure_vector<std::uint8_t> bytes(data_key.view().begin(), data_key.view().end());
  key_cipher(Botan::ENCRYPTION, root, salt.view(), context)->finish(bytes);
  return wrapped_key{.protection = std::string{protection},
                     .argon2id = cost,
                     .salt = to_base64(salt.view()),
                     .key_check = to_base64(key_check_of(root, salt.view()).view()),
                     .wrapped = to_base64(bytes),
                     .public_key = {},
                     .ephemeral = {},
                     .fingerprint = {},
                     .label = {},
                     .added = {}};
}

struct stored_parts {
  secret_bytes salt;
  secret_bytes key_check;
  secret_bytes wrapped;
};

result<stored_parts> parts_of(const wrapped_key& wrapped, std::string_view protection) {
  if (wrapped.version != wrapped_key_version) return fail(errc::corrupt, "wrapped key: unknown version");
  if (wrapped.protection != protection)
    return fail(errc::bad_request, "wrapped key: not protected by a " + std::string{protection});
  auto salt = from_base64(wrapped.salt, wrap_salt_bytes, "wrapped key: salt");
  auto check = from_base64(wrapped.key_check, key_check_bytes, "wrapped key: key_check");
  auto bytes = from_base64(wrapped.wrapped, wrapped_bytes, "wrapped key: wrapped");
  for (const auto* part : {&salt, &check, &bytes})
    if (!*part) return fail(errc::corrupt, part->error().context);
  return stored_parts{std::move(*salt), std::move(*check), std::move(*bytes)};
}

result<x25519_public_key> public_key_in(std::string_view base64, std::string_view what) {
  const auto bytes = from_base64(base64, x25519_key_bytes, what);
  if (!bytes) return fail(errc::corrupt, bytes.error().context);
  x25519_public_key key{};
  std::copy(bytes->view().begin(), bytes->view().end(), key.begin());
  return key;
}

result<secret_bytes> unwrap(const stored_parts& parts, const secret_bytes& root, std::string_view context) {
  const auto wrong = fail(errc::authentication_failed, "unwrap key: wrong passphrase, key or download");
  if (!equal_in_constant_time(key_check_of(root, parts.salt.view()).view(), parts.key_check.view())) return wrong;
  Botan::secure_vector<std::uint8_t> bytes(parts.wrapped.view().begin(), parts.wrapped.view().end());
  try {
    key_cipher(Botan::DECRYPTION, root, parts.salt.view(), context)->finish(bytes);
  } catch (const std::exception&) {
    return wrong;
  }
  return secret_bytes{bytes};
}

}  // namespace

result<wrapped_key> wrap_with_passphrase(const secret_bytes& data_key, std::string_view passphrase,
                                         std::string_view context, const argon2id_cost& cost) {
  const auto salt = secret_bytes::random(wrap_salt_bytes);
  const auto root = root_of_passphrase(passphrase, salt.view(), cost);
  if (!root) return root.error();
  return wrap(data_key, *root, salt, protection_passphrase, context, cost);
}

result<wrapped_key> wrap_with_key_file(const secret_bytes& data_key, const secret_bytes& file_key,
                                       std::string_view context) {
  const auto salt = secret_bytes::random(wrap_salt_bytes);
  const auto root = root_of_key_file(file_key, salt.view());
  if (!root) return root.error();
  auto wrapped = wrap(data_key, *root, salt, protection_key_file, context, {});
  if (wrapped) wrapped->fingerprint = fingerprint_of_key_file(file_key);
  return wrapped;
}

result<wrapped_key> wrap_for_person(const secret_bytes& data_key, const x25519_public_key& person,
                                    std::string_view context) {
  const auto salt = secret_bytes::random(wrap_salt_bytes);
  const auto once = secret_bytes::random(x25519_key_bytes);
  const auto shared = shared_secret(once, person);
  if (shared.empty()) return fail(errc::bad_request, "wrap key: the public key is of low order, nobody's");
  const auto ephemeral = public_key_of(once);
  auto wrapped =
      wrap(data_key, root_of_pair(shared, salt.view(), ephemeral, person), salt, protection_person, context, {});
  if (!wrapped) return wrapped;
  wrapped->public_key = to_base64(person);
  wrapped->ephemeral = to_base64(ephemeral);
  wrapped->fingerprint = fingerprint_of(person);
  return wrapped;
}

result<secret_bytes> unwrap_with_passphrase(const wrapped_key& wrapped, std::string_view passphrase,
                                            std::string_view context) {
  const auto parts = parts_of(wrapped, protection_passphrase);
  if (!parts) return parts.error();
  const auto root = root_of_passphrase(passphrase, parts->salt.view(), wrapped.argon2id);
  if (!root) return root.error();
  return unwrap(*parts, *root, context);
}

result<secret_bytes> unwrap_with_key_file(const wrapped_key& wrapped, const secret_bytes& file_key,
                                          std::string_view context) {
  const auto parts = parts_of(wrapped, protection_key_file);
  if (!parts) return parts.error();
  const auto root = root_of_key_file(file_key, parts->salt.view());
  if (!root) return root.error();
  return unwrap(*parts, *root, context);
}

result<secret_bytes> unwrap_for_person(const wrapped_key& wrapped, const secret_bytes& own_secret_key,
                                       std::string_view context) {
  const auto parts = parts_of(wrapped, protection_person);
  if (!parts) return parts.error();
  if (own_secret_key.size() != x25519_key_bytes) return fail(errc::bad_request, "own key: size of the secret key");
  const auto ephemeral = public_key_in(wrapped.ephemeral, "wrapped key: ephemeral");
  if (!ephemeral) return ephemeral.error();
  const auto own = public_key_of(own_secret_key);
  if (wrapped.public_key != to_base64(own))
    return fail(errc::authentication_failed, "unwrap key: it is another person's");
  const auto shared = shared_secret(own_secret_key, *ephemeral);
  if (shared.empty()) return fail(errc::authentication_failed, "unwrap key: an ephemeral key of low order");
  return unwrap(*parts, root_of_pair(shared, parts->salt.view(), *ephemeral, own), context);
}

x25519_public_key public_key_of(const secret_bytes& secret_key) {
  x25519_public_key made{};
  if (secret_key.size() == x25519_key_bytes) Botan::curve25519_basepoint(made.data(), secret_key.view().data());
  return made;
}

std::string fingerprint_of(const x25519_public_key& person) {
  return to_hex(sha256({reinterpret_cast<const char*>(person.data()), person.size()})).substr(0, 2 * fingerprint_bytes);
}

std::string fingerprint_of_key_file(const secret_bytes& file_key) {
  const auto bytes = derive(file_key, {}, "penstock/1 key file fingerprint", fingerprint_bytes);
  std::string digits;
  for (const auto byte : bytes.view()) {
    constexpr std::string_view hexadecimal = "0123456789abcdef";
    digits += {hexadecimal[byte >> 4U], hexadecimal[byte & 0xfU]};
  }
  return digits;
}

result<void> check_cost(const argon2id_cost& cost) {
  if (cost.memory_kib > max_argon2id_memory_kib || cost.passes > max_argon2id_passes || cost.lanes > max_argon2id_lanes)
    return fail(errc::too_large, "wrapped key: argon2id cost");
  if (cost.passes == 0 || cost.lanes == 0 || cost.memory_kib < min_argon2id_memory_kib_per_lane * cost.lanes)
    return fail(errc::bad_request, "wrapped key: argon2id cost");
  return {};
}

std::string data_key_check(const secret_bytes& data_key, std::string_view download) {
  return to_base64(derive(data_key, {}, "penstock/1 data key check|" + std::string{download}, key_check_bytes).view());
}

bool matches_data_key_check(const secret_bytes& data_key, std::string_view download, std::string_view stored) {
  const auto expected = data_key_check(data_key, download);
  return equal_in_constant_time({as_bytes(expected), expected.size()}, {as_bytes(stored), stored.size()});
}

}  // namespace penstock::storage
