#pragma once
// Starts the searches of one project.

#include <map>
#include <memory>
#include <string>

#include "actors/hosting.hpp"
#include "actors/rules_in_force.hpp"
#include "actors/time_source.hpp"
#include "conf/rules.hpp"
#include "messages/interfaces.hpp"
#include "storage/row_store.hpp"

namespace penstock::actors {

struct project_search_options {
  std::string project;
  conf::rules_ptr rules;
  rules_in_force_ptr in_force = {};
  messages::audit_journal_actor journal;
  std::map<std::string, messages::governor_clock_actor> governors;       ///< by PACS
  std::map<std::string, messages::pacs_association_actor> associations;  ///< by PACS
  messages::event_sink_actor sink;                                       ///< hears rows as they come
  std::shared_ptr<const storage::row_reader> core;
  time_source clocks;
};

[[nodiscard]] messages::project_search_actor start_project_search(caf::actor_system& system,
                                                                  project_search_options options,
                                                                  custodian::observer on_restart);

}  // namespace penstock::actors
