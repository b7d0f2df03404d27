#pragma once
// Backups of the journal, and the comparison of what the rows say with what lies on the disk.

#include <cstdint>
#include <string>
#include <vector>

#include "messages/commands.hpp"
#include "messages/fields.hpp"
#include "messages/ids.hpp"

namespace penstock::messages {

/// By an administrator: copies the core database to the directory of backups that the settings name.
struct back_up_core {
  caller who;
  PENSTOCK_FIELDS(who);
};

/// By an administrator: begins to compare holdings, catalogues and packs (`start`), or asks how far that is. `run`
/// names a check by what the answer to its start said; errc::not_found when it is not known any more. Without: the one
/// under way, else the last.
struct check_cache {
  caller who;
  bool start = false;
  bool repair = false;
  std::string run = {};
  PENSTOCK_FIELDS(who, start, repair, run);
};

/// Looks at the next part of a shard for about `patience_ms`, an instance at least. `from` is what the answer before
/// said; empty: from the beginning.
struct examine_cache {
  std::string from;
  bool repair = false;
  std::uint32_t patience_ms = 100;
  PENSTOCK_FIELDS(from, repair, patience_ms);
};

/// One disagreement. `kind`: bytes_damaged, pack_missing, pack_unreadable, pack_unlisted, record_unlisted, and
/// pack_unreachable for what the disk does not give now. `pack` is the name of a file of ours.
struct cache_finding {
  std::string kind;
  std::string pacs;
  std::string pack;
  std::uint64_t instances = 0;
  bool repaired = false;
  PENSTOCK_FIELDS(kind, pacs, pack, instances, repaired);
};

struct cache_examined {
  std::string next;  ///< empty: that was all
  std::uint64_t studies = 0;
  std::uint64_t packs = 0;
  std::uint64_t instances = 0;
  std::uint64_t bytes = 0;
  std::vector<cache_finding> findings;
  PENSTOCK_FIELDS(next, studies, packs, instances, bytes, findings);
};

/// A shard's catalogue was damaged, is set aside in `kept_in`, and was made again from the packs.
struct catalogue_made_again {
  std::uint32_t shard = 0;
  std::string why;
  std::string kept_in;
  std::uint64_t packs = 0;
  std::uint64_t unreadable = 0;
  PENSTOCK_FIELDS(shard, why, kept_in, packs, unreadable);
};

/// The cache lacks `missing` instances of this version of a project's holding. Only when an administrator has
/// `given_up` what is missing does the holding end: else its claim stays, so that packs which return are taken back.
struct holding_damaged {
  std::string pacs;
  dicom_uid study;
  std::uint64_t version = 0;
  std::uint64_t missing = 0;
  bool given_up = false;
  PENSTOCK_FIELDS(pacs, study, version, missing, given_up);
};

}  // namespace penstock::messages
