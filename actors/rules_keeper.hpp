#pragma once
// Starts the keeper of the rules in force.

#include "actors/hosting.hpp"
#include "actors/time_source.hpp"
#include "conf/rules.hpp"
#include "messages/interfaces.hpp"

namespace penstock::actors {

struct rules_keeper_options {
  conf::rules_ptr rules;  ///< loaded and faultless
  messages::audit_journal_actor journal;
  time_source clocks;
};

/// Journals that these rules are in force, then answers and keeps every watcher informed.
[[nodiscard]] messages::rules_keeper_actor start_rules_keeper(caf::actor_system& system, rules_keeper_options options,
                                                              custodian::observer on_restart);

}  // namespace penstock::actors
