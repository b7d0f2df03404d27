#pragma once
// The journal as a plain class, one owner thread: it gives entries their numbers, hashes them into the tree and commits
// entries, identifiers, tree nodes, state rows, events and remembered operations of many appends in one synced batch.
// Its formats are in JOURNAL.md; reading is in journal_reader.hpp and needs no journal_log.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "messages/journal.hpp"
#include "messages/result.hpp"
#include "storage/fence.hpp"
#include "storage/journal_reader.hpp"
#include "storage/merkle_tree.hpp"
#include "storage/row_store.hpp"

namespace penstock::storage {

/// Wall clock (microseconds since 1970, UTC), CLOCK_BOOTTIME, and the kernel's boot id that the latter counts within.
struct journal_clock {
  std::function<std::int64_t()> utc_us;
  std::function<std::int64_t()> boottime_ns;
  std::string boot_id;
};
[[nodiscard]] journal_clock system_journal_clock();

/// What one append may carry; over a limit it is refused alone (errc::too_large), and the others of its group go on.
struct journal_limits {
  std::size_t leaf_bytes = std::size_t{32} << 10;
  std::size_t entries_in_an_append = 5000;
  std::size_t event_bytes = std::size_t{64} << 10;
  std::size_t row_bytes = std::size_t{4} << 20;      ///< key and value of one state row, or of the remembered answer
  std::size_t append_bytes = std::size_t{64} << 20;  ///< leaves, rows and events together
  std::size_t name_bytes = 200;                      ///< of a writer or a topic
};

struct journal_options {
  journal_clock clock = system_journal_clock();
  /// Fills salts; unpredictable outside tests.
  std::function<void(std::span<std::uint8_t>)> random = fill_random;
  journal_limits limits = {};
};

struct group_committed {
  /// One for each append, in order. Refusals: conflict (stale generation, or `op_key` already applied), too_large,
  /// bad_request (details or an event is not a JSON object, a float in details, an unusable topic or writer name).
  std::vector<messages::result<messages::entries_committed>> outcomes;
  /// What to publish, in order of commitment.
  std::vector<messages::topic_entry> events;
};

class journal_log {
 public:
  /// Rebuilds the tree's right edge. errc::corrupt when the stored nodes do not give the stored root, or the last entry
  /// is not the one that the root was made for.
  [[nodiscard]] static messages::result<journal_log> open(std::shared_ptr<row_store> core,
                                                          journal_options options = {});

  /// Group commit. On success everything with a good outcome is on the disk. A failure means that the store failed:
  /// nothing may be acknowledged, what is on the disk is known only after a restart, and every later call fails.
  /// An append without entries may only remember an operation; its sequence numbers are then first > last.
  [[nodiscard]] messages::result<group_committed> append(const std::vector<messages::append_entries>& group);

  /// The writer's next generation, durable before it is returned; from then on its older ones are refused.
  [[nodiscard]] messages::result<std::uint64_t> enrol(const std::string& writer);

  /// Drops remembered operations older than `before_us`, looking at no more than `limit` of them, round robin over
  /// calls. Returns how many were dropped. An entry of their commands stays in the journal.
  [[nodiscard]] messages::result<std::size_t> forget_operations(std::int64_t before_us, std::size_t limit);

  /// Removes the identifiers and salts of these entries, together with `record`, which says who asked for it; nothing
  /// is removed when the record is refused. The tree and every proof stay as they are.
  [[nodiscard]] messages::result<group_committed> erase_identifiers(const std::vector<std::uint64_t>& sequences,
                                                                    const messages::append_entries& record);

  [[nodiscard]] messages::result<std::vector<messages::topic_entry>> events(std::string_view topic, std::uint64_t from,
                                                                            std::size_t limit) const {
    return read_events(*core_, topic, from, limit);
  }

  /// What the fence is to say.
  [[nodiscard]] tree_checkpoint checkpoint() const;
  [[nodiscard]] const row_store& core() const { return *core_; }

 private:
  journal_log(std::shared_ptr<row_store> core, journal_options options);
  messages::result<group_committed> commit_group(const std::vector<messages::append_entries>& appends,
                                                 const std::vector<std::uint64_t>& erased);

  std::shared_ptr<row_store> core_;
  journal_options options_;
  merkle_tree tree_;
  std::map<std::string, std::uint64_t, std::less<>> generations_;
  std::map<std::string, std::uint64_t, std::less<>> last_events_;
  std::string forget_cursor_;
};

}  // namespace penstock::storage
