#pragma once
// Failures across actors: a handler answers a request with `to_caf(failure)`, whoever asked reads it with `from_caf`.

#include <caf/error.hpp>

#include "messages/result.hpp"

namespace penstock::messages {

[[nodiscard]] caf::error to_caf(const failure& problem);

/// CAF's own errors are translated: a request that ran out of time is errc::timed_out, a receiver that is gone or
/// restarting is errc::internal. `operation` says what was attempted, for those.
[[nodiscard]] failure from_caf(const caf::error& problem, const char* operation);

}  // namespace penstock::messages
