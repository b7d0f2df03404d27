#pragma once
// `penstockd restore` and `penstockd backups`: offline, without rules and keys, so that they work on a bare machine.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "messages/result.hpp"

namespace penstock::server {

struct restore_order {
  std::filesystem::path config;           ///< says what is not given below
  std::filesystem::path from;             ///< directory of backups
  std::filesystem::path to;               ///< state directory
  std::optional<std::uint32_t> number{};  ///< none: the newest
  std::size_t shards = 0;                 ///< of the settings; 0: they are not read
};

/// Prints what there is to restore.
[[nodiscard]] messages::result<void> show_backups(restore_order order);

/// Prints what it did, what is missing and what to do next. errc::held_by_another when a server runs there.
[[nodiscard]] messages::result<void> restore_state(restore_order order);

}  // namespace penstock::server
