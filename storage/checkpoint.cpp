#include "storage/checkpoint.hpp"

#include <botan/auto_rng.h>
#include <botan/ed25519.h>
#include <botan/pubkey.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "storage/digest.hpp"

namespace penstock::storage {

using messages::errc;
using messages::fail;
using messages::result;

namespace {

constexpr char ed25519_note_type = 1;
constexpr std::size_t key_id_bytes = 4;
constexpr std::size_t public_key_bytes = 32;
constexpr std::size_t signature_bytes = 64;
constexpr std::size_t longest_checkpoint_bytes = 16'384;
constexpr std::string_view signature_mark = "\xe2\x80\x94 ";  // an em dash and a blank
constexpr const char* pure_ed25519 = "Pure";

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// SHA-256(NAME | newline | type | public key), the first four bytes.
std::string key_id_of(std::string_view name, std::string_view public_key) {
  const auto digest = sha256(std::string{name} + '\n' + ed25519_note_type, public_key);
  return std::string{as_text(std::span{digest}.first(key_id_bytes))};
}

std::string text_of(const tree_head& head) {
  return head.origin + "\n" + std::to_string(head.size) + "\n" + to_base64(head.root) + "\n";
}

struct verifier {
  std::string name;
  std::string key_id;
  std::string public_key;
};

result<verifier> read_verifier_key(std::string_view text) {
  const auto bad = fail(errc::bad_request, "verifier key: expected NAME+KEY ID+BASE64 of an Ed25519 key");
  const auto first = text.find('+');
  const auto second = first == text.npos ? text.npos : text.find('+', first + 1);
  if (second == text.npos) return bad;
  auto key = from_base64(text.substr(second + 1), 1 + public_key_bytes, "verifier key");
  const auto id = from_hex(text.substr(first + 1, second - first - 1), key_id_bytes);
  if (!key || !id || key->view()[0] != ed25519_note_type) return bad;
  verifier read{std::string{text.substr(0, first)}, *id, std::string{as_text(key->view().subspan(1))}};
  if (key_id_of(read.name, read.public_key) != read.key_id) return bad;
  return read;
}

/// Its first line without the line's end; what follows stays in `text`.
std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

result<tree_head> read_head_text(std::string_view text) {
  const auto bad = fail(errc::bad_request, "checkpoint: expected origin, size and root, a line each");
  tree_head head;
  head.origin = take_line(text);
  const auto size = take_line(text);
  const auto parsed = std::from_chars(size.data(), size.data() + size.size(), head.size);
  const auto root = from_base64(take_line(text), head.root.size(), "root");
  if (head.origin.empty() || size.empty() || parsed.ec != std::errc{} || parsed.ptr != size.data() + size.size() ||
      !root)
    return bad;
  std::copy(root->view().begin(), root->view().end(), head.root.begin());
  return head;
}

bool is_signed(std::string_view text, std::string_view signature, const verifier& by) {
  try {
    const Botan::Ed25519_PublicKey key{bytes_of(by.public_key).data(), by.public_key.size()};
    Botan::PK_Verifier check{key, pure_ed25519};
    check.update(bytes_of(text).data(), text.size());
    return check.check_signature(bytes_of(signature).data(), signature.size());
  } catch (const std::exception&) {
    return false;
  }
}

/// The signature of a line "— NAME BASE64" when it is by that key.
std::optional<std::string> signature_in(std::string_view line, const verifier& by) {
  if (!line.starts_with(signature_mark)) return std::nullopt;
  line.remove_prefix(signature_mark.size());
  const auto blank = line.find(' ');
  if (blank == line.npos || line.substr(0, blank) != by.name) return std::nullopt;
  auto bytes = from_base64(line.substr(blank + 1), key_id_bytes + signature_bytes, "signature");
  if (!bytes || as_text(bytes->view().first(key_id_bytes)) != by.key_id) return std::nullopt;
  return std::string{as_text(bytes->view().subspan(key_id_bytes))};
}

Botan::Ed25519_PrivateKey private_key(const secret_bytes& seed) {
  return Botan::Ed25519_PrivateKey{Botan::secure_vector<std::uint8_t>(seed.view().begin(), seed.view().end())};
}

}  // namespace

std::string log_name(std::string_view public_key) {
  const auto digest = sha256(public_key);
  return "penstock/" + to_hex(std::span{digest}.first(16));
}

result<void> check_name(std::string_view verifier_key) {
  const auto key = read_verifier_key(verifier_key);
  if (!key) return key.error();
  if (key->name == log_name(key->public_key)) return {};
  return fail(errc::authentication_failed, "verifier key: it is not the one that its log is named after");
}

checkpoint_signer::checkpoint_signer(const secret_bytes& seed)
    : seed_(seed.copy()), public_key_(as_text(private_key(seed).get_public_key())), origin_(log_name(public_key_)) {}

std::string checkpoint_signer::verifier_key() const {
  const auto typed = std::string{ed25519_note_type} + public_key_;
  return origin_ + "+" + to_hex(bytes_of(key_id_of(origin_, public_key_))) + "+" + to_base64(bytes_of(typed));
}

std::string checkpoint_signer::sign(std::uint64_t size, const tree_hash& root) const {
  const auto text = text_of({origin_, size, root});
  const auto key = private_key(seed_);
  Botan::AutoSeeded_RNG random;
  Botan::PK_Signer signing{key, random, pure_ed25519};
  const auto signature = signing.sign_message(bytes_of(text).data(), text.size(), random);
  const auto marked = key_id_of(origin_, public_key_) + std::string{as_text(signature)};
  return text + "\n" + std::string{signature_mark} + origin_ + " " + to_base64(bytes_of(marked)) + "\n";
}

result<tree_head> open_checkpoint(std::string_view checkpoint, std::string_view verifier_key) {
  if (checkpoint.size() > longest_checkpoint_bytes) return fail(errc::bad_request, "checkpoint: too long");
  const auto by = read_verifier_key(verifier_key);
  if (!by) return by.error();
  const auto blank_line = checkpoint.rfind("\n\n");
  if (blank_line == checkpoint.npos) return fail(errc::bad_request, "checkpoint: it has no signatures");
  const auto text = checkpoint.substr(0, blank_line + 1);
  auto lines = checkpoint.substr(blank_line + 2);
  while (!lines.empty()) {
    const auto signature = signature_in(take_line(lines), *by);
    if (!signature || !is_signed(text, *signature, *by)) continue;
    auto head = read_head_text(text);
    if (head && head->origin != by->name) return fail(errc::bad_request, "checkpoint: of another log");
    return head;
  }
  return fail(errc::authentication_failed, "checkpoint: it is not signed by " + by->name);
}

}  // namespace penstock::storage
