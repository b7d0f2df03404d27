#pragma once
// Live status of requests.

#include <string>
#include <vector>

#include "tools/penstock/context.hpp"

namespace penstock::commands {

struct watch_options {
  std::vector<std::string> requests;  ///< empty: all of the project
  bool until_done = false;            ///< with requests named: always
};

/// Shows state changes until all watched requests have ended. `ok` when all are completed, `not_everything_ok`
/// otherwise.
[[nodiscard]] exit_code watch_requests(context& at, const watch_options& options);

}  // namespace penstock::commands
