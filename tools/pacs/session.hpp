#pragma once
// An association that somebody opened to this PACS, from the first byte to the last.

#include "tools/pacs/connection.hpp"
#include "tools/pacs/server.hpp"

namespace penstock::pacs {

/// Returns when the association is over. Runs in a thread of its own.
void serve(server& by, connection accepted);

}  // namespace penstock::pacs
