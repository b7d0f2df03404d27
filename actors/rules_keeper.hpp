#pragma once
// Starts the keeper of the rules in force: it watches the rules file and the lists of patients, takes a new version
// whole or not at all, journals what changed, and tells everybody.

#include <functional>

#include "actors/hosting.hpp"
#include "actors/rules_in_force.hpp"
#include "actors/time_source.hpp"
#include "conf/rules.hpp"
#include "messages/interfaces.hpp"
#include "storage/row_store.hpp"

namespace penstock::actors {

struct rules_keeper_options {
  conf::rules_ptr rules;  ///< loaded and faultless
  rules_in_force_ptr in_force = {};
  messages::audit_journal_actor journal;
  std::shared_ptr<const storage::row_reader> core;
  messages::event_sink_actor sink = {};  ///< told of new rules first: it cuts who may no longer listen
  messages::dicom_listener_actor listener = {};
  time_source clocks;
  /// Makes sure that somebody serves each PACS and project of these rules, and puts them in force for whoever is
  /// started again. Without it, rules are never taken.
  std::function<messages::roster_ptr(const conf::rules_ptr&)> take = {};
};

/// Journals that these rules are in force, then answers and keeps everybody informed. It reads files, so it is
/// detached in a server.
[[nodiscard]] messages::rules_keeper_actor start_rules_keeper(caf::actor_system& system, rules_keeper_options options,
                                                              custodian::observer on_restart,
                                                              hosting where = hosting::scheduled);

}  // namespace penstock::actors
