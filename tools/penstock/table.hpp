#pragma once
// Aligned tables for people.

#include <cstddef>
#include <string>
#include <vector>

namespace penstock::commands {

enum class alignment { left, right };
enum class tint { none, good, bad, busy, faint };

struct column {
  std::string heading;
  alignment align = alignment::left;
};

struct cell {
  std::string text;  ///< any text: made printable when the table is drawn
  tint colour = tint::none;

  cell(std::string shown, tint shade = tint::none) : text(std::move(shown)), colour(shade) {}  // NOLINT
  cell(const char* shown) : text(shown) {}                                                     // NOLINT
};

struct table_style {
  bool colours = false;
  std::size_t columns = 0;  ///< width of the terminal; 0 = as wide as it gets
};

class table {
 public:
  explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  /// Heading, then a line for each row; two spaces between columns, no trailing space.
  [[nodiscard]] std::string text(const table_style& style) const;

 private:
  [[nodiscard]] std::vector<std::size_t> widths(std::size_t terminal_columns) const;

  std::vector<column> columns_;
  std::vector<std::vector<cell>> rows_;
};

/// `text` in the colour of `shade`, or as it is.
[[nodiscard]] std::string coloured(const std::string& text, tint shade, bool colours);

}  // namespace penstock::commands
