#include "storage/key_wrap.hpp"

#include <botan/aead.h>
#include <botan/hex.h>
#include <botan/kdf.h>
#include <botan/mem_ops.h>
#include <botan/pwdhash.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "storage/sealed_segments.hpp"

namespace penstock::storage {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

constexpr std::string_view by_passphrase = "passphrase";
constexpr std::string_view by_key_file = "key_file";
constexpr std::string_view key_file_heading = "penstock-key 1\n";
constexpr std::size_t key_file_bytes = key_file_heading.size() + 2 * key_file_key_bytes + 1;
constexpr std::size_t siv_key_bytes = 64;
constexpr std::size_t siv_tag_bytes = 16;
constexpr std::size_t wrapped_bytes = siv_tag_bytes + data_key_bytes;
constexpr std::uint32_t min_argon2id_memory_kib_per_lane = 8;
constexpr std::size_t root_key_bytes = 32;

const std::uint8_t* as_bytes(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

secret_bytes derive(const secret_bytes& from, std::span<const std::uint8_t> salt, std::string_view label,
                    std::size_t bytes) {
  auto derived = secret_bytes::of_size(bytes);
  Botan::KDF::create_or_throw("HKDF(SHA-256)")
      ->kdf(derived.writable().data(), bytes, from.view().data(), from.size(), salt.data(), salt.size(),
            as_bytes(label), label.size());
  return derived;
}

result<void> check_cost(const argon2id_cost& cost) {
  if (cost.memory_kib > max_argon2id_memory_kib || cost.passes > max_argon2id_passes || cost.lanes > max_argon2id_lanes)
    return fail(errc::too_large, "wrapped key: argon2id cost");
  if (cost.passes == 0 || cost.lanes == 0 || cost.memory_kib < min_argon2id_memory_kib_per_lane * cost.lanes)
    return fail(errc::bad_request, "wrapped key: argon2id cost");
  return {};
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
                     .wrapped = to_base64(bytes)};
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

result<secret_bytes> unwrap(const stored_parts& parts, const secret_bytes& root, std::string_view context) {
  const auto wrong = fail(errc::authentication_failed, "unwrap key: wrong passphrase, key file or download");
  if (!equal_in_constant_time(key_check_of(root, parts.salt.view()).view(), parts.key_check.view())) return wrong;
  Botan::secure_vector<std::uint8_t> bytes(parts.wrapped.view().begin(), parts.wrapped.view().end());
  try {
    key_cipher(Botan::DECRYPTION, root, parts.salt.view(), context)->finish(bytes);
  } catch (const std::exception&) {
    return wrong;
  }
  return secret_bytes{bytes};
}

/// Writes everything and syncs it, or says why not.
result<void> write_key_file(int descriptor, const secret_bytes& contents) {
  std::string_view text{reinterpret_cast<const char*>(contents.view().data()), contents.size()};
  while (!text.empty()) {
    const auto n = ::write(descriptor, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(errc::io_error, std::string{"write key file: "} + std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(descriptor) != 0) return fail(errc::io_error, std::string{"sync key file: "} + std::strerror(errno));
  return {};
}

secret_bytes new_key_file_contents() {
  const auto key = secret_bytes::random(key_file_key_bytes);
  auto contents = secret_bytes::of_size(key_file_bytes);
  auto* text = reinterpret_cast<char*>(contents.writable().data());
  std::memcpy(text, key_file_heading.data(), key_file_heading.size());
  Botan::hex_encode(text + key_file_heading.size(), key.view().data(), key.size(), /*uppercase=*/false);
  text[key_file_bytes - 1] = '\n';
  return contents;
}

result<secret_bytes> parse_key_file(std::string_view text) {
  const auto refused = fail(errc::bad_configuration, "key file: not a penstock key");
  if (text.size() != key_file_bytes || !text.starts_with(key_file_heading) || text.back() != '\n') return refused;
  text.remove_prefix(key_file_heading.size());
  text.remove_suffix(1);
  try {
    const auto bytes = Botan::hex_decode_locked(text.data(), text.size(), /*ignore_ws=*/false);
    if (bytes.size() != key_file_key_bytes) return refused;
    return secret_bytes{bytes};
  } catch (const std::exception&) {
    return refused;
  }
}

result<secret_bytes> read_key_file(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode))
    return fail(errc::bad_configuration, "key file: not a regular file");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return fail(errc::bad_configuration, "key file: accessible to others (chmod 600)");
  auto text = secret_bytes::of_size(key_file_bytes + 1);  // one more, to see that it ends
  std::size_t got = 0;
  while (got < text.size()) {
    const auto n = ::read(descriptor, text.writable().data() + got, text.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errc::io_error, std::string{"read key file: "} + std::strerror(errno));
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return parse_key_file({reinterpret_cast<const char*>(text.view().data()), got});
}

}  // namespace

result<wrapped_key> wrap_with_passphrase(const secret_bytes& data_key, std::string_view passphrase,
                                         std::string_view context, const argon2id_cost& cost) {
  const auto salt = secret_bytes::random(wrap_salt_bytes);
  const auto root = root_of_passphrase(passphrase, salt.view(), cost);
  if (!root) return root.error();
  return wrap(data_key, *root, salt, by_passphrase, context, cost);
}

result<wrapped_key> wrap_with_key_file(const secret_bytes& data_key, const secret_bytes& file_key,
                                       std::string_view context) {
  const auto salt = secret_bytes::random(wrap_salt_bytes);
  const auto root = root_of_key_file(file_key, salt.view());
  if (!root) return root.error();
  return wrap(data_key, *root, salt, by_key_file, context, {});
}

result<secret_bytes> unwrap_with_passphrase(const wrapped_key& wrapped, std::string_view passphrase,
                                            std::string_view context) {
  const auto parts = parts_of(wrapped, by_passphrase);
  if (!parts) return parts.error();
  const auto root = root_of_passphrase(passphrase, parts->salt.view(), wrapped.argon2id);
  if (!root) return root.error();
  return unwrap(*parts, *root, context);
}

result<secret_bytes> unwrap_with_key_file(const wrapped_key& wrapped, const secret_bytes& file_key,
                                          std::string_view context) {
  const auto parts = parts_of(wrapped, by_key_file);
  if (!parts) return parts.error();
  const auto root = root_of_key_file(file_key, parts->salt.view());
  if (!root) return root.error();
  return unwrap(*parts, *root, context);
}

result<void> create_key_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor < 0)
    return fail(errno == EEXIST ? errc::conflict : errc::io_error,
                std::string{"create key file: "} + std::strerror(errno));
  auto written = write_key_file(descriptor, new_key_file_contents());
  ::close(descriptor);
  if (!written) ::unlink(path.c_str());
  return written;
}

result<secret_bytes> load_key_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return fail(errno == ENOENT ? errc::not_found : errc::io_error,
                std::string{"open key file: "} + std::strerror(errno));
  auto key = read_key_file(descriptor);
  ::close(descriptor);
  return key;
}

std::string data_key_check(const secret_bytes& data_key, std::string_view download) {
  return to_base64(derive(data_key, {}, "penstock/1 data key check|" + std::string{download}, key_check_bytes).view());
}

bool matches_data_key_check(const secret_bytes& data_key, std::string_view download, std::string_view stored) {
  const auto expected = data_key_check(data_key, download);
  return equal_in_constant_time({as_bytes(expected), expected.size()}, {as_bytes(stored), stored.size()});
}

}  // namespace penstock::storage
