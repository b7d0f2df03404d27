#include "tools/penstock/picture.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace penstock::commands {
namespace {

constexpr double largest_enlargement = 4.0;

std::string_view text_of(const char* value) { return value == nullptr ? std::string_view{} : value; }

/// The mean of the pixels that fall into cell (x, y) of a grid of `columns` by `lines`.
rgb mean_of_cell(const decoded_image& image, std::size_t x, std::size_t y, std::size_t columns, std::size_t lines) {
  const auto from = [](std::size_t cell, std::uint32_t pixels, std::size_t cells) { return cell * pixels / cells; };
  const auto x0 = from(x, image.width, columns);
  const auto y0 = from(y, image.height, lines);
  return mean_of(image, {x0, y0, std::max(x0 + 1, from(x + 1, image.width, columns)),
                         std::max(y0 + 1, from(y + 1, image.height, lines))});
}

/// xterm's palette: a ramp of 24 greys from 232 on, a cube of 6 x 6 x 6 from 16 on.
unsigned indexed(rgb c) {
  const auto [low, high] = std::minmax({c.red, c.green, c.blue});
  if (high - low < 16) {
    const auto grey = luminance(c);
    if (grey < 4) return 16;
    return grey > 246 ? 231 : 232 + (grey - 3) * 24 / 244;
  }
  const auto step = [](std::uint8_t v) { return (unsigned{v} * 5 + 127) / 255; };
  return 16 + 36 * step(c.red) + 6 * step(c.green) + step(c.blue);
}

std::string colour_code(rgb c, bool foreground, palette colours) {
  const std::string target = foreground ? "38" : "48";
  if (colours == palette::indexed) return target + ";5;" + std::to_string(indexed(c));
  return target + ";2;" + std::to_string(c.red) + ";" + std::to_string(c.green) + ";" + std::to_string(c.blue);
}

}  // namespace

rgb mean_of(const decoded_image& image, const pixel_area& area) {
  const std::size_t samples = image.colour ? 3 : 1;
  std::array<std::uint64_t, 3> sum{};
  for (auto row = area.top; row < area.bottom; ++row)
    for (auto column = area.left; column < area.right; ++column)
      for (std::size_t s = 0; s < samples; ++s) sum[s] += image.pixels[(row * image.width + column) * samples + s];
  const auto count = (area.right - area.left) * (area.bottom - area.top);
  const auto mean = [&](std::size_t s) { return static_cast<std::uint8_t>(sum[samples == 3 ? s : 0] / count); };
  return {mean(0), mean(1), mean(2)};
}

unsigned luminance(rgb c) { return (299U * c.red + 587U * c.green + 114U * c.blue) / 1000U; }

char character_for(rgb c) {
  constexpr std::string_view ramp = " .:-=+*#%@";
  return ramp[luminance(c) * (ramp.size() - 1) / 255];
}

palette palette_of_terminal(const char* colorterm, const char* term, const char* no_color) {
  if (!text_of(no_color).empty()) return palette::characters;
  if (text_of(colorterm) == "truecolor" || text_of(colorterm) == "24bit") return palette::direct;
  if (text_of(term).find("256color") != std::string_view::npos) return palette::indexed;
  return palette::characters;
}

std::string draw(const decoded_image& image, std::size_t columns, std::size_t rows, palette colours) {
  if (image.width == 0 || image.height == 0 || columns == 0 || rows == 0) return {};
  const auto by_width = static_cast<double>(columns) / image.width;
  const auto by_height = static_cast<double>(rows * 2) / image.height;
  const auto scale = std::min({by_width, by_height, largest_enlargement});
  const auto wide = std::max<std::size_t>(1, static_cast<std::size_t>(image.width * scale));
  const auto high = std::max<std::size_t>(1, static_cast<std::size_t>(image.height * scale / 2));
  std::string text;
  for (std::size_t y = 0; y < high; ++y) {
    for (std::size_t x = 0; x < wide; ++x) {
      if (colours == palette::characters) {
        text += character_for(mean_of_cell(image, x, y, wide, high));
        continue;
      }
      const auto upper = mean_of_cell(image, x, 2 * y, wide, 2 * high);
      const auto lower = mean_of_cell(image, x, 2 * y + 1, wide, 2 * high);
      text += "\x1b[" + colour_code(upper, true, colours) + ";" + colour_code(lower, false, colours) + "m\u2580";
    }
    text += colours == palette::characters ? "\n" : "\x1b[0m\n";
  }
  return text;
}

}  // namespace penstock::commands
