#pragma once
// Starts the actor that compares holdings, catalogues and packs while everything runs: when an administrator asks, and
// the holdings of a shard that has lost something. It asks for a little at a time and pauses in between, so that
// whoever is served hardly notices.

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "actors/cache_shard.hpp"
#include "actors/hosting.hpp"
#include "actors/rules_in_force.hpp"
#include "actors/time_source.hpp"
#include "messages/interfaces.hpp"
#include "storage/row_store.hpp"

namespace penstock::actors {

struct cache_checker_options {
  messages::audit_journal_actor journal;
  std::shared_ptr<const storage::row_reader> core;
  std::vector<messages::cache_shard_actor> shards;
  std::shared_ptr<shard_news> news;
  rules_in_force_ptr in_force;  ///< who serves a project
  time_source clocks;
  std::chrono::milliseconds work{100};  ///< of a shard for one part
  std::chrono::milliseconds pause{100};
};

[[nodiscard]] messages::cache_checker_actor start_cache_checker(caf::actor_system& system,
                                                                cache_checker_options options,
                                                                custodian::observer on_restart);

}  // namespace penstock::actors
