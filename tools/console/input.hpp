#pragma once
// What a person does at the terminal.

#include <string>
#include <variant>

#include "tools/console/canvas.hpp"

namespace penstock::console {

struct key_press {
  std::string name;  ///< "a", "G", "Space", "Enter", "Shift-Down", "Ctrl-L", "Alt-1", "F1"
  std::string text;  ///< what it would type; empty for keys that type nothing
};
struct pasted_text {
  std::string text;
};
struct repaint_wanted {};  ///< the terminal got the focus back, or says that it lost what it showed

using input_event = std::variant<key_press, mouse_event, pasted_text, repaint_wanted>;

}  // namespace penstock::console
