#pragma once
// Rules in force, start, stop and state of the server.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "messages/fields.hpp"

namespace penstock::conf {
struct rules;
}

namespace penstock::messages {

struct roster;  // messages/roster.hpp

/// The rules in force from now on, and who serves what they name. Local only: it holds pointers, so it never crosses a
/// process.
struct rules_published {
  std::shared_ptr<const conf::rules> rules;
  std::shared_ptr<const messages::roster> roster;
};

/// The text of a rules file that somebody proposes. Answered with the rules that it would make, or with its faults.
struct propose_rules {
  std::string toml;
  PENSTOCK_FIELDS(toml);
};

/// What would these rules mean for the project's open requests and holdings? Local only.
struct weigh_rules {
  std::shared_ptr<const conf::rules> proposed;
};

/// What may start in the days to come by these rules (none: by those in force), with what waits now. Local only.
/// `projects` limits whose names are told, unless `all_projects`.
struct simulate_governor {
  std::shared_ptr<const conf::rules> rules;
  std::uint32_t days = 7;
  std::vector<std::string> projects;
  bool all_projects = false;
};

/// Answered with the rules in force.
struct watch_rules {
  std::string who;
  PENSTOCK_FIELDS(who);
};

struct show_rules {
  std::string user;
  PENSTOCK_FIELDS(user);
};

/// A (re)started journal or gateway that wants every committed event from now on.
struct follow_events {
  std::string who;
  PENSTOCK_FIELDS(who);
};

struct describe_server {
  std::string user;
  PENSTOCK_FIELDS(user);
};

/// A line of `server.status` from one actor.
struct describe_actor {
  std::string asked_by;
  PENSTOCK_FIELDS(asked_by);
};

/// Periodic work of an actor. Delayed messages cannot be recalled in CAF 0.17.6: one of an older generation is ignored.
struct tick {
  std::uint64_t generation = 0;
  PENSTOCK_FIELDS(generation);
};

}  // namespace penstock::messages
