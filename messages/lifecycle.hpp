#pragma once
// Rules in force, start, stop and state of the server.

#include <cstdint>
#include <memory>
#include <string>

#include "messages/fields.hpp"

namespace penstock::conf {
struct rules;
}

namespace penstock::messages {

/// The rules in force from now on. Local only: it holds a pointer, so it never crosses a process.
struct rules_published {
  std::shared_ptr<const conf::rules> rules;
};

/// Sent by a subscriber once; answered with the rules in force, followed by each change.
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
