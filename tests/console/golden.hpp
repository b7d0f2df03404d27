#pragma once
// Screens as they are expected, in tests/golden/console. PENSTOCK_REWRITE_GOLDEN=1 console_test writes them anew.

#include <string>

#include "tools/console/canvas.hpp"

namespace penstock::console::testing {

/// Whether the canvas looks like the file `name`; what differs is printed.
bool looks_like(const canvas& drawn, const std::string& name);

}  // namespace penstock::console::testing
