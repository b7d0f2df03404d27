#pragma once
// Which tabs a person has.

#include "tools/console/live.hpp"
#include "tools/console/workbench.hpp"

namespace penstock::console {

void add_tabs(workbench& bench, live_project& project);

}  // namespace penstock::console
