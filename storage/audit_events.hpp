#pragma once
// The topic `audit`: every entry of the journal, in brief. Its events are not stored: they follow from the entries, and
// have their numbers.

#include <cstdint>
#include <string_view>
#include <vector>

#include "messages/journal.hpp"
#include "messages/result.hpp"
#include "storage/row_store.hpp"

namespace penstock::storage {

inline constexpr std::string_view audit_topic = "audit";

/// Without details and identifiers; those are read on demand.
[[nodiscard]] messages::topic_entry audit_event(const messages::journal_entry& entry, std::uint64_t sequence,
                                                std::int64_t at_us);
/// From number `from` on, at most `limit`.
[[nodiscard]] messages::result<std::vector<messages::topic_entry>> read_audit_events(const row_reader& core,
                                                                                     std::uint64_t from,
                                                                                     std::size_t limit);

}  // namespace penstock::storage
