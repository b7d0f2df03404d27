#pragma once
// How an image is looked at: which part of it, how large, inverted or not; and the windows of grey. Pure.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tools/console/canvas.hpp"
#include "tools/penstock/image_decoder.hpp"

namespace penstock::console {

using commands::decoded_image;
using commands::grey_window;

/// Which part is seen. A zoom of 1 shows the whole image, as large as there is room.
struct picture_view {
  static constexpr double most_zoom = 32;
  double zoom = 1;
  double centre_x = 0.5;  ///< of the image
  double centre_y = 0.5;
  bool inverted = false;
  bool operator==(const picture_view&) const = default;

  /// Larger or smaller about its centre.
  void zoom_by(double factor);
  /// By parts of what is seen.
  void pan_by(double parts_x, double parts_y);
};

/// A window by its name. The image's own has none; the full range is that of each image.
struct window_preset {
  std::string_view name;
  std::optional<grey_window> window;
  bool full_range = false;
};
inline constexpr std::array window_presets{
    window_preset{"image's own", std::nullopt},         window_preset{"full range", std::nullopt, true},
    window_preset{"brain", grey_window{40, 80}},        window_preset{"subdural", grey_window{75, 215}},
    window_preset{"bone", grey_window{400, 1800}},      window_preset{"lung", grey_window{-600, 1500}},
    window_preset{"mediastinum", grey_window{50, 350}}, window_preset{"abdomen", grey_window{50, 400}},
    window_preset{"liver", grey_window{80, 150}}};

/// Width by steps of a sixteenth, the centre by sixteenths of the width. Never narrower than 1.
[[nodiscard]] grey_window changed_window(const grey_window& from, int centre_steps, int width_steps);
/// "40/400"
[[nodiscard]] std::string text_of(const grey_window& window);

/// Half blocks: each cell is two pixels, one above the other.
struct picture_cells {
  int columns = 0;
  int rows = 0;
  std::vector<std::uint32_t> upper;  ///< 0xRRGGBB, row by row
  std::vector<std::uint32_t> lower;
};
/// Outside the image is black.
[[nodiscard]] picture_cells cells_of(const decoded_image& image, const picture_view& view, int columns, int rows);
void draw_cells(canvas& on, int x, int y, const picture_cells& cells);

}  // namespace penstock::console
