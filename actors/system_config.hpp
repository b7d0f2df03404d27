#pragma once
// CAF's configuration for Penstock: message types, scheduler. Settings of our own come from conf/settings, never from
// CAF's option parser, which reads a file from the working directory.

#include <caf/actor_system_config.hpp>

namespace penstock::actors {

class system_config : public caf::actor_system_config {
 public:
  system_config();
};

}  // namespace penstock::actors
