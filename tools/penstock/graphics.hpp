#pragma once
// Images as terminals draw them pixel by pixel: DEC's sixels and kitty's graphics protocol. Pure; terminal.hpp asks.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tools/penstock/image_decoder.hpp"

namespace penstock::commands {

enum class graphics_kind : std::uint8_t { blocks, sixel, kitty };

struct cell_size {
  std::size_t width = 10;  ///< pixels
  std::size_t height = 20;
};
struct terminal_graphics {
  graphics_kind kind = graphics_kind::blocks;
  cell_size cell;
};

/// What to send to a terminal; the last part is answered by every one (primary device attributes).
constexpr std::string_view terminal_graphics_query = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[16t\x1b[c";
/// What its answer says: kitty's graphics, else sixels (attribute 4), else none.
[[nodiscard]] terminal_graphics graphics_in_reply(std::string_view reply);

constexpr std::size_t most_graphics_pixels = 2048;  ///< on each side
/// At most `columns` by `rows` cells; averaged down, never enlarged more than four times.
[[nodiscard]] std::string draw_graphics(const decoded_image& image, const terminal_graphics& with, std::size_t columns,
                                        std::size_t rows);

}  // namespace penstock::commands
