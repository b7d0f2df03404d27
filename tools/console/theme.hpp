#pragma once
// How meanings look on a terminal: five themes, four abilities to show colour.

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/console/canvas.hpp"

namespace penstock::console {

enum class theme { dark, light, contrast, terminal, mono };
enum class colour_depth { mono, sixteen, indexed, direct };

/// False for a word that is none of "dark", "light", "contrast", "terminal", "mono".
[[nodiscard]] bool parse(std::string_view name, theme& into);
[[nodiscard]] std::string_view name_of(theme which);
/// The one after it, round and round.
[[nodiscard]] theme next_theme(theme which);

/// What the environment tells of the terminal. NO_COLOR that is not empty leaves no colour.
[[nodiscard]] colour_depth depth_told_by(std::string_view no_color, std::string_view term, std::string_view colorterm);

/// The escape sequence that selects this look, whatever was selected before.
[[nodiscard]] std::string sequence_of(const ink& look, theme which, colour_depth depth);

/// The nearest of the 256 colours of xterm: the cube, or the ramp of greys.
[[nodiscard]] int indexed_colour(std::uint32_t rgb);
/// The nearest of the 16 colours.
[[nodiscard]] int named_colour(std::uint32_t rgb);

}  // namespace penstock::console
