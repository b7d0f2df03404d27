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

namespace penstock::client {

using messages::result;

/// Text that is wiped when it goes. It has no stream operator; `reveal()` is the one way out.
class secret_text {
 public:
  secret_text() = default;
  explicit secret_text(std::string text) : text_(std::move(text)) {}
  secret_text(const secret_text&) = default;
  secret_text(secret_text&& other) noexcept : text_(other.text_) { other.wipe(); }
  secret_text& operator=(secret_text other) noexcept {
    text_.swap(other.text_);
    return *this;
  }
  ~secret_text() { wipe(); }

  [[nodiscard]] const std::string& reveal() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }

 private:
  void wipe() noexcept;
  std::string text_;
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

/// True for 40 characters that decode to 32 bytes of Z85 (RFC 32/Z85).
[[nodiscard]] bool is_curve_key(std::string_view text);

}  // namespace penstock::client
