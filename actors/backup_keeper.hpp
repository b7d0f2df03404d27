#pragma once
// Starts the actor that makes backups of the core database while it is written to, and journals them. It blocks on the
// disk for as long as a backup takes, so it is detached in a server and does nothing else.

#include <cstdint>
#include <filesystem>
#include <memory>

#include "actors/hosting.hpp"
#include "messages/interfaces.hpp"
#include "storage/row_store.hpp"

namespace penstock::actors {

struct backup_keeper_options {
  std::shared_ptr<storage::row_store> core;
  std::filesystem::path directory;  ///< empty: the settings name none, and none are made
  std::uint32_t keep = 7;
  messages::audit_journal_actor journal;
};

[[nodiscard]] messages::backup_keeper_actor start_backup_keeper(caf::actor_system& system,
                                                                backup_keeper_options options,
                                                                custodian::observer on_restart,
                                                                hosting where = hosting::detached);

}  // namespace penstock::actors
