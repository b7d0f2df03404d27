#pragma once
// Brings what arrived of a study into a shard's packs and catalogue, and reads back what they hold. Blocks on the disk.
// Nothing here is an actor, so that the start of a shard and its messages share it.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "actors/pack_intake.hpp"
#include "actors/pack_shelf.hpp"
#include "actors/settle_policy.hpp"
#include "messages/result.hpp"
#include "storage/catalogue.hpp"

namespace penstock::actors {

/// Where one shard keeps its bytes.
struct shard_storage {
  pack_shelf shelf;
  storage::catalogue catalogue;
  storage::file_system* files;
};

/// The study's instances that can be served: catalogued in a pack that is not quarantined and lies in its place.
[[nodiscard]] messages::result<std::vector<storage::catalogued_instance>> served_of(const shard_storage& shard,
                                                                                    const std::string& pacs,
                                                                                    const messages::dicom_uid& study);

struct settled_packs {
  std::uint64_t refused = 0;
  std::uint64_t duplicates = 0;
  std::vector<messages::dicom_uid> arrived;  ///< see settle_plan
  /// Set when the catalogue refused the rows: its store may have failed and must be opened again.
  bool catalogue_failed = false;
};

/// Checks, syncs, renames and catalogues the packs, in this order; those that add nothing are removed last. After a
/// failure every pack lies where it was or in its place, and the same call again goes on from there.
[[nodiscard]] messages::result<void> settle_packs(shard_storage& shard, const std::string& pacs,
                                                  const messages::dicom_uid& study,
                                                  const std::vector<std::string>& pack_ids, settled_packs& into);

struct reconciliation {
  std::uint64_t unclaimed_studies = 0;  ///< removed: no project holds them
  std::uint64_t lost_packs = 0;         ///< rows removed: their file is gone
  std::uint64_t read_again = 0;         ///< packs without rows whose study is claimed
  std::uint64_t removed_packs = 0;      ///< packs without rows or claim, or which add nothing
  std::uint64_t unreadable_packs = 0;   ///< left alone: no record in them checks
  std::uint64_t unreachable_packs = 0;  ///< left alone, rows and claims too: the disk does not give them now
};

using claim_check = std::function<bool(const std::string& pacs, const messages::dicom_uid& study)>;

/// At the start of the process, before any message: compares packs, catalogue and claims, and clears what was incoming.
/// Fails only where the catalogue or a whole folder cannot be read.
[[nodiscard]] messages::result<reconciliation> reconcile(shard_storage& shard, const claim_check& is_claimed);

/// Catalogues every settled pack that has no rows and whose study is claimed; one that the disk does not give is
/// counted and passed over. All that is left to do when the catalogue was lost while the process runs.
[[nodiscard]] messages::result<void> read_packs_again(shard_storage& shard, const claim_check& is_claimed,
                                                      reconciliation& into);

/// Forgets the rows of the study's packs whose file is gone; of one about which the disk does not say, they stay.
[[nodiscard]] messages::result<void> forget_lost_packs(shard_storage& shard, const std::string& pacs,
                                                       const messages::dicom_uid& study, reconciliation& into);

/// Catalogues a settled pack that has no rows when its study is claimed, and removes it when it is not. Fails only when
/// the catalogue does: a pack that the disk does not give is counted and left alone.
[[nodiscard]] messages::result<void> read_pack_again(shard_storage& shard, const shelved_pack& pack,
                                                     const claim_check& is_claimed, reconciliation& into);

/// The study of the pack's first record that checks; empty when none does.
[[nodiscard]] messages::result<messages::dicom_uid> study_of_pack(const shard_storage& shard, const shelved_pack& pack);

}  // namespace penstock::actors
