#pragma once
// Small files that are there whole or not at all, whatever happens meanwhile.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "messages/result.hpp"

namespace penstock::storage {

/// `errno` as a failure: no_space for a full disk or quota, else io_error.
[[nodiscard]] messages::failure failure_of_errno(const std::string& operation);

/// The directory is there, parents and all, with mode 0700. io_error when it is none or belongs to another user.
[[nodiscard]] messages::result<void> make_private_directory(const std::filesystem::path& directory);

/// Writes beside, syncs, renames over `file`, syncs the directory. Mode 0600.
[[nodiscard]] messages::result<void> replace_file(const std::filesystem::path& file, std::string_view text);
/// Nothing when there is no such file; errc::too_large when it is larger than `limit_bytes`.
[[nodiscard]] messages::result<std::optional<std::string>> read_small_file(const std::filesystem::path& file,
                                                                           std::size_t limit_bytes);
/// Makes the bytes of an existing file durable.
[[nodiscard]] messages::result<void> sync_file(const std::filesystem::path& file);
/// In one step, so that both names always exist; durable once their directory is synced.
[[nodiscard]] messages::result<void> exchange_names(const std::filesystem::path& one,
                                                    const std::filesystem::path& other);
/// Makes names created, renamed or removed in `directory` durable.
[[nodiscard]] messages::result<void> sync_directory(const std::filesystem::path& directory);

}  // namespace penstock::storage
