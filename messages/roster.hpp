#pragma once
// Who serves what the rules name: stable handles, by id. Grows with the rules while the server runs and never shrinks:
// what the rules no longer name ends with the process.

#include <map>
#include <memory>
#include <string>

#include "messages/interfaces.hpp"

namespace penstock::messages {

struct roster {
  std::map<std::string, governor_clock_actor> governors;       ///< by PACS
  std::map<std::string, pacs_association_actor> associations;  ///< by PACS
  std::map<std::string, project_queue_actor> queues;           ///< by project
  std::map<std::string, project_search_actor> searches;        ///< by project
};

using roster_ptr = std::shared_ptr<const roster>;

}  // namespace penstock::messages
