#include "tools/console/picture_view.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "tools/penstock/picture.hpp"

namespace penstock::console {
namespace {

constexpr std::string_view half_block = "▀";
constexpr int steps_of_window = 16;

std::string rounded(double value) {
  return std::to_string(static_cast<long long>(std::llround(std::clamp(value, -1e15, 1e15))));
}

/// Pixels of the image from a cell's border to the next, on one axis.
struct axis {
  double begin = 0;          ///< of the first cell
  double pixels_a_cell = 1;  ///< of the image
  std::uint32_t pixels = 0;  ///< of the image in all

  /// Empty when the cell lies outside.
  [[nodiscard]] std::pair<std::size_t, std::size_t> of_cell(int cell) const {
    const auto from = begin + cell * pixels_a_cell;
    const auto middle = from + pixels_a_cell / 2;
    if (middle < 0 || middle >= pixels) return {0, 0};
    const auto first = static_cast<std::size_t>(std::max(from, 0.0));
    const auto last = static_cast<std::size_t>(std::clamp(from + pixels_a_cell, 0.0, static_cast<double>(pixels)));
    return {std::min<std::size_t>(first, pixels - 1), std::max(last, first + 1)};
  }
};

std::uint32_t value_of(const commands::rgb& colour, bool inverted) {
  const auto value = std::uint32_t{colour.red} << 16 | std::uint32_t{colour.green} << 8 | colour.blue;
  return inverted ? value ^ 0xffffffU : value;
}

}  // namespace

void picture_view::zoom_by(double factor) {
  zoom = std::clamp(zoom * factor, 1.0, most_zoom);
  if (zoom == 1.0) centre_x = centre_y = 0.5;
}

void picture_view::pan_by(double parts_x, double parts_y) {
  centre_x = std::clamp(centre_x + parts_x / zoom, 0.0, 1.0);
  centre_y = std::clamp(centre_y + parts_y / zoom, 0.0, 1.0);
}

grey_window changed_window(const grey_window& from, int centre_steps, int width_steps) {
  auto window = from;
  const auto step = std::max(std::abs(from.width) / steps_of_window, 1.0);
  window.centre += centre_steps * step;
  window.width = std::clamp(from.width + width_steps * step, 1.0, 1e6);
  return window;
}

std::string text_of(const grey_window& window) { return rounded(window.centre) + "/" + rounded(window.width); }

picture_cells cells_of(const decoded_image& image, const picture_view& view, int columns, int rows) {
  picture_cells cells{columns, rows, {}, {}};
  if (columns <= 0 || rows <= 0 || image.width == 0 || image.height == 0) return cells;
  const auto lines = 2 * rows;
  const auto fit = std::max(double{1} * image.width / columns, double{1} * image.height / lines);
  const auto pixels_a_cell = fit / view.zoom;
  const axis across{view.centre_x * image.width - pixels_a_cell * columns / 2, pixels_a_cell, image.width};
  const axis down{view.centre_y * image.height - pixels_a_cell * lines / 2, pixels_a_cell, image.height};
  for (int line = 0; line < lines; ++line) {
    const auto [top, bottom] = down.of_cell(line);
    for (int column = 0; column < columns; ++column) {
      const auto [left, right] = across.of_cell(column);
      const bool outside = bottom == 0 || right == 0;
      const auto value = outside ? 0 : value_of(commands::mean_of(image, {left, top, right, bottom}), view.inverted);
      (line % 2 == 0 ? cells.upper : cells.lower).push_back(value);
    }
  }
  return cells;
}

void draw_cells(canvas& on, int x, int y, const picture_cells& cells) {
  for (int row = 0; row < cells.rows; ++row)
    for (int column = 0; column < cells.columns; ++column) {
      const auto index = static_cast<std::size_t>(row * cells.columns + column);
      on.put(x + column, y + row, 1, half_block,
             {role::plain, role::plain, false, cells.upper[index], cells.lower[index]});
    }
}

}  // namespace penstock::console
