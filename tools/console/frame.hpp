#pragma once
// What has to be written to a terminal so that it shows a canvas: the difference to what it shows now.

#include <string>

#include "tools/console/canvas.hpp"
#include "tools/console/theme.hpp"

namespace penstock::console {

/// One frame, between the marks of synchronised output; empty when nothing has changed. `shown` of another size than
/// `next` is no guide: all is drawn. The cursor is moved explicitly after every cluster that is not ASCII, so that a
/// terminal that thinks otherwise of its width spoils that cell only.
[[nodiscard]] std::string frame_between(const canvas& shown, const canvas& next, theme which, colour_depth depth);

}  // namespace penstock::console
