#pragma once
// The tree: which actors there are, in which order they start, and how they are. Each sits behind a custodian that
// starts it again with growing pauses; the journal does not: when it fails, the process ends (fail stop).

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/hosting.hpp"
#include "actors/rules_in_force.hpp"
#include "actors/time_source.hpp"
#include "conf/rules.hpp"
#include "messages/interfaces.hpp"
#include "messages/result.hpp"
#include "messages/roster.hpp"
#include "storage/checkpoint.hpp"
#include "storage/recovery_record.hpp"
#include "storage/row_store.hpp"
#include "storage/state_directory.hpp"

namespace penstock::actors {

struct server_tree_options {
  conf::rules_ptr rules;
  std::shared_ptr<storage::row_store> core;
  const storage::state_directory* state = nullptr;
  std::uint32_t cache_shards = 2;
  std::filesystem::path backup_directory;  ///< empty: no backups are made
  std::uint32_t backups_kept = 7;
  std::uint64_t min_free_disk_bytes = 0;                     ///< with less room nothing is retrieved
  std::shared_ptr<const storage::checkpoint_signer> signer;  ///< of the journal's checkpoints; none: none are given
  messages::dimse_port_actor port;
  messages::dicom_listener_actor listener;
  messages::event_sink_actor sink;
  time_source clocks;
  hosting where = hosting::detached;  ///< of those that wait for the disk
  std::filesystem::path pause_file;   ///< while it exists, nothing starts at any PACS; empty: none
  /// When it was found out that the journal's newest entries may be missing.
  std::optional<storage::missing_since> newest_missing = {};
  std::function<storage::room()> room_left;  ///< on the disk of `state`
  /// The journal has failed: nothing may be acknowledged any more.
  std::function<void(const messages::failure&)> on_journal_failure;
};

/// Stable handles of everything that runs. Who serves which PACS and project is in the roster, which grows with the
/// rules: `in_force` has the newest.
struct server_tree {
  messages::audit_journal_actor journal;
  messages::rules_keeper_actor rules_keeper;
  std::vector<messages::cache_shard_actor> shards;
  messages::list_reader_actor reader;
  messages::backup_keeper_actor backup_keeper;
  messages::cache_checker_actor cache_checker;
  messages::roster_ptr roster;  ///< at the start
  rules_in_force_ptr in_force;
  messages::supervisor_actor supervisor;
};

/// From when on starts that nobody remembers must be counted. Within one boot CLOCK_BOOTTIME says it, whatever was done
/// to the wall clock. Across boots the wall clock does, unless it was or is in doubt: then it was, at the latest, when
/// this machine was started.
[[nodiscard]] instant full_since(const storage::missing_since& found, instant now);

/// Whether claims on what the cache holds may be missing still: for a week, so that whoever puts back what a restore
/// has replaced finds its images; for good when the clock was in doubt.
[[nodiscard]] bool claims_may_be_missing(const std::optional<storage::missing_since>& found, std::int64_t now_us);

/// Starts everything from the journal up; `members` ends it in reverse order.
[[nodiscard]] server_tree start_server_tree(caf::actor_system& system, crew& members, server_tree_options options);

}  // namespace penstock::actors
