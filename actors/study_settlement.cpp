#include "actors/study_settlement.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace penstock::actors {
namespace {

using messages::dicom_uid;
using messages::result;
using storage::catalogued_instance;
using storage::catalogued_pack;

/// Ids of those from which may be served.
result<std::set<std::string>> servable_of(const std::vector<catalogued_pack>& packs, const pack_shelf& shelf) {
  std::set<std::string> servable;
  for (const auto& pack : packs) {
    if (pack.state != storage::pack_state::settled) continue;
    auto gone = shelf.is_gone(pack.pacs, pack.pack_id);
    if (!gone) return gone.error();
    if (!*gone) servable.insert(pack.pack_id);
  }
  return servable;
}

result<pack_intake> read_packs(const shard_storage& shard, const std::string& pacs,
                               const std::vector<std::string>& pack_ids) {
  pack_intake found;
  for (const auto& id : pack_ids) {
    const auto path = shard.shelf.find(pacs, id);
    if (!path) return path.error();
    if (!*path) continue;
    if (auto taken = take_in((*path)->string(), *shard.files, pacs, id, found); !taken) return taken.error();
  }
  return found;
}

/// What the catalogue serves, other than from the packs that are being settled.
result<catalogued_digests> digests_before(const shard_storage& shard, const std::string& pacs, const dicom_uid& study,
                                          const std::vector<std::string>& pack_ids, settled_packs& into) {
  auto packs = shard.catalogue.packs_of(pacs, study);
  auto instances = shard.catalogue.instances_of(pacs, study);
  into.catalogue_failed = !packs || !instances;
  if (into.catalogue_failed) return packs ? instances.error() : packs.error();
  auto servable = servable_of(*packs, shard.shelf);
  if (!servable) return servable.error();
  for (const auto& id : pack_ids) servable->erase(id);
  catalogued_digests before;
  for (const auto& instance : *instances)
    if (servable->contains(instance.pack_id)) before.emplace(instance.sop_instance, instance.dataset_sha256);
  return before;
}

/// A row for each pack that `rows` point to.
std::vector<catalogued_pack> packs_behind(const std::vector<catalogued_instance>& rows, const shard_storage& shard) {
  std::map<std::string, catalogued_pack> packs;
  for (const auto& row : rows) {
    auto& pack = packs[row.pack_id];
    pack.pack_id = row.pack_id;
    pack.pacs = row.pacs;
    pack.study = row.study;
    ++pack.instances;
  }
  std::vector<catalogued_pack> behind;
  std::error_code unknown_size;
  for (auto& [id, pack] : packs) {
    const auto bytes = std::filesystem::file_size(shard.shelf.settled_path(pack.pacs, id), unknown_size);
    pack.pack_bytes = unknown_size ? 0 : bytes;
    behind.push_back(std::move(pack));
  }
  return behind;
}

/// It is neither catalogued nor removed: the next start looks at it again.
result<void> left_alone(const std::string& pack_id, const messages::failure& why, reconciliation& into) {
  spdlog::warn("pack {} is left alone: {}", pack_id, why.text());
  ++into.unreachable_packs;
  return {};
}

/// Whether a pack of the study is gone; one about which the disk does not say is counted.
result<bool> lacks_packs(const shard_storage& shard, const storage::catalogued_study& study, reconciliation& into) {
  auto packs = shard.catalogue.packs_of(study.pacs, study.study);
  if (!packs) return packs.error();
  bool lacks = false;
  for (const auto& pack : *packs) {
    const auto gone = shard.shelf.is_gone(pack.pacs, pack.pack_id);
    if (!gone) static_cast<void>(left_alone(pack.pack_id, gone.error(), into));
    lacks = lacks || (gone && *gone);
  }
  return lacks;
}

result<void> remove_unclaimed(shard_storage& shard, const std::vector<storage::catalogued_study>& studies,
                              reconciliation& into) {
  for (const auto& study : studies) {
    auto packs = shard.catalogue.remove_study(study.pacs, study.study);
    if (!packs) return packs.error();
    for (const auto& pack : *packs)
      if (auto gone = shard.shelf.discard(study.pacs, {pack.pack_id}); !gone)
        static_cast<void>(left_alone(pack.pack_id, gone.error(), into));
    ++into.unclaimed_studies;
  }
  return {};
}

/// The study of the first record that checks; empty when none does.
dicom_uid study_in(const pack_intake& found) {
  for (const auto& record : found.records)
    if (record.bytes_sound && record.readable) return record.study;
  return {};
}

}  // namespace

result<std::vector<catalogued_instance>> served_of(const shard_storage& shard, const std::string& pacs,
                                                   const dicom_uid& study) {
  auto packs = shard.catalogue.packs_of(pacs, study);
  if (!packs) return packs.error();
  auto servable = servable_of(*packs, shard.shelf);
  if (!servable) return servable.error();
  auto instances = shard.catalogue.instances_of(pacs, study);
  if (!instances) return instances;
  std::erase_if(*instances, [&](const auto& instance) { return !servable->contains(instance.pack_id); });
  return instances;
}

