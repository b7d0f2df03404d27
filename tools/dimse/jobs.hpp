#pragma once
// The four things a child can be started for. Each returns when its last message has been sent; true when the job came
// to its ordinary end.

#include "messages/dimse.hpp"
#include "messages/dimse_inbound.hpp"
#include "tools/dimse/session.hpp"

namespace penstock::dimse {

bool run(session& with, const messages::echo_job& job);
bool run(session& with, const messages::find_job& job);
bool run(session& with, const messages::move_job& job);

/// Serves the socket `peer`, which it takes over.
bool run(session& with, const messages::accept_job& job, int peer);

}  // namespace penstock::dimse
