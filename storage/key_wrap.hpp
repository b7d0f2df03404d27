#pragma once
// How a researcher keeps the key of a download: wrapped under a key of their own, which comes from a passphrase
// (Argon2id, RFC 9106) or from a key file. SEALED_STREAM.md, "Wrapped keys".

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "messages/fields.hpp"
#include "messages/result.hpp"
#include "storage/secret_bytes.hpp"

namespace penstock::storage {

constexpr std::uint32_t wrapped_key_version = 1;
constexpr std::size_t key_file_key_bytes = 32;
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

/// Goes into penstock-download.json as it is. Binary values are base64. Holds nothing that is of use without the
/// researcher's passphrase or key file.
struct wrapped_key {
  std::uint32_t version = wrapped_key_version;
  std::string protection;  ///< "passphrase" or "key_file"
  argon2id_cost argon2id;  ///< for "passphrase"
  std::string salt;        ///< 16 random bytes
  std::string key_check;   ///< 32 bytes derived from the researcher's key and the salt
  std::string wrapped;     ///< the data key under AES-256-SIV (RFC 5297)
  PENSTOCK_FIELDS(version, protection, argon2id, salt, key_check, wrapped);
};

/// `context` names what the key is for (the download's id): a wrapped key opens under the same context only.
/// errc::bad_request for an empty or overlong passphrase, a data key that is not 16 bytes, or a cost out of bounds.
[[nodiscard]] messages::result<wrapped_key> wrap_with_passphrase(const secret_bytes& data_key,
                                                                 std::string_view passphrase, std::string_view context,
                                                                 const argon2id_cost& cost = {});
[[nodiscard]] messages::result<wrapped_key> wrap_with_key_file(const secret_bytes& data_key,
                                                               const secret_bytes& file_key, std::string_view context);

/// errc::authentication_failed for the wrong passphrase, key file or context, or altered contents; errc::corrupt for a
/// malformed or unknown `wrapped`; errc::too_large for a cost over the bounds. Nothing is opened before the key check.
[[nodiscard]] messages::result<secret_bytes> unwrap_with_passphrase(const wrapped_key& wrapped,
                                                                    std::string_view passphrase,
                                                                    std::string_view context);
[[nodiscard]] messages::result<secret_bytes> unwrap_with_key_file(const wrapped_key& wrapped,
                                                                  const secret_bytes& file_key,
                                                                  std::string_view context);

/// Makes a new key file, readable by its owner only; never replaces one (errc::conflict).
[[nodiscard]] messages::result<void> create_key_file(const std::filesystem::path& path);
/// errc::not_found, io_error; errc::bad_configuration when it is not a key file, or others may read it.
[[nodiscard]] messages::result<secret_bytes> load_key_file(const std::filesystem::path& path);

/// What the server may keep of a data key, to recognise it when a download is resumed: base64 of 32 bytes from which
/// the key cannot be had. Bound to the download's id.
[[nodiscard]] std::string data_key_check(const secret_bytes& data_key, std::string_view download);
/// Compares in constant time; false for a `stored` that is not base64 of 32 bytes.
[[nodiscard]] bool matches_data_key_check(const secret_bytes& data_key, std::string_view download,
                                          std::string_view stored);

}  // namespace penstock::storage
