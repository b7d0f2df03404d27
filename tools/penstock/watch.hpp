#pragma once
// Live status of requests.

#include <functional>
#include <string>
#include <vector>

#include "tools/penstock/context.hpp"
#include "tools/penstock/request_board.hpp"

namespace penstock::commands {

struct watch_options {
  std::vector<std::string> requests;  ///< empty: all of the project
  bool until_done = false;            ///< with requests named: always
  std::uint64_t from = 0;             ///< first event wanted; 0: only what is new, 1: all that the journal keeps
  bool detachable = false;            ///< Ctrl-C ends the watch in order
  bool quiet = false;
  std::function<bool(const request_board&)> enough = [](const request_board&) { return false; };
};

/// Shows state changes until all watched requests have ended, or it is enough; what is known of them then.
/// errc::shutting_down when it was interrupted, errc::timed_out when the server stayed away.
[[nodiscard]] result<request_board> follow_requests(context& at, const watch_options& options);

/// The same to its end, as a command: `ok` when all are completed, `not_everything_ok` otherwise.
/// A lost connection is made anew, and goes on with the event after the last one seen.
[[nodiscard]] exit_code watch_requests(context& at, const watch_options& options);

}  // namespace penstock::commands
