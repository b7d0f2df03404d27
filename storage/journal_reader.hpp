#pragma once
// Reading the journal: its entries, identifiers, events and remembered operations, from the core store or from a
// snapshot of it, in any thread.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/journal.hpp"
#include "messages/result.hpp"
#include "storage/fence.hpp"
#include "storage/merkle_tree.hpp"
#include "storage/row_store.hpp"

namespace penstock::storage {

/// `leaf` is the canonical JSON text that is hashed (JOURNAL.md).
struct stored_entry {
  std::uint64_t sequence = 0;
  std::string leaf;
};

/// A repeated command gets `answer` again.
struct remembered_operation {
  std::string answer;
  std::int64_t at_us = 0;
  PENSTOCK_FIELDS(answer, at_us);
};

/// Number of entries and their root, as the last batch left them.
[[nodiscard]] messages::result<tree_checkpoint> read_head(const row_reader& core);
/// The latest wall clock time at which a batch was written, microseconds since 1970: the clock may have gone back
/// since.
[[nodiscard]] messages::result<std::int64_t> read_latest_time(const row_reader& core);
/// Entries `from`, from + 1, ..., at most `limit`.
[[nodiscard]] messages::result<std::vector<stored_entry>> read_entries(const row_reader& core, std::uint64_t from,
                                                                       std::size_t limit);
/// The identifiers of an entry; empty when it has none or they were erased.
[[nodiscard]] messages::result<std::vector<messages::protected_field>> read_identifiers(const row_reader& core,
                                                                                        std::uint64_t sequence);
/// Events of `topic` from number `from` on, at most `limit`.
[[nodiscard]] messages::result<std::vector<messages::topic_entry>> read_events(const row_reader& core,
                                                                               std::string_view topic,
                                                                               std::uint64_t from, std::size_t limit);
/// The number of the topic's newest event, 0 when it has none.
[[nodiscard]] messages::result<std::uint64_t> read_last_event(const row_reader& core, std::string_view topic);
[[nodiscard]] messages::result<std::optional<remembered_operation>> read_operation(const row_reader& core,
                                                                                   std::string_view op_key);

/// For proofs (merkle_tree.hpp). `core` must outlive the getter.
[[nodiscard]] tree_node_getter node_getter(const row_reader& core);

}  // namespace penstock::storage
