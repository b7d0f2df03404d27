#pragma once
// Starts the actor that owns all associations with one PACS.

#include <string>
#include <vector>

#include "actors/hosting.hpp"
#include "actors/rules_in_force.hpp"
#include "actors/time_source.hpp"
#include "conf/rules.hpp"
#include "messages/interfaces.hpp"

namespace penstock::actors {

struct pacs_association_options {
  std::string pacs;
  conf::rules_ptr rules;
  rules_in_force_ptr in_force = {};
  messages::dimse_port_actor port;
  messages::dicom_listener_actor listener;
  messages::governor_clock_actor governor;
  std::vector<messages::cache_shard_actor> shards;
  messages::event_sink_actor sink;  ///< hears the progress
  time_source clocks;
  std::uint64_t most_study_bytes = std::uint64_t{64} << 30;
  std::uint64_t most_study_instances = 50'000;
};

[[nodiscard]] messages::pacs_association_actor start_pacs_association(caf::actor_system& system,
                                                                      pacs_association_options options,
                                                                      custodian::observer on_restart);

}  // namespace penstock::actors
