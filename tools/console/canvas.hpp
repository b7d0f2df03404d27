#pragma once
// The one surface that everything of the console is drawn on: a grid of cells, with places that take the mouse. It
// knows no terminal: tests print it as text, frame.hpp sends what has changed of it.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::console {

struct rect {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
  [[nodiscard]] bool contains(int column, int row) const {
    return column >= x && column < x + width && row >= y && row < y + height;
  }
};

/// What a cell means; a theme says how that looks.
enum class role : std::uint8_t {
  plain,
  faint,
  accent,
  good,
  busy,
  warning,
  bad,
  heading,
  cursor,  ///< ground of the row that keys act on
  marked,  ///< ground of a row that was chosen
  panel,   ///< ground of what lies over or beside a table
  used,
  chosen,
  queued,
  count
};

struct ink {
  role text = role::plain;
  role ground = role::plain;
  bool bold = false;
  std::optional<std::uint32_t> text_rgb{};    ///< of pictures: 0xRRGGBB
  std::optional<std::uint32_t> ground_rgb{};  ///< likewise
  bool operator==(const ink&) const = default;
};

struct cell {
  std::string text = " ";  ///< one cluster; empty: the right half of a wide one
  ink look{};
  bool operator==(const cell&) const = default;
};

enum class mouse_kind { press, drag, release, wheel_up, wheel_down };
struct mouse_event {
  mouse_kind kind = mouse_kind::press;
  int x = 0;
  int y = 0;
  bool shift = false;
};
using mouse_handler = std::function<void(const mouse_event&)>;

enum class side { left, right };

/// Text may be hostile: what a terminal would obey is drawn as a visible escape, and a cluster has a limit.
class canvas {
 public:
  canvas(int columns, int rows);
  [[nodiscard]] int columns() const { return columns_; }
  [[nodiscard]] int rows() const { return rows_; }
  [[nodiscard]] rect all() const { return {0, 0, columns_, rows_}; }
  [[nodiscard]] const cell& at(int x, int y) const;

  /// Blank, and no place takes the mouse.
  void clear();
  /// At most `width` columns, ending in U+2026 when something was cut; how many columns it took.
  int put(int x, int y, int width, std::string_view text, const ink& look = {});
  /// The same in a field of exactly `width` columns.
  void put_field(int x, int y, int width, std::string_view text, const ink& look = {}, side align = side::left);
  void fill(const rect& where, const ink& look);
  /// A frame with a title; what is inside is blank.
  void box(const rect& where, std::string_view title, const ink& look = {});
  /// What is drawn later takes the mouse first.
  void on_mouse(const rect& where, mouse_handler handler);
  /// False when nothing there takes the mouse.
  bool send_mouse(const mouse_event& event) const;
  void show_cursor(int x, int y) { cursor_ = {x, y}; }
  [[nodiscard]] std::optional<std::pair<int, int>> cursor() const { return cursor_; }

  /// Its lines, without trailing blanks.
  [[nodiscard]] std::string text() const;

 private:
  void put_cluster(int x, int y, std::string cluster, int width, const ink& look);

  int columns_;
  int rows_;
  std::vector<cell> cells_;
  std::vector<std::pair<rect, mouse_handler>> places_;
  std::optional<std::pair<int, int>> cursor_;
};

/// Columns of `text` as a canvas draws it.
[[nodiscard]] int width_of(std::string_view text);

}  // namespace penstock::console
