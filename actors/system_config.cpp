#include "actors/system_config.hpp"

#include <caf/all.hpp>

#include "messages/type_ids.hpp"

namespace penstock::actors {

system_config::system_config() {
  add_message_types<caf::id_block::penstock>();
  // Work stealing answers foreign threads ten times slower than the shared queue (measured on 0.17.6).
  set("scheduler.policy", caf::atom("sharing"));
  set("scheduler.max-threads", std::size_t{2});
}

}  // namespace penstock::actors
