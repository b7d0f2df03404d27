#include "tools/client/download_record.hpp"

#include <utility>

#include "storage/codec.hpp"
#include "tools/client/local_file.hpp"

namespace penstock::client {
namespace {

namespace fs = std::filesystem;
using messages::errc;
using messages::fail;

constexpr std::size_t largest_record_bytes = 64 * 1024;

/// Version 1 had one holder.
struct single_holder {
  storage::wrapped_key key;
  PENSTOCK_FIELDS(key);
};

result<download_record> parse_record(const std::string& text, const fs::path& path) {
  auto record = storage::decode<download_record>(text, path.string());
  if (!record) return record;
  if (record->version == 1) {
    auto only = storage::decode<single_holder>(text, path.string());
    if (!only) return only.error();
    record->holders = {std::move(only->key)};
    record->version = download_record_version;
  }
  if (record->version != download_record_version)
    return fail(errc::corrupt, path.string() + " is of another version of Penstock");
  if (auto checked = storage::check_holders(record->holders); !checked)
    return fail(checked.error().code, path.string() + ": " + checked.error().context);
  return record;
}

template <class Unwrap>
result<opened_key> open_with(const download_record& record, std::string_view protection, Unwrap unwrap) {
  auto outcome = fail(errc::not_found, "the download has no holder of that kind");
  for (std::size_t i = 0; i < record.holders.size(); ++i) {
    if (record.holders[i].protection != protection) continue;
    auto key = unwrap(record.holders[i]);
    if (key) return opened_key{std::move(*key), i};
    outcome = key.error();
    if (outcome.code != errc::authentication_failed) return outcome;
  }
  return outcome;
}

}  // namespace

result<void> save_record(const fs::path& folder, const download_record& record) {
  if (auto checked = storage::check_holders(record.holders); !checked) return checked;
  return replace_file(folder / download_record_name, storage::to_json_value(record).dump(2) + "\n");
}

result<download_record> load_record(const fs::path& folder) {
  const auto path = folder / download_record_name;
  auto text = read_small_file(path, largest_record_bytes);
  if (!text && text.error().code == errc::not_found)
    return fail(errc::not_found, folder.string() + " holds no download (there is no " + download_record_name + ")");
  if (!text) return text.error();
  return parse_record(*text, path);
}

result<opened_key> open_with_passphrase(const download_record& record, std::string_view passphrase) {
  return open_with(record, storage::protection_passphrase, [&](const storage::wrapped_key& holder) {
    return storage::unwrap_with_passphrase(holder, passphrase, record.download);
  });
}

result<opened_key> open_with_key_file(const download_record& record, const storage::secret_bytes& file_key) {
  return open_with(record, storage::protection_key_file, [&](const storage::wrapped_key& holder) {
    return storage::unwrap_with_key_file(holder, file_key, record.download);
  });
}

result<opened_key> open_with_user_key(const download_record& record, const user_key& own) {
  const auto secret = raw_secret_key(own);
  return open_with(record, storage::protection_person, [&](const storage::wrapped_key& holder) {
    return storage::unwrap_for_person(holder, secret, record.download);
  });
}

bool has_holder(const download_record& record, std::string_view protection) {
  for (const auto& one : record.holders)
    if (one.protection == protection) return true;
  return false;
}

}  // namespace penstock::client
