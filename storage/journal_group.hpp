#pragma once
// The appends of one group commit on their way into one batch: each is checked whole before anything of it is added, so
// that a refused one leaves no trace. Used by journal_log.cpp only.

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

#include "storage/journal_leaf.hpp"
#include "storage/journal_log.hpp"

namespace penstock::storage {

using name_counts = std::map<std::string, std::uint64_t, std::less<>>;

class journal_group {
 public:
  /// The references must outlive the group; nothing is changed through them.
  journal_group(const row_store& core, const journal_options& options, const merkle_tree& tree,
                const name_counts& generations, const name_counts& last_events);

  /// Adds all of `append`, or says why not.
  [[nodiscard]] messages::result<messages::entries_committed> add(const messages::append_entries& append);
  void erase_side_car(std::uint64_t sequence);
  /// The new head and topic counts; the batch is complete after it.
  void close();

  [[nodiscard]] const row_batch& batch() const { return batch_; }
  [[nodiscard]] const merkle_tree& tree() const { return tree_; }
  [[nodiscard]] const name_counts& touched_topics() const { return touched_topics_; }
  [[nodiscard]] std::vector<messages::topic_entry>& events() { return events_; }

 private:
  struct prepared_event;
  struct prepared_entry;

  [[nodiscard]] messages::result<void> check_writer(const messages::append_entries& append) const;
  [[nodiscard]] messages::result<void> check_operation(const messages::append_entries& append) const;
  [[nodiscard]] messages::result<void> check_rows(const messages::journal_entry& entry) const;
  [[nodiscard]] messages::result<prepared_event> prepare(const messages::topic_event& event, const std::string& kind);
  [[nodiscard]] messages::result<prepared_entry> prepare(const messages::journal_entry& entry, std::uint64_t sequence);
  [[nodiscard]] messages::result<std::vector<prepared_entry>> prepare(const messages::append_entries& append);
  [[nodiscard]] messages::result<std::uint64_t> last_event(const std::string& topic) const;
  void put(const messages::journal_entry& entry, prepared_entry&& prepared);
  void put(prepared_event&& event);

  const row_store& core_;
  const journal_options& options_;
  const name_counts& generations_;
  const name_counts& last_events_;
  std::int64_t at_us_;
  std::int64_t boottime_ns_;
  std::string at_text_;
  merkle_tree tree_;
  row_batch batch_;
  name_counts topics_;          // last number of each topic met, as it will be
  name_counts touched_topics_;  // those that got an event
  std::set<std::string> operations_;
  std::vector<messages::topic_entry> events_;
};

}  // namespace penstock::storage
