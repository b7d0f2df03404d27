#pragma once
// Names and places of packs on the disk of one shard (the layout is in cache_shard.hpp). Blocks on the disk.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "messages/result.hpp"
#include "storage/file.hpp"

namespace penstock::actors {

/// A pack that lies in its place.
struct shelved_pack {
  std::string pacs;
  std::string pack_id;
  std::filesystem::path path;
};

class pack_shelf {
 public:
  pack_shelf(const std::filesystem::path& root, storage::file_system& files)
      : root_(std::filesystem::absolute(root)), files_(&files) {}

  /// Makes the folders that are always there.
  [[nodiscard]] messages::result<void> prepare();
  /// 16 hexadecimal digits that no part of this shard has had: 64 random bits.
  [[nodiscard]] static std::string new_stem();
  /// "0123456789abcdef-1.part" gives "0123456789abcdef-1"; nothing for any other form, so that no name leaves the
  /// shelf.
  [[nodiscard]] static std::optional<std::string> pack_id_of_part(std::string_view part);

  [[nodiscard]] std::filesystem::path incoming() const { return root_ / "incoming"; }
  [[nodiscard]] std::filesystem::path incoming_path(const std::string& pack_id) const;
  /// `pacs` is an id of the rules file (messages::is_valid_name).
  [[nodiscard]] std::filesystem::path settled_path(const std::string& pacs, const std::string& pack_id) const;
  /// Where the pack lies now, in its place or still incoming; nothing when it is gone. errc::io_error when the disk
  /// does not say.
  [[nodiscard]] messages::result<std::optional<std::filesystem::path>> find(const std::string& pacs,
                                                                            const std::string& pack_id) const;
  /// Whether it lies in its place. errc::io_error when the disk does not say.
  [[nodiscard]] messages::result<bool> is_settled(const std::string& pacs, const std::string& pack_id) const;
  /// Whether a pack that was settled is in its place no more. errc::io_error when the disk does not say, or when the
  /// shelf is bare: then nobody may take it for lost.
  [[nodiscard]] messages::result<bool> is_gone(const std::string& pacs, const std::string& pack_id) const;
  /// Nothing has ever been settled here: so looks a place where the disk of the packs is not mounted.
  [[nodiscard]] messages::result<bool> is_bare() const;

  /// Syncs the part's bytes and moves it to its place. Harmless when it is there already. The move is durable after
  /// `sync_folders`.
  [[nodiscard]] messages::result<void> settle(const std::string& pacs, const std::string& pack_id);
  [[nodiscard]] messages::result<void> sync_folders(const std::string& pacs, const std::vector<std::string>& pack_ids);
  /// Removes packs wherever they lie; those that are gone are no failure.
  [[nodiscard]] messages::result<void> discard(const std::string& pacs, const std::vector<std::string>& pack_ids);

  /// Removes what still was incoming.
  [[nodiscard]] messages::result<void> clear_incoming();
  /// Every settled pack, the oldest first. Files of other names are passed over.
  [[nodiscard]] messages::result<std::vector<shelved_pack>> list() const;

 private:
  [[nodiscard]] std::filesystem::path settled() const { return root_ / "settled"; }
  [[nodiscard]] messages::result<void> make_folder(const std::filesystem::path& folder);

  std::filesystem::path root_;
  storage::file_system* files_;
  /// Folders whose names are known to be on the disk. One that is merely there may have been left by a start that died,
  /// or failed, before it was synced.
  std::set<std::filesystem::path> on_disk_;
};

}  // namespace penstock::actors
