#pragma once
// Which tabs a person has.

#include "tools/console/live.hpp"
#include "tools/console/local_side.hpp"
#include "tools/console/workbench.hpp"

namespace penstock::console {

/// What a person may do besides working in projects.
struct staff_roles {
  bool admin = false;
  bool auditor = false;
  [[nodiscard]] bool any() const { return admin || auditor; }
};
/// Of the answer to `hello`.
[[nodiscard]] staff_roles roles_in(const nlohmann::json& greeting);

/// A project without a name is none: only the screens of the roles are there.
void add_tabs(workbench& bench, live_project& project, local_side& local, staff_roles roles = {});

}  // namespace penstock::console
