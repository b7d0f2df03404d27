#pragma once
// Ctrl-C and SIGTERM for work that can go on later.

namespace penstock::commands {

/// From now on the first Ctrl-C asks the work to end in order, and the second one ends the program at once.
void end_in_order_on_interrupt();
[[nodiscard]] bool was_interrupted();

}  // namespace penstock::commands
