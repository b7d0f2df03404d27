#pragma once
// How a step with the peer went.

#include <dcmtk/config/osconfig.h>
#include <dcmtk/ofstd/ofcond.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "messages/dimse.hpp"
#include "tools/dimse/session.hpp"

namespace penstock::dimse {

struct attempt {
  messages::peer_outcome outcome = messages::peer_outcome::answered;
  std::string problem;

  [[nodiscard]] bool ok() const { return outcome == messages::peer_outcome::answered; }
};

[[nodiscard]] inline attempt failed(messages::peer_outcome outcome, std::string problem) {
  return {outcome, std::move(problem)};
}

/// As DCMTK wants its timeouts; never 0, which means for ever.
[[nodiscard]] inline int whole_seconds(std::uint32_t ms) {
  return static_cast<int>(std::max<std::uint32_t>(1, (ms + 999) / 1000));
}

/// DCMTK's condition, and the session's knowledge of why a read or write failed, as an attempt. `operation` begins the
/// problem's text.
[[nodiscard]] attempt judged(const session& of, const OFCondition& condition, const std::string& operation);

}  // namespace penstock::dimse
