#pragma once
// How the key of a download is kept: wrapped for each of its holders, who have a passphrase (Argon2id, RFC 9106), a key
// file, or a key pair of their own (X25519, RFC 7748). SEALED_STREAM.md, "Wrapped keys".

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "messages/fields.hpp"
#include "messages/result.hpp"
#include "storage/secret_bytes.hpp"

namespace penstock::storage {

constexpr std::uint32_t wrapped_key_version = 1;
constexpr std::string_view protection_passphrase = "passphrase";
constexpr std::string_view protection_key_file = "key_file";
constexpr std::string_view protection_person = "person";
constexpr std::size_t key_file_key_bytes = 32;
constexpr std::size_t x25519_key_bytes = 32;
constexpr std::size_t wrap_salt_bytes = 16;
constexpr std::size_t key_check_bytes = 32;
constexpr std::size_t max_passphrase_bytes = 1024;
/// A stored cost above these is refused rather than obeyed: the file may come from somebody else.
constexpr std::uint32_t max_argon2id_memory_kib = 1024 * 1024;
constexpr std::uint32_t max_argon2id_passes = 16;
constexpr std::uint32_t max_argon2id_lanes = 4;

/// Cost of turning a passphrase into a key; the default takes about half a second.
struct argon2id_cost {
  std::uint32_t memory_kib = 128 * 1024;
  std::uint32_t passes = 3;
  std::uint32_t lanes = 1;
  PENSTOCK_FIELDS(memory_kib, passes, lanes);
};

using x25519_public_key = std::array<std::uint8_t, x25519_key_bytes>;

/// One holder, as it goes into penstock-download.json. Binary values are base64. Holds nothing that is of use without
/// the holder's passphrase, key file or secret key.
struct wrapped_key {
  std::uint32_t version = wrapped_key_version;
  std::string protection;   ///< "passphrase", "key_file" or "person"
  argon2id_cost argon2id;   ///< for "passphrase"
  std::string salt;         ///< 16 random bytes
  std::string key_check;    ///< 32 bytes derived from the holder's key and the salt
  std::string wrapped;      ///< the data key under AES-256-SIV (RFC 5297)
  std::string public_key;   ///< for "person": whose it is, 32 bytes
  std::string ephemeral;    ///< for "person": the public half of a key pair that was used once, 32 bytes
  std::string fingerprint;  ///< for people: of the key file or the person; empty for a passphrase
  std::string label;        ///< for people; whatever whoever added the holder called it
  std::string added;        ///< for people; RFC 3339
  PENSTOCK_FIELDS(version, protection, argon2id, salt, key_check, wrapped, public_key, ephemeral, fingerprint, label,
                  added);
};

/// `context` names what the key is for (the download's id): a wrapped key opens under the same context only.
/// errc::bad_request for an empty or overlong passphrase, a data key that is not 16 bytes, a cost out of bounds, or a
/// public key of low order (whose shared secret anybody knows).
[[nodiscard]] messages::result<wrapped_key> wrap_with_passphrase(const secret_bytes& data_key,
                                                                 std::string_view passphrase, std::string_view context,
                                                                 const argon2id_cost& cost = {});
[[nodiscard]] messages::result<wrapped_key> wrap_with_key_file(const secret_bytes& data_key,
                                                               const secret_bytes& file_key, std::string_view context);
[[nodiscard]] messages::result<wrapped_key> wrap_for_person(const secret_bytes& data_key,
                                                            const x25519_public_key& person, std::string_view context);

/// errc::authentication_failed for the wrong passphrase, key or context, or altered contents; errc::corrupt for a
/// malformed or unknown `wrapped`; errc::too_large for a cost over the bounds. Nothing is opened before the key check.
[[nodiscard]] messages::result<secret_bytes> unwrap_with_passphrase(const wrapped_key& wrapped,
                                                                    std::string_view passphrase,
                                                                    std::string_view context);
[[nodiscard]] messages::result<secret_bytes> unwrap_with_key_file(const wrapped_key& wrapped,
                                                                  const secret_bytes& file_key,
                                                                  std::string_view context);
[[nodiscard]] messages::result<secret_bytes> unwrap_for_person(const wrapped_key& wrapped,
                                                               const secret_bytes& own_secret_key,
                                                               std::string_view context);

/// The public half of a secret key of 32 bytes.
[[nodiscard]] x25519_public_key public_key_of(const secret_bytes& secret_key);
/// 16 hexadecimal digits that name a public key, as the server's log does.
[[nodiscard]] std::string fingerprint_of(const x25519_public_key& person);
/// 16 hexadecimal digits that name a key file and tell nothing else of it.
[[nodiscard]] std::string fingerprint_of_key_file(const secret_bytes& file_key);

/// errc::too_large or errc::bad_request for a cost that is not to be paid.
[[nodiscard]] messages::result<void> check_cost(const argon2id_cost& cost);

/// What the server may keep of a data key, to recognise it when a download is resumed: base64 of 32 bytes from which
/// the key cannot be had. Bound to the download's id.
[[nodiscard]] std::string data_key_check(const secret_bytes& data_key, std::string_view download);
/// Compares in constant time; false for a `stored` that is not base64 of 32 bytes.
[[nodiscard]] bool matches_data_key_check(const secret_bytes& data_key, std::string_view download,
                                          std::string_view stored);

}  // namespace penstock::storage
