#pragma once
// Starts the queue of one project.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/hosting.hpp"
#include "actors/rules_in_force.hpp"
#include "actors/time_source.hpp"
#include "conf/rules.hpp"
#include "messages/interfaces.hpp"
#include "storage/row_store.hpp"

namespace penstock::actors {

struct project_queue_options {
  std::string project;
  conf::rules_ptr rules;
  rules_in_force_ptr in_force = {};
  messages::audit_journal_actor journal;
  std::map<std::string, messages::governor_clock_actor> governors;       ///< by PACS
  std::map<std::string, messages::pacs_association_actor> associations;  ///< by PACS
  std::vector<messages::cache_shard_actor> shards;
  messages::list_reader_actor reader;
  std::shared_ptr<const storage::row_reader> core;
  time_source clocks;
};

[[nodiscard]] messages::project_queue_actor start_project_queue(caf::actor_system& system,
                                                                project_queue_options options,
                                                                custodian::observer on_restart);

}  // namespace penstock::actors
