#pragma once
// Which tabs a person has.

#include "tools/console/live.hpp"
#include "tools/console/local_side.hpp"
#include "tools/console/workbench.hpp"

namespace penstock::console {

void add_tabs(workbench& bench, live_project& project, local_side& local);

}  // namespace penstock::console
