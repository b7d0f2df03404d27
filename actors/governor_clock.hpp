#pragma once
// Starts the governor of one PACS: it carries permit_policy and query_policy and decides nothing itself.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "actors/hosting.hpp"
#include "actors/rules_in_force.hpp"
#include "actors/time_source.hpp"
#include "conf/rules.hpp"
#include "messages/interfaces.hpp"
#include "storage/row_store.hpp"

namespace penstock::actors {

struct governor_clock_options {
  std::string pacs;
  conf::rules_ptr rules;
  rules_in_force_ptr in_force = {};
  messages::audit_journal_actor journal;
  std::shared_ptr<const storage::row_reader> core;
  time_source clocks;
  /// Starts before this instant may be missing from the journal: every window counts as full from then on.
  std::optional<instant> assume_full_at = {};
  /// False: what is fetched might not fit on the disk. No permit is given then, and none is used up.
  std::function<bool()> has_room = {};
  /// Whoever makes it pauses the PACS, as if an administrator had; empty: none.
  std::filesystem::path pause_file = {};
};

[[nodiscard]] messages::governor_clock_actor start_governor_clock(caf::actor_system& system,
                                                                  governor_clock_options options,
                                                                  custodian::observer on_restart);

}  // namespace penstock::actors
