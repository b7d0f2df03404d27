#pragma once
// Proves a whole journal from its rows: every entry against the tree, the tree against head and fence, every identifier
// against its commitment. Takes time and reads everything; works on a snapshot while the server runs.

#include <cstdint>
#include <optional>

#include "messages/result.hpp"
#include "storage/fence.hpp"
#include "storage/row_store.hpp"

namespace penstock::storage {

struct verified_journal {
  std::uint64_t entries = 0;
  tree_hash root = empty_tree_root();
};

/// errc::corrupt names the first entry (or node) at fault. Without a fence, a rollback of the whole store is not seen.
[[nodiscard]] messages::result<verified_journal> verify_journal(const row_reader& core,
                                                                const std::optional<tree_checkpoint>& fence);

}  // namespace penstock::storage
