#pragma once
// Starts the journal's actor. It blocks on synced writes, so it is detached in a server; tests may leave it scheduled.

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>

#include "actors/hosting.hpp"
#include "messages/interfaces.hpp"
#include "messages/result.hpp"
#include "storage/row_store.hpp"

namespace penstock::actors {

struct audit_journal_options {
  std::shared_ptr<storage::row_store> core;
  std::filesystem::path fence;
  std::chrono::milliseconds fence_every{1000};
  /// Called once when the core database or its directory has failed: nothing may be acknowledged any more, so the
  /// server ends the process here. The actor answers nothing afterwards.
  std::function<void(const messages::failure&)> on_failure;
};

/// Not behind a custodian: a journal that dies ends the process (fail stop).
[[nodiscard]] messages::audit_journal_actor start_audit_journal(caf::actor_system& system,
                                                                audit_journal_options options,
                                                                hosting where = hosting::detached);

}  // namespace penstock::actors
