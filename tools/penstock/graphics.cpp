#include "tools/penstock/graphics.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "storage/secret_bytes.hpp"

namespace penstock::commands {
namespace {

constexpr std::size_t grey_levels = 64;
constexpr std::size_t cube_side = 6;
constexpr std::size_t kitty_chunk_bytes = 4096;
constexpr double largest_enlargement = 4.0;

/// Red, green and blue of each pixel, row by row.
struct raster {
  std::size_t width = 0;
  std::size_t height = 0;
  std::vector<std::uint8_t> rgb;
};

/// The mean of the pixels that fall into each of the new ones.
raster scaled(const decoded_image& image, std::size_t width, std::size_t height) {
  raster made{width, height, std::vector<std::uint8_t>(width * height * 3)};
  const std::size_t samples = image.colour ? 3 : 1;
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x) {
      const auto x0 = x * image.width / width;
      const auto x1 = std::max(x0 + 1, (x + 1) * image.width / width);
      const auto y0 = y * image.height / height;
      const auto y1 = std::max(y0 + 1, (y + 1) * image.height / height);
      std::array<std::uint64_t, 3> sum{};
      for (auto row = y0; row < y1; ++row)
        for (auto column = x0; column < x1; ++column)
          for (std::size_t s = 0; s < samples; ++s) sum[s] += image.pixels[(row * image.width + column) * samples + s];
      for (std::size_t s = 0; s < 3; ++s)
        made.rgb[(y * width + x) * 3 + s] =
            static_cast<std::uint8_t>(sum[samples == 3 ? s : 0] / ((x1 - x0) * (y1 - y0)));
    }
  return made;
}

raster fitted_raster(const decoded_image& image, std::size_t wide, std::size_t high) {
  const auto scale =
      std::min({static_cast<double>(std::min(wide, most_graphics_pixels)) / image.width,
                static_cast<double>(std::min(high, most_graphics_pixels)) / image.height, largest_enlargement});
  const auto part = [&](std::uint32_t of) { return std::max<std::size_t>(1, static_cast<std::size_t>(of * scale)); };
  return scaled(image, part(image.width), part(image.height));
}

std::size_t colour_register(const raster& image, bool colour, std::size_t pixel) {
  const auto* rgb = &image.rgb[pixel * 3];
  if (!colour) return rgb[0] * (grey_levels - 1) / 255U;
  const auto step = [](std::uint8_t v) { return (std::size_t{v} * (cube_side - 1) + 127) / 255; };
  return (step(rgb[0]) * cube_side + step(rgb[1])) * cube_side + step(rgb[2]);
}

/// "#N;2;R;G;B": percent.
std::string colour_definitions(bool colour) {
  std::string text;
  const auto count = colour ? cube_side * cube_side * cube_side : grey_levels;
  for (std::size_t i = 0; i < count; ++i) {
    const auto percent = [&](std::size_t divisor) {
      return std::to_string(colour ? i / divisor % cube_side * 100 / (cube_side - 1) : i * 100 / (grey_levels - 1));
    };
    text +=
        "#" + std::to_string(i) + ";2;" + percent(cube_side * cube_side) + ";" + percent(cube_side) + ";" + percent(1);
  }
  return text;
}

void add_run(std::string& to, char sixel, std::size_t count) {
  if (count > 3)
    to += "!" + std::to_string(count) + sixel;
  else
    to.append(count, sixel);
}

/// Six rows of pixels: for each colour in them, which of the six has it, column by column.
std::string sixel_band(const raster& image, const std::vector<std::size_t>& registers, std::size_t top) {
  const auto bottom = std::min(top + 6, image.height);
  std::vector<std::size_t> used{registers.begin() + static_cast<std::ptrdiff_t>(top * image.width),
                                registers.begin() + static_cast<std::ptrdiff_t>(bottom * image.width)};
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  std::string band;
  for (const auto colour : used) {
    band += (band.empty() ? "#" : "$#") + std::to_string(colour);
    char last = 0;
    std::size_t run = 0;
    for (std::size_t x = 0; x < image.width; ++x) {
      unsigned bits = 0;
      for (auto y = top; y < bottom; ++y)
        if (registers[y * image.width + x] == colour) bits |= 1U << (y - top);
      const auto sixel = static_cast<char>('?' + bits);
      if (sixel != last) {
        if (run != 0) add_run(band, last, run);
        last = sixel;
        run = 0;
      }
      ++run;
    }
    add_run(band, last, run);
  }
  return band + "-";
}

std::string draw_sixels(const raster& image, bool colour) {
  std::vector<std::size_t> registers(image.width * image.height);
  for (std::size_t i = 0; i < registers.size(); ++i) registers[i] = colour_register(image, colour, i);
  std::string text =
      "\x1bPq\"1;1;" + std::to_string(image.width) + ";" + std::to_string(image.height) + colour_definitions(colour);
  for (std::size_t top = 0; top < image.height; top += 6) text += sixel_band(image, registers, top);
  return text + "\x1b\\\n";
}

std::string draw_kitty(const raster& image) {
  const auto encoded = storage::to_base64(image.rgb);
  std::string text;
  for (std::size_t at = 0; at < encoded.size(); at += kitty_chunk_bytes) {
    const bool more = at + kitty_chunk_bytes < encoded.size();
    const std::string head =
        at != 0 ? "" : "a=T,f=24,q=2,s=" + std::to_string(image.width) + ",v=" + std::to_string(image.height) + ",";
    text += "\x1b_G" + head + (more ? "m=1;" : "m=0;") + encoded.substr(at, kitty_chunk_bytes) + "\x1b\\";
  }
  return text + "\n";
}

/// The numbers of "ESC [ <first> A;B;C <last>" in a reply.
std::vector<std::size_t> numbers_between(std::string_view reply, std::string_view first, char last) {
  std::vector<std::size_t> numbers;
  const auto begin = reply.find(first);
  if (begin == std::string_view::npos) return numbers;
  auto text = reply.substr(begin + first.size());
  const auto end = text.find(last);
  if (end == std::string_view::npos) return numbers;
  numbers.push_back(0);
  for (const char c : text.substr(0, end)) {
    if (c == ';')
      numbers.push_back(0);
    else if (c >= '0' && c <= '9' && numbers.back() < 100'000)
      numbers.back() = numbers.back() * 10 + static_cast<std::size_t>(c - '0');
  }
  return numbers;
}

}  // namespace

terminal_graphics graphics_in_reply(std::string_view reply) {
  terminal_graphics found;
  const auto attributes = numbers_between(reply, "\x1b[?", 'c');
  if (reply.find("\x1b_Gi=31;OK") != std::string_view::npos)
    found.kind = graphics_kind::kitty;
  else if (std::find(attributes.begin(), attributes.end(), 4U) != attributes.end())
    found.kind = graphics_kind::sixel;
  const auto cell = numbers_between(reply, "\x1b[6;", 't');
  if (cell.size() == 2 && cell[0] != 0 && cell[1] != 0) found.cell = {cell[1], cell[0]};
  return found;
}

std::string draw_graphics(const decoded_image& image, const terminal_graphics& with, std::size_t columns,
                          std::size_t rows) {
  if (image.width == 0 || image.height == 0 || columns == 0 || rows == 0) return {};
  const auto fits = fitted_raster(image, columns * with.cell.width, rows * with.cell.height);
  return with.kind == graphics_kind::kitty ? draw_kitty(fits) : draw_sixels(fits, image.colour);
}

}  // namespace penstock::commands
