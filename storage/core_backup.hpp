#pragma once
// Copies of the core database, made while it is written to, and the way back. A backup holds what JOURNAL.md lists:
// entries, identifiers, tree, state rows, events; and a fence of its own. It holds no pack and no catalogue (the cache
// is fetched again), no settings, rules or keys.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "storage/fence.hpp"
#include "storage/row_store.hpp"
#include "storage/state_directory.hpp"

namespace penstock::storage {

struct core_backup {
  std::uint32_t number = 0;
  std::int64_t at_us = 0;     ///< microseconds since 1970, UTC
  std::uint64_t bytes = 0;    ///< of this backup; files that did not change are shared with others
  tree_checkpoint reached{};  ///< it holds all of this, and what was committed while it was made
};

/// Whether a backup beside the state, with so much free there, leaves the room that new work needs.
[[nodiscard]] constexpr bool fits_beside_state(std::uint64_t free_bytes, std::uint64_t backup_bytes) {
  return free_bytes >= room_to_admit_bytes && free_bytes - room_to_admit_bytes >= backup_bytes;
}

/// Makes another backup in `directory`, private to this user, and removes all but the newest `keep`. Everything that
/// was committed before the call is in it. errc::no_space, also when it would take the room of the state; io_error; a
/// backup that failed leaves the others as they are.
[[nodiscard]] messages::result<core_backup> back_up_core(const row_store& core, const std::filesystem::path& directory,
                                                         std::uint32_t keep);

/// The oldest first. errc::not_found when there is no directory of backups.
[[nodiscard]] messages::result<std::vector<core_backup>> list_backups(const std::filesystem::path& directory);

struct restored_core {
  core_backup from;
  std::uint64_t entries = 0;       ///< of the journal that was proven
  std::string missing;             ///< what is known of what came after the backup, in words
  std::filesystem::path replaced;  ///< where the core database that was there is kept; empty: none was there
};

/// Puts a backup (the newest when none is named) in the place of the core database of a state directory that is held.
/// Its checksums are verified before and its whole journal after it was copied; only then are names exchanged, and what
/// was there is kept beside it. The journal records that entries may be missing, as an accepted rollback does. After a
/// failure before that all is as it was, and the copy is removed; ended in between, either database starts.
/// errc::corrupt when the backup does not prove itself, not_found.
[[nodiscard]] messages::result<restored_core> restore_core(const std::filesystem::path& directory,
                                                           std::optional<std::uint32_t> number,
                                                           const state_directory& into);

}  // namespace penstock::storage
