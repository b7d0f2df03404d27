#include "tools/client/user_key.hpp"

#include <string.h>  // explicit_bzero
#include <sys/stat.h>
#include <zmq.h>

#include <algorithm>
#include <array>

#include "tools/client/local_file.hpp"

namespace penstock::client {
namespace {

using messages::errc;
using messages::fail;

constexpr std::size_t key_characters = 40;
constexpr std::size_t longest_key_file_bytes = 4096;
constexpr mode_t others_may = 0077;

std::string_view value_of(std::string_view line, std::string_view keyword) {
  if (!line.starts_with(keyword)) return {};
  line.remove_prefix(keyword.size());
  if (line.empty() || (line.front() != ' ' && line.front() != '\t')) return {};
  const auto begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  const auto end = line.find_last_not_of(" \t\r");
  return line.substr(begin, end + 1 - begin);
}

messages::failure not_a_key_file(const std::filesystem::path& path) {
  return fail(errc::bad_configuration,
              path.string() +
                  " does not hold a Penstock user key (a line 'public ...' and a line 'secret ...' of "
                  "40 characters each); make one with 'penstock keygen'");
}

bool belong_together(const user_key& key) {
  std::array<char, key_characters + 1> derived{};
  return zmq_curve_public(derived.data(), key.secret_key.c_str()) == 0 && key.public_key == derived.data();
}

}  // namespace

secret_text::secret_text(std::string text) : secret_text(copy_of(text)) {
  if (!text.empty()) explicit_bzero(text.data(), text.size());
}

secret_text secret_text::copy_of(std::string_view text) {
  secret_text made;
  made.bytes_ = storage::secret_bytes::of_size(text.size() + 1);
  std::copy(text.begin(), text.end(), made.bytes_.writable().begin());
  return made;
}

std::string_view secret_text::reveal() const {
  if (bytes_.empty()) return "";
  return {reinterpret_cast<const char*>(bytes_.view().data()), bytes_.size() - 1};
}

bool is_curve_key(std::string_view text) {
  if (text.size() != key_characters) return false;
  const auto copy = secret_text::copy_of(text);
  auto raw = storage::secret_bytes::of_size(storage::x25519_key_bytes);
  return zmq_z85_decode(raw.writable().data(), copy.c_str()) != nullptr;
}

result<storage::x25519_public_key> raw_public_key(std::string_view z85) {
  storage::x25519_public_key raw{};
  if (!is_curve_key(z85) || zmq_z85_decode(raw.data(), std::string{z85}.c_str()) == nullptr)
    return fail(errc::bad_request, "a public key is 40 characters of Z85, as 'penstock key export' prints them");
  return raw;
}

storage::secret_bytes raw_secret_key(const user_key& key) {
  auto raw = storage::secret_bytes::of_size(storage::x25519_key_bytes);
  if (!is_curve_key(key.secret_key.reveal())) return raw;
  zmq_z85_decode(raw.writable().data(), key.secret_key.c_str());
  return raw;
}

std::string z85_of(const storage::x25519_public_key& key) {
  std::array<char, key_characters + 1> text{};
  return zmq_z85_encode(text.data(), key.data(), key.size()) == nullptr ? "" : text.data();
}

result<user_key> make_user_key() {
  std::array<char, key_characters + 1> public_key{};
  std::array<char, key_characters + 1> secret_key{};
  if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0)
    return fail(errc::internal, "make a user key: this libzmq has no CURVE");
  user_key made{public_key.data(), secret_text{secret_key.data()}};
  explicit_bzero(secret_key.data(), secret_key.size());
  return made;
}

result<void> save_user_key(const std::filesystem::path& path, const user_key& key) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored))
    return fail(errc::conflict, path.string() + " exists already; a key that is replaced is a key that is lost");
  if (auto made = make_private_directory(path.parent_path()); !made) return made;
  const secret_text content{
      "# Penstock user key. Keep this file to yourself; the administrator needs only the public line.\n"
      "public " +
      key.public_key + "\nsecret " + std::string{key.secret_key.reveal()} + "\n"};
  return replace_file(path, content.reveal());
}

result<user_key> load_user_key(const std::filesystem::path& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0)
    return fail(errc::not_found, "there is no key file " + path.string() + "; make one with 'penstock keygen'");
  if ((about.st_mode & others_may) != 0)
    return fail(errc::not_permitted,
                "the key file " + path.string() + " can be read by others; close it with: chmod 600 " + path.string());
  auto content = read_small_file(path, longest_key_file_bytes);
  if (!content) return content.error();
  const secret_text text{std::move(*content)};
  user_key key;
  for (auto rest = text.reveal(); !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (const auto value = value_of(line, "public"); !value.empty()) key.public_key = value;
    if (const auto value = value_of(line, "secret"); !value.empty()) key.secret_key = secret_text::copy_of(value);
  }
  if (!is_curve_key(key.public_key) || !is_curve_key(key.secret_key.reveal())) return not_a_key_file(path);
  if (!belong_together(key))
    return fail(errc::bad_configuration, path.string() + ": the public key does not belong to the secret key");
  return key;
}

}  // namespace penstock::client
