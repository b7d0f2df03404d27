#pragma once
// A download on the researcher's disk (messages/WIRE.md, "On the researcher's disk"): the record
// penstock-download.json (download_record.hpp), index.sealed (the download's manifest as it was sealed by the server),
// and one sealed file an instance. A file that has its name is whole and was authenticated; what is under way ends in
// ".part". Nothing in the folder is plaintext, and no name in it tells more than an order.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "tools/client/download_receiver.hpp"
#include "tools/client/local_file.hpp"

namespace penstock::client {

constexpr auto sealed_index_name = "index.sealed";
constexpr auto partial_suffix = ".part";

/// Writes sealed objects into a folder.
class sealed_folder_store : public object_store {
 public:
  explicit sealed_folder_store(std::filesystem::path folder);

  /// Goes on with the partial file of an object instead of `begin`.
  result<void> reopen(const std::string& relative_path);
  result<void> begin(const arriving_object& object) override;
  result<void> take(std::uint64_t sealed_offset, std::span<const std::uint8_t> sealed, std::uint64_t plain_offset,
                    std::span<const std::uint8_t> plain) override;
  result<void> finish() override;
  void discard() override;
  result<void> flush() override;

 protected:
  [[nodiscard]] virtual std::string path_of(const arriving_object& object) const;
  file_descriptor& current() { return current_; }

 private:
  struct written_file {
    file_descriptor file;
    std::filesystem::path path;
  };

  std::filesystem::path folder_;
  std::filesystem::path current_path_;
  file_descriptor current_;
  std::uint64_t current_bytes_ = 0;
  std::vector<written_file> unsynced_;
  std::uint64_t unsynced_bytes_ = 0;
};

/// Writes ordinary DICOM files, for a download that is not to be kept sealed. The manifest is not kept.
class plain_folder_store : public sealed_folder_store {
 public:
  using sealed_folder_store::sealed_folder_store;
  result<void> begin(const arriving_object& object) override;
  result<void> take(std::uint64_t sealed_offset, std::span<const std::uint8_t> sealed, std::uint64_t plain_offset,
                    std::span<const std::uint8_t> plain) override;
  result<void> finish() override;

 protected:
  [[nodiscard]] std::string path_of(const arriving_object& object) const override;

 private:
  bool is_manifest_ = false;
};

/// How far a folder's download has come. A file that has its name is taken for whole when its size is right; a partial
/// one is read, and kept as far as it authenticates.
struct folder_progress {
  std::optional<download_manifest> manifest;  ///< none: the index is not here yet
  std::uint64_t index_bytes = 0;
  download_position position;
  std::optional<storage::sealed_header> header;  ///< of the partial object
  std::string partial_path;                      ///< relative; cut to authentic segments by `find_progress`
};

[[nodiscard]] result<folder_progress> find_progress(const std::filesystem::path& folder, const download_facts& facts);

/// Bytes of the disk that what is still to come takes up: a file takes whole blocks.
[[nodiscard]] std::uint64_t room_needed(const download_facts& facts, const download_receiver& receiver,
                                        std::uint64_t block_bytes);

}  // namespace penstock::client
