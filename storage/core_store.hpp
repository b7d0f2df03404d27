#pragma once
// The core database and how it is opened: columns, settings, the comparison with its fence, and what is done about a
// damaged write-ahead log (JOURNAL.md, "Recovery"). Only the journal commits to it; everybody may read.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "storage/row_store.hpp"

namespace penstock::storage {

/// The database with its columns and nothing else: no fence is looked at. Opened by `open_core_store`, but for copies.
[[nodiscard]] messages::result<std::shared_ptr<row_store>> open_core_rows(const std::filesystem::path& directory,
                                                                          log_damage on_damage);

struct core_store_options {
  std::filesystem::path directory;
  std::filesystem::path fence;  ///< a file outside `directory`
  /// An administrator has looked at a journal that is behind its fence (or has none) and takes it as it is. Never the
  /// default.
  bool accept_rollback = false;
  /// So much of the table files is read before the store is given out: two seconds of a common disk.
  std::uint64_t verified_at_start_bytes = std::uint64_t{512} << 20;
};

struct opened_core {
  std::shared_ptr<row_store> store;
  /// Empty in the ordinary case; else what the operator and the log must be told, a sentence each.
  std::vector<std::string> warnings;
  /// True when the log's damaged end was cut off, at or after the fence, or a rollback was accepted: whoever counts
  /// past starts must then assume the worst.
  bool newest_may_be_missing = false;
  /// What the administrator accepted, in words; empty in every other case. Until `record_recovery` the fence still says
  /// what it said, so that a start which is interrupted before is refused again.
  std::string accepted = {};
  /// What was not read yet, of a large database: the owner has `row_store::verify` do it while the store is in use.
  std::uint64_t unverified_bytes = 0;
};

/// Blocks are read, so that a damaged one is found here and not by whoever asks for it months later.
/// errc::corrupt when the database is damaged or behind its fence; the text says which, with both positions. A new,
/// empty database gets a fence at 0, so that a fence which is missing later is noticed.
[[nodiscard]] messages::result<opened_core> open_core_store(const core_store_options& options);

}  // namespace penstock::storage
