#pragma once
// An image as text: half blocks in colour, or a ramp of characters.

#include <cstddef>
#include <string>

#include "tools/penstock/image_decoder.hpp"

namespace penstock::commands {

enum class palette { direct, indexed, characters };

/// From COLORTERM, TERM and NO_COLOR: 24-bit, 256 colours, or characters only.
[[nodiscard]] palette palette_of_terminal(const char* colorterm, const char* term, const char* no_color);

/// At most `columns` wide and `rows` high; a character cell is taken to be twice as high as wide. Pixels are averaged,
/// and enlarged at most four times.
[[nodiscard]] std::string draw(const decoded_image& image, std::size_t columns, std::size_t rows, palette colours);

}  // namespace penstock::commands
