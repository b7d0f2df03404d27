#pragma once
// What administrators ask for: the switch at each PACS, the rules, and what the rules leave behind.

#include <string>
#include <vector>

#include "messages/commands.hpp"
#include "messages/fields.hpp"
#include "messages/ids.hpp"

namespace penstock::messages {

/// By an administrator: gives up holdings of a project. With `suspended`, all that the rules have suspended; else these
/// studies.
struct purge_holdings {
  caller who;
  bool suspended = false;
  std::vector<dicom_uid> studies;
  PENSTOCK_FIELDS(who, suspended, studies);
};

/// By an administrator: nothing starts at this PACS from now on, and what runs is aborted.
struct pause_starts {
  caller who;
  std::string reason;
  PENSTOCK_FIELDS(who, reason);
};

struct resume_starts {
  caller who;
  std::string reason;
  PENSTOCK_FIELDS(who, reason);
};

/// Reads the rules file again, and takes it when it has no fault. `who` is empty when nobody asked: the file changed.
struct reload_rules {
  caller who;
  PENSTOCK_FIELDS(who);
};

/// What would this text change as the rules file, or, without one, the file as it is now? Changes nothing.
struct check_rules {
  caller who;
  std::string toml;
  PENSTOCK_FIELDS(who, toml);
};

}  // namespace penstock::messages
