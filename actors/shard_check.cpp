#include "actors/shard_check.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "storage/digest.hpp"
#include "storage/pack_reader.hpp"

namespace penstock::actors {

using namespace messages;
using storage::catalogued_instance;
using storage::catalogued_pack;
using storage::pack_record;

struct shard_check::part {
  shard_storage& shard;
  bool repair;
  const std::function<bool()>& time_is_up;
  cache_examined seen;

  [[nodiscard]] bool is_full() const { return time_is_up() || seen.findings.size() >= most_findings_of_a_part; }
  void found(const char* kind, const std::string& pacs, const std::string& pack, std::uint64_t instances,
             bool repaired) {
    seen.findings.push_back({kind, pacs, pack, instances, repaired});
  }
};

namespace {

constexpr std::size_t buffer_bytes = std::size_t{256} << 10;

/// The data set as it lies there.
result<std::string> digest_of(storage::pack_reader& pack, const catalogued_instance& row) {
  static thread_local std::vector<std::byte> buffer(buffer_bytes);
  storage::sha256_stream digest;
  for (std::uint64_t done = 0; done < row.dataset_bytes;) {
    const auto now = std::min<std::uint64_t>(row.dataset_bytes - done, buffer.size());
    const std::span<std::byte> piece{buffer.data(), static_cast<std::size_t>(now)};
    if (auto read = pack.read(row.dataset_offset + done, piece); !read) return read.error();
    digest.update(piece);
    done += now;
  }
  return storage::to_hex(digest.finish());
}

/// Whether the row's bytes are those that it was made for: errc::corrupt when they are not, else as the disk says.
result<void> check_bytes(storage::pack_reader& pack, const std::unordered_map<std::uint64_t, pack_record>& records,
                         const catalogued_instance& row) {
  const auto at = records.find(row.part10_offset);
  if (at == records.end()) return fail(errc::corrupt, "no record where the catalogue has one");
  const auto& record = at->second;
  const bool same = record.part10_bytes == row.part10_bytes && record.dataset_offset == row.dataset_offset &&
                    record.dataset_bytes == row.dataset_bytes && record.sop_instance == row.sop_instance;
  if (!same) return fail(errc::corrupt, "another record than the catalogue has");
  if (auto verified = pack.verify(record); !verified) return verified;
  if (row.dataset_sha256.empty()) return {};
  auto digest = digest_of(pack, row);
  if (!digest) return digest.error();
  return *digest == row.dataset_sha256 ? result<void>{} : fail(errc::corrupt, "the SHA-256 of a data set");
}

std::vector<catalogued_instance> rows_in(const std::vector<catalogued_instance>& rows, const std::string& pack_id) {
  std::vector<catalogued_instance> mine;
  for (const auto& row : rows)
    if (row.pack_id == pack_id) mine.push_back(row);
  return mine;
}

}  // namespace

result<cache_examined> shard_check::next_part(shard_storage& shard, bool repair,
                                              const std::function<bool()>& time_is_up) {
  part now{shard, repair, time_is_up, {}};
  do {
    if (phase_ == phase::rows) {
      if (auto examined = examine_next_study(now); !examined) return examined.error();
    } else if (phase_ == phase::packs) {
      if (auto examined = examine_next_pack(now); !examined) return examined.error();
    }
  } while (phase_ != phase::over && !now.is_full());
  return std::move(now.seen);
}

result<void> shard_check::examine_next_study(part& of) {
  if (!in_study_) {
    auto next = of.shard.catalogue.study_after(study_.pacs, study_.study);
    if (!next) return next.error();
    if (!*next) {
      auto all = of.shard.shelf.list();
      if (!all) return all.error();
      shelved_ = std::move(*all);
      phase_ = phase::packs;
      return {};
    }
    study_ = **next;
    packs_done_.clear();
    rows_done_ = 0;
    in_study_ = true;
  }
  return examine_study(of, study_);
}

/// One pack, or a part of one, a call.
result<void> shard_check::examine_study(part& of, const storage::catalogued_study& study) {
  auto packs = of.shard.catalogue.packs_of(study.pacs, study.study);
  if (!packs) return packs.error();
  const auto next =
      std::find_if(packs->begin(), packs->end(), [&](const auto& pack) { return !packs_done_.contains(pack.pack_id); });
  if (next == packs->end()) {
    ++of.seen.studies;
    in_study_ = false;
    return {};
  }
  auto rows = of.shard.catalogue.instances_of(study.pacs, study.study);
  if (!rows) return rows.error();
  listed_.insert(next->pack_id);
  return examine_pack(of, *next, *rows);
}

result<void> shard_check::examine_pack(part& of, const catalogued_pack& pack,
                                       const std::vector<catalogued_instance>& rows) {
  const auto through = [&] {
    ++of.seen.packs;
    packs_done_.insert(pack.pack_id);
    rows_done_ = 0;
    return result<void>{};
  };
  const auto mine = rows_in(rows, pack.pack_id);
  if (pack.state == storage::pack_state::quarantined) return through();
  auto gone = of.shard.shelf.is_gone(pack.pacs, pack.pack_id);
  if (gone && *gone) {
    reconciliation done;
    if (of.repair)
      if (auto forgotten = forget_lost_packs(of.shard, pack.pacs, pack.study, done); !forgotten) return forgotten;
    of.found("pack_missing", pack.pacs, pack.pack_id, mine.size(), of.repair);
    return through();
  }
  storage::pack_contents contents;
  const auto path = of.shard.shelf.settled_path(pack.pacs, pack.pack_id).string();
  auto sound = gone ? examine_bytes(of, path, mine, contents) : result<void>{gone.error()};
  if (sound && rows_done_ < mine.size()) return {};
  sound = sound ? examine_records(of, pack, rows, contents) : condemn_or_tell(of, pack, mine.size(), sound.error());
  return sound ? through() : sound;
}

/// From `rows_done_` on, an instance at least, as far as there is time.
result<void> shard_check::examine_bytes(part& of, const std::string& path, const std::vector<catalogued_instance>& mine,
                                        storage::pack_contents& contents) {
  auto reader = storage::pack_reader::open(path, *of.shard.files);
  if (!reader) return reader.error();
  auto listed = reader->list();
  if (!listed) return listed.error();
  contents = std::move(*listed);
  std::unordered_map<std::uint64_t, pack_record> records;
  for (const auto& record : contents.records) records.emplace(record.part10_offset, record);
  for (bool first = true; rows_done_ < mine.size(); first = false) {
    if (!first && of.is_full()) return {};
    const auto& row = mine[rows_done_++];
    ++of.seen.instances;
    of.seen.bytes += row.part10_bytes;
    if (auto sound = check_bytes(*reader, records, row); !sound) return sound;
  }
  return {};
}

result<void> shard_check::condemn_or_tell(part& of, const catalogued_pack& pack, std::uint64_t instances,
                                          const failure& problem) {
  const bool damaged = problem.code == errc::corrupt;
  if (!damaged) spdlog::warn("check of the cache: pack {}: {}", pack.pack_id, problem.text());
  if (damaged && of.repair)
    if (auto done = of.shard.catalogue.quarantine_pack(pack.pacs, pack.study, pack.pack_id); !done) return done;
  of.found(damaged ? "bytes_damaged" : "pack_unreachable", pack.pacs, pack.pack_id, instances, damaged && of.repair);
  return {};
}

/// A newer delivery of an instance has taken the row of the older one, and what was refused when it settled never had
/// one: neither is a disagreement.
result<void> shard_check::examine_records(part& of, const catalogued_pack& pack,
                                          const std::vector<catalogued_instance>& rows,
                                          const storage::pack_contents& contents) {
  std::unordered_set<dicom_uid> known;
  for (const auto& row : rows) known.insert(row.sop_instance);
  const auto has_row = [&](const pack_record& record) { return known.contains(record.sop_instance); };
  if (std::all_of(contents.records.begin(), contents.records.end(), has_row)) return {};
  pack_intake found;
  const auto path = of.shard.shelf.settled_path(pack.pacs, pack.pack_id).string();
  if (auto taken = take_in(path, *of.shard.files, pack.pacs, pack.pack_id, found); !taken)
    return condemn_or_tell(of, pack, rows.size(), taken.error());
  const auto plan = plan_settlement(pack.study, found.records, {});
  const auto unlisted = std::count_if(plan.kept.begin(), plan.kept.end(), [&](std::size_t position) {
    return !known.contains(found.rows[position].sop_instance);
  });
  if (unlisted == 0) return {};
  settled_packs settled;
  auto done = of.repair ? settle_packs(of.shard, pack.pacs, pack.study, {pack.pack_id}, settled) : result<void>{};
  if (settled.catalogue_failed) return done;
  of.found("record_unlisted", pack.pacs, pack.pack_id, static_cast<std::uint64_t>(unlisted), of.repair && done);
  return {};
}

result<void> shard_check::examine_next_pack(part& of) {
  while (!shelved_.empty() && listed_.contains(shelved_.back().pack_id)) shelved_.pop_back();
  if (shelved_.empty()) {
    phase_ = phase::over;
    return {};
  }
  const auto pack = std::move(shelved_.back());
  shelved_.pop_back();
  return examine_unlisted(of, pack);
}

/// It may have settled, or have been removed, since the check began.
result<void> shard_check::examine_unlisted(part& of, const shelved_pack& pack) {
  if (auto there = of.shard.shelf.is_settled(pack.pacs, pack.pack_id); there && !*there) return {};
  ++of.seen.packs;
  auto study = study_of_pack(of.shard, pack);
  if (!study) {
    spdlog::warn("check of the cache: pack {}: {}", pack.pack_id, study.error().text());
    of.found("pack_unreachable", pack.pacs, pack.pack_id, 0, false);
    return {};
  }
  if (study->empty()) {
    if (of.repair)
      if (auto gone = of.shard.shelf.discard(pack.pacs, {pack.pack_id}); !gone) return gone;
    of.found("pack_unreadable", pack.pacs, pack.pack_id, 0, of.repair);
    return {};
  }
  auto packs = of.shard.catalogue.packs_of(pack.pacs, *study);
  if (!packs) return packs.error();
  for (const auto& one : *packs)
    if (one.pack_id == pack.pack_id) return {};
  reconciliation done;
  // A study that has just settled may have no claim yet, so everything counts as claimed.
  const claim_check keep_all = [](const std::string&, const dicom_uid&) { return true; };
  if (of.repair)
    if (auto again = read_pack_again(of.shard, pack, keep_all, done); !again) return again;
  of.found("pack_unlisted", pack.pacs, pack.pack_id, 0, of.repair && done.unreachable_packs == 0);
  return {};
}

}  // namespace penstock::actors
