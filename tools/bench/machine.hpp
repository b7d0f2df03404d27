#pragma once
// What every table of measurements begins with.

#include <string>

namespace penstock::bench {

/// "Xeon ..., 2 cores, Linux 6.1.0, load 0.31": one line, without its end.
[[nodiscard]] std::string describe_machine();

}  // namespace penstock::bench