result<void> settle_packs(shard_storage& shard, const std::string& pacs, const dicom_uid& study,
                          const std::vector<std::string>& pack_ids, settled_packs& into) {
  auto found = read_packs(shard, pacs, pack_ids);
  if (!found) return found.error();
  auto before = digests_before(shard, pacs, study, pack_ids, into);
  if (!before) return before.error();
  auto plan = plan_settlement(study, found->records, *before);
  std::vector<catalogued_instance> rows;
  std::set<std::string> useful;
  for (const auto position : plan.kept) {
    useful.insert(found->rows[position].pack_id);
    rows.push_back(std::move(found->rows[position]));
  }
  for (const auto& id : useful)
    if (auto moved = shard.shelf.settle(pacs, id); !moved) return moved;
  if (auto synced = shard.shelf.sync_folders(pacs, {useful.begin(), useful.end()}); !synced) return synced;
  if (auto put = shard.catalogue.put_study(packs_behind(rows, shard), rows); !put) {
    into.catalogue_failed = true;
    return put;
  }
  into.refused = plan.refused;
  into.duplicates = plan.duplicates;
  into.arrived = std::move(plan.arrived);
  std::vector<std::string> useless;
  for (const auto& id : pack_ids)
    if (!useful.contains(id)) useless.push_back(id);
  return shard.shelf.discard(pacs, useless);
}

/// Between the two commits a crash leaves packs without rows, which the
/// next start reads again.
result<void> forget_lost_packs(shard_storage& shard, const std::string& pacs, const dicom_uid& study,
                               reconciliation& into) {
  auto instances = shard.catalogue.instances_of(pacs, study);
  if (!instances) return instances.error();
  auto packs = shard.catalogue.packs_of(pacs, study);
  if (!packs) return packs.error();
  std::set<std::string> lost;
  for (const auto& pack : *packs)
    if (const auto gone = shard.shelf.is_gone(pack.pacs, pack.pack_id); gone && *gone) lost.insert(pack.pack_id);
  if (lost.empty()) return {};
  if (auto removed = shard.catalogue.remove_study(pacs, study); !removed) return removed.error();
  std::erase_if(*packs, [&](const auto& pack) { return lost.contains(pack.pack_id); });
  std::erase_if(*instances, [&](const auto& instance) { return lost.contains(instance.pack_id); });
  into.lost_packs += lost.size();
  return shard.catalogue.put_study(*packs, *instances);
}

result<void> read_pack_again(shard_storage& shard, const shelved_pack& pack, const claim_check& is_claimed,
                             reconciliation& into) {
  auto found = read_packs(shard, pack.pacs, {pack.pack_id});
  if (!found) return left_alone(pack.pack_id, found.error(), into);
  const auto study = study_in(*found);
  if (study.empty()) {
    ++into.unreadable_packs;
    return {};
  }
  if (!is_claimed(pack.pacs, study)) {
    if (auto gone = shard.shelf.discard(pack.pacs, {pack.pack_id}); !gone)
      return left_alone(pack.pack_id, gone.error(), into);
    ++into.removed_packs;
    return {};
  }
  settled_packs settled;
  if (auto done = settle_packs(shard, pack.pacs, study, {pack.pack_id}, settled); !done)
    return settled.catalogue_failed ? done : left_alone(pack.pack_id, done.error(), into);
  const auto gone = shard.shelf.is_gone(pack.pacs, pack.pack_id);
  ++(gone && *gone ? into.removed_packs : into.read_again);
  return {};
}

result<dicom_uid> study_of_pack(const shard_storage& shard, const shelved_pack& pack) {
  auto found = read_packs(shard, pack.pacs, {pack.pack_id});
  if (!found) return found.error();
  return study_in(*found);
}

result<void> read_packs_again(shard_storage& shard, const claim_check& is_claimed, reconciliation& into) {
  std::set<std::string> known;
  std::optional<messages::failure> broken;
  auto scanned = shard.catalogue.scan_studies([&](const storage::catalogued_study& study) {
    auto packs = shard.catalogue.packs_of(study.pacs, study.study);
    if (!packs) {
      broken = packs.error();
      return false;
    }
    for (const auto& pack : *packs) known.insert(pack.pack_id);
    return true;
  });
  if (broken) return *broken;
  if (!scanned) return scanned;
  auto packs = shard.shelf.list();
  if (!packs) return packs.error();
  for (const auto& pack : *packs)
    if (!known.contains(pack.pack_id))
      if (auto done = read_pack_again(shard, pack, is_claimed, into); !done) return done;
  return {};
}

result<reconciliation> reconcile(shard_storage& shard, const claim_check& is_claimed) {
  reconciliation done;
  if (auto cleared = shard.shelf.clear_incoming(); !cleared) return cleared.error();
  std::vector<storage::catalogued_study> unclaimed;
  std::vector<storage::catalogued_study> lacking;
  std::optional<messages::failure> broken;
  auto scanned = shard.catalogue.scan_studies([&](const storage::catalogued_study& study) {
    if (!is_claimed(study.pacs, study.study)) {
      unclaimed.push_back(study);
      return true;
    }
    auto lacks = lacks_packs(shard, study, done);
    if (!lacks) {
      broken = lacks.error();
      return false;
    }
    if (*lacks) lacking.push_back(study);
    return true;
  });
  if (broken) return *broken;
  if (!scanned) return scanned.error();
  if (auto removed = remove_unclaimed(shard, unclaimed, done); !removed) return removed.error();
  for (const auto& study : lacking)
    if (auto forgotten = forget_lost_packs(shard, study.pacs, study.study, done); !forgotten) return forgotten.error();
  if (auto again = read_packs_again(shard, is_claimed, done); !again) return again.error();
  return done;
}

}  // namespace penstock::actors
