#pragma once
// The researcher's own CURVE key pair (RFC 26/CURVEZMQ), kept in a file that nobody else can read.
//
// File, mode 0600, UTF-8 text: comment lines that start with '#', then
//     public <Z85, 40 characters>
//     secret <Z85, 40 characters>

#include <filesystem>
#include <string>
#include <string_view>

#include "messages/result.hpp"
#include "storage/key_wrap.hpp"
#include "storage/secret_bytes.hpp"

namespace penstock::client {

using messages::result;

/// Text in memory that is locked where the system allows, and wiped when it goes. It has no stream operator;
/// `reveal()` is the one way out.
class secret_text {
 public:
  secret_text() = default;
  /// Wipes what it was given.
  explicit secret_text(std::string text);
  /// A copy of bytes that their owner wipes.
  static secret_text copy_of(std::string_view text);
  secret_text(const secret_text& other) : secret_text(copy_of(other.reveal())) {}
  secret_text(secret_text&&) noexcept = default;
  secret_text& operator=(secret_text other) noexcept {
    bytes_ = std::move(other.bytes_);
    return *this;
  }
  ~secret_text() = default;

  /// Ends with a zero that is not counted.
  [[nodiscard]] std::string_view reveal() const;
  [[nodiscard]] const char* c_str() const { return reveal().data(); }
  [[nodiscard]] bool empty() const { return reveal().empty(); }

 private:
  storage::secret_bytes bytes_;
};

struct user_key {
  std::string public_key;  ///< Z85; what the administrator puts into the rules file
  secret_text secret_key;  ///< Z85
};

/// A fresh key pair from the system's random source.
[[nodiscard]] result<user_key> make_user_key();

/// Writes the file and the directories above it. errc::conflict when there is a file already.
[[nodiscard]] result<void> save_user_key(const std::filesystem::path& path, const user_key& key);

/// Reads the file. errc::not_permitted when its mode lets group or others in, errc::bad_configuration when it is not a
/// key.
[[nodiscard]] result<user_key> load_user_key(const std::filesystem::path& path);

/// The same keys as X25519 has them. errc::bad_request for what is no public key.
[[nodiscard]] result<storage::x25519_public_key> raw_public_key(std::string_view z85);
[[nodiscard]] storage::secret_bytes raw_secret_key(const user_key& key);
[[nodiscard]] std::string z85_of(const storage::x25519_public_key& key);

/// True for 40 characters that decode to 32 bytes of Z85 (RFC 32/Z85).
[[nodiscard]] bool is_curve_key(std::string_view text);

}  // namespace penstock::client
