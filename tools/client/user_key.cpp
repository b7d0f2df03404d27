#include "tools/client/user_key.hpp"

#include <string.h>  // explicit_bzero
#include <sys/stat.h>
#include <zmq.h>

#include <array>
#include <sstream>

#include "tools/client/local_file.hpp"

namespace penstock::client {
namespace {

using messages::errc;
using messages::fail;

constexpr std::size_t key_characters = 40;
constexpr std::size_t longest_key_file_bytes = 4096;
constexpr mode_t others_may = 0077;

std::string value_of(std::string_view line, std::string_view keyword) {
  if (!line.starts_with(keyword)) return {};
  line.remove_prefix(keyword.size());
  if (line.empty() || (line.front() != ' ' && line.front() != '\t')) return {};
  const auto begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  const auto end = line.find_last_not_of(" \t\r");
  return std::string{line.substr(begin, end + 1 - begin)};
}

messages::failure not_a_key_file(const std::filesystem::path& path) {
  return fail(errc::bad_configuration,
              path.string() +
                  " does not hold a Penstock user key (a line 'public ...' and a line 'secret ...' of "
                  "40 characters each); make one with 'penstock keygen'");
}

bool belong_together(const user_key& key) {
  std::array<char, key_characters + 1> derived{};
  return zmq_curve_public(derived.data(), key.secret_key.reveal().c_str()) == 0 && key.public_key == derived.data();
}

}  // namespace

void secret_text::wipe() noexcept {
  if (!text_.empty()) explicit_bzero(text_.data(), text_.size());
  text_.clear();
}

bool is_curve_key(std::string_view text) {
  if (text.size() != key_characters) return false;
  std::array<std::uint8_t, 32> raw{};
  return zmq_z85_decode(raw.data(), std::string{text}.c_str()) != nullptr;
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
      key.public_key + "\nsecret " + key.secret_key.reveal() + "\n"};
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
  std::istringstream lines{text.reveal()};
  for (std::string line; std::getline(lines, line);) {
    if (auto value = value_of(line, "public"); !value.empty()) key.public_key = std::move(value);
    if (auto value = value_of(line, "secret"); !value.empty()) key.secret_key = secret_text{std::move(value)};
  }
  if (!is_curve_key(key.public_key) || !is_curve_key(key.secret_key.reveal())) return not_a_key_file(path);
  if (!belong_together(key))
    return fail(errc::bad_configuration, path.string() + ": the public key does not belong to the secret key");
  return key;
}

}  // namespace penstock::client
