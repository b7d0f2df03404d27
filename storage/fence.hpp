#pragma once
// The fence is a small file outside the core database that says how far the journal had come. A database that is behind
// it, or that had another root at its size, was rolled back or altered: RocksDB by itself opens such a database
// silently.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "messages/result.hpp"
#include "storage/merkle_tree.hpp"
#include "storage/row_store.hpp"

namespace penstock::storage {

/// How far the journal had come: the number of entries, the root over them, and when (microseconds since 1970, UTC).
struct tree_checkpoint {
  std::uint64_t size = 0;
  tree_hash root = empty_tree_root();
  std::int64_t at_us = 0;
};

/// What the file says, for whoever keeps it elsewhere; errc::corrupt names `whose` when it cannot be understood.
[[nodiscard]] std::string fence_text(const tree_checkpoint& reached);
[[nodiscard]] messages::result<tree_checkpoint> parse_fence(std::string_view text, const std::string& whose);

/// Replaces the file: written beside, synced, renamed, directory synced.
[[nodiscard]] messages::result<void> write_fence(const std::filesystem::path& file, const tree_checkpoint& reached);
/// Nothing when there is no file; errc::corrupt when it cannot be understood.
[[nodiscard]] messages::result<std::optional<tree_checkpoint>> read_fence(const std::filesystem::path& file);

/// The fence of a restored database waits under this name until that database is in its place.
[[nodiscard]] std::filesystem::path fence_of_restored(const std::filesystem::path& file);
/// Puts it in the place of `file` when `core` is that database; false: there is none, or it is for another one.
[[nodiscard]] messages::result<bool> take_restored_fence(const row_reader& core, const std::filesystem::path& file);

/// errc::corrupt, with both sizes or roots in the text, unless the journal in `core` contains all of `fence`.
[[nodiscard]] messages::result<void> check_fence(const row_reader& core, const tree_checkpoint& fence);

}  // namespace penstock::storage
