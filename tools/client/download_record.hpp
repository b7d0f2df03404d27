#pragma once
// penstock-download.json: what a download is, how far it has come, and who can open it.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "messages/fields.hpp"
#include "messages/result.hpp"
#include "storage/key_holders.hpp"
#include "storage/sealed_layout.hpp"
#include "tools/client/user_key.hpp"

namespace penstock::client {

constexpr auto download_record_name = "penstock-download.json";
constexpr std::uint32_t download_record_version = 2;

/// Holds no patient data; `holders` are of no use without a passphrase, key file or secret key.
struct download_record {
  std::uint32_t version = download_record_version;
  std::string download;
  std::string project;
  std::uint32_t segment_bytes = storage::sealed_segment_bytes;
  std::uint64_t objects = 0;        ///< with the index
  std::uint64_t bytes = 0;          ///< sealed, all objects
  std::string state = "receiving";  ///< "receiving", "complete", or "incomplete": the server could not send everything
  std::vector<storage::wrapped_key> holders;
  PENSTOCK_FIELDS(version, download, project, segment_bytes, objects, bytes, state, holders);
};

/// Atomically: after a crash there is the old record or the new one. Refuses holders that `load_record` would refuse.
[[nodiscard]] result<void> save_record(const std::filesystem::path& folder, const download_record& record);
/// errc::not_found when `folder` holds no download, errc::corrupt when the record is none of this version or before.
[[nodiscard]] result<download_record> load_record(const std::filesystem::path& folder);

/// The key of a download, and which of its holders it was had through.
struct opened_key {
  storage::secret_bytes key;
  std::size_t holder = 0;
};

/// Each tries the holders of its kind, and is errc::not_found when there is none: nothing was tried then.
/// errc::authentication_failed when none opens.
[[nodiscard]] result<opened_key> open_with_passphrase(const download_record& record, std::string_view passphrase);
[[nodiscard]] result<opened_key> open_with_key_file(const download_record& record,
                                                    const storage::secret_bytes& file_key);
[[nodiscard]] result<opened_key> open_with_user_key(const download_record& record, const user_key& own);

[[nodiscard]] bool has_holder(const download_record& record, std::string_view protection);

}  // namespace penstock::client
