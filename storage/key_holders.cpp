#include "storage/key_holders.hpp"

#include <algorithm>
#include <utility>

namespace penstock::storage {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

constexpr std::size_t most_note_bytes = 64;
constexpr std::size_t wrapped_data_key_bytes = 32;

bool is_base64_of(const std::string& text, std::size_t bytes) { return from_base64(text, bytes, "holder").ok(); }

bool is_known(const wrapped_key& holder) {
  return holder.version == wrapped_key_version &&
         (holder.protection == protection_passphrase || holder.protection == protection_key_file ||
          holder.protection == protection_person);
}

result<void> check_holder(const wrapped_key& holder) {
  if (!is_known(holder)) return fail(errc::corrupt, "holder of the key: of an unknown kind");
  const bool person = holder.protection == protection_person;
  const bool whole = is_base64_of(holder.salt, wrap_salt_bytes) && is_base64_of(holder.key_check, key_check_bytes) &&
                     is_base64_of(holder.wrapped, wrapped_data_key_bytes) &&
                     (!person || (is_base64_of(holder.public_key, x25519_key_bytes) &&
                                  is_base64_of(holder.ephemeral, x25519_key_bytes)));
  const bool short_notes = holder.label.size() <= max_holder_label_bytes &&
                           holder.fingerprint.size() <= most_note_bytes && holder.added.size() <= most_note_bytes;
  if (!whole || !short_notes) return fail(errc::corrupt, "holder of the key: malformed");
  return holder.protection == protection_passphrase ? check_cost(holder.argon2id) : result<void>{};
}

std::size_t passphrases(const std::vector<wrapped_key>& holders) {
  return static_cast<std::size_t>(std::count_if(
      holders.begin(), holders.end(), [](const wrapped_key& one) { return one.protection == protection_passphrase; }));
}

}  // namespace

result<void> check_holders(const std::vector<wrapped_key>& holders) {
  if (holders.empty()) return fail(errc::corrupt, "no holder of the key is left");
  if (holders.size() > max_key_holders)
    return fail(errc::too_large, "over " + std::to_string(max_key_holders) + " holders of one key");
  if (passphrases(holders) > max_passphrase_holders)
    return fail(errc::too_large, "over " + std::to_string(max_passphrase_holders) + " passphrases for one key");
  for (const auto& one : holders)
    if (auto checked = check_holder(one); !checked) return checked;
  return {};
}

result<void> add_holder(std::vector<wrapped_key>& holders, wrapped_key holder) {
  const bool there = std::any_of(holders.begin(), holders.end(), [&](const wrapped_key& one) {
    return one.protection == holder.protection && !one.fingerprint.empty() && one.fingerprint == holder.fingerprint;
  });
  if (there) return fail(errc::conflict, "it can open the download already");
  holders.push_back(std::move(holder));
  auto checked = check_holders(holders);
  if (!checked) holders.pop_back();
  return checked;
}

result<std::size_t> find_holder(const std::vector<wrapped_key>& holders, std::string_view name) {
  for (std::size_t i = 0; i < holders.size(); ++i)
    if (name == std::to_string(i + 1)) return i;
  std::vector<std::size_t> meant;
  for (std::size_t i = 0; i < holders.size(); ++i)
    if (!name.empty() && (holders[i].fingerprint == name || holders[i].label == name)) meant.push_back(i);
  if (meant.size() == 1) return meant.front();
  return fail(errc::not_found, (meant.empty() ? "no holder is called so: " : "more than one holder is called so: ") +
                                   std::string{name} + "; 'penstock key show' numbers them");
}

}  // namespace penstock::storage
