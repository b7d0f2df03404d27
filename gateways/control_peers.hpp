#pragma once
// The actors that the control socket speaks for: stable handles, each by the id of what it serves.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "messages/interfaces.hpp"

namespace penstock::gateways {

template <class Handle>
using handles_by_id = std::map<std::string, Handle, std::less<>>;

struct control_peers {
  handles_by_id<messages::project_queue_actor> queues;           ///< by project
  handles_by_id<messages::project_search_actor> searches;        ///< by project
  handles_by_id<messages::governor_clock_actor> governors;       ///< by PACS
  handles_by_id<messages::pacs_association_actor> associations;  ///< by PACS
  std::vector<messages::cache_shard_actor> shards;               ///< by shard number
  messages::list_reader_actor list_reader;
  messages::rules_keeper_actor rules_keeper;
  messages::supervisor_actor supervisor;
  messages::audit_journal_actor audit_journal;
  messages::backup_keeper_actor backup_keeper;
  messages::cache_checker_actor cache_checker;
};

}  // namespace penstock::gateways
