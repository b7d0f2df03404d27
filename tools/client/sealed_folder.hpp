#pragma once
// Reads a sealed download folder: whatever leaves here is authenticated, and stays in memory.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "storage/secret_bytes.hpp"
#include "tools/client/download_folder.hpp"
#include "tools/client/download_record.hpp"

namespace penstock::client {

/// One instance is held in memory to be looked at.
constexpr std::uint64_t largest_instance_bytes = 4ULL * 1024 * 1024 * 1024;

/// The manifest in index.sealed. errc::authentication_failed when it is not what the server sealed for this key.
[[nodiscard]] result<download_manifest> read_sealed_index(const std::filesystem::path& folder,
                                                          const download_facts& facts);

class sealed_folder {
 public:
  static result<sealed_folder> open(std::filesystem::path folder, const download_record& record,
                                    storage::secret_bytes key);

  [[nodiscard]] const download_manifest& manifest() const { return manifest_; }
  [[nodiscard]] const std::vector<placement>& places() const { return places_; }
  [[nodiscard]] std::filesystem::path path_of(std::size_t object) const {
    return folder_ / sealed_path(places_[object]);
  }

  /// The Part 10 file of the object at position `object` of the manifest, authenticated whole.
  [[nodiscard]] result<storage::secret_bytes> read(std::size_t object) const;
  /// Opens every segment, and compares the data set's SHA-256 where the manifest knows it.
  [[nodiscard]] result<void> verify(std::size_t object) const;

 private:
  sealed_folder() = default;
  std::filesystem::path folder_;
  download_facts facts_;
  download_manifest manifest_;
  std::vector<placement> places_;
};

/// Where the data set begins in a Part 10 file of which at least the first 144 bytes are here.
[[nodiscard]] std::optional<std::uint64_t> data_set_offset(std::string_view part10);
/// The data set inside a Part 10 file: what follows preamble, prefix and file meta group (PS3.10 section 7.1). Empty
/// when the file does not begin like one.
[[nodiscard]] std::string_view data_set_of(std::string_view part10);

}  // namespace penstock::client
