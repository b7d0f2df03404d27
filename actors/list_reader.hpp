#pragma once
// Starts the reader that answers listings from a snapshot of the core database, within a budget of rows and time. It
// blocks on the disk, so it is detached in a server; tests leave it scheduled.

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "actors/hosting.hpp"
#include "actors/listing.hpp"
#include "conf/rules.hpp"
#include "messages/interfaces.hpp"
#include "storage/checkpoint.hpp"
#include "storage/row_store.hpp"

namespace penstock::actors {

struct list_reader_options {
  std::shared_ptr<const storage::row_store> core;
  std::vector<messages::cache_shard_actor> shards;  ///< by number
  /// The rules in force; called from the reader's thread. Gives institutions and departments of PACS.
  std::function<std::shared_ptr<const conf::rules>()> rules;
  listing_budget budget;
  /// How long a shard may take to say what instances are.
  std::chrono::milliseconds shard_patience{20'000};
  std::function<std::chrono::steady_clock::time_point()> clock = std::chrono::steady_clock::now;
  /// Of checkpoints; none: they are not given.
  std::shared_ptr<const storage::checkpoint_signer> signer;
  std::function<std::int64_t()> utc_us = [] { return std::int64_t{0}; };
};

[[nodiscard]] messages::list_reader_actor start_list_reader(caf::actor_system& system, list_reader_options options,
                                                            custodian::observer on_restart,
                                                            hosting where = hosting::detached);

}  // namespace penstock::actors
