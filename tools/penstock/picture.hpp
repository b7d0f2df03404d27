#pragma once
// An image as text: half blocks in colour, or a ramp of characters.

#include <cstddef>
#include <string>

#include "tools/penstock/image_decoder.hpp"

namespace penstock::commands {

struct rgb {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
};
/// Of pixels; right and bottom are outside.
struct pixel_area {
  std::size_t left = 0;
  std::size_t top = 0;
  std::size_t right = 0;
  std::size_t bottom = 0;
};
/// The mean of an area that lies in the image and is not empty.
[[nodiscard]] rgb mean_of(const decoded_image& image, const pixel_area& area);
[[nodiscard]] unsigned luminance(rgb c);
/// The brighter, the denser.
[[nodiscard]] char character_for(rgb c);

enum class palette { direct, indexed, characters };

/// From COLORTERM, TERM and NO_COLOR: 24-bit, 256 colours, or characters only.
[[nodiscard]] palette palette_of_terminal(const char* colorterm, const char* term, const char* no_color);

/// At most `columns` wide and `rows` high; a character cell is taken to be twice as high as wide. Pixels are averaged,
/// and enlarged at most four times.
[[nodiscard]] std::string draw(const decoded_image& image, std::size_t columns, std::size_t rows, palette colours);

}  // namespace penstock::commands
