#pragma once
// The filters beside a table: check boxes with counts, and sliders for numbers and dates.

#include <set>
#include <string>
#include <vector>

#include "tools/console/canvas.hpp"
#include "tools/console/keys.hpp"
#include "tools/console/row_view.hpp"

namespace penstock::console {

class facet_panel {
 public:
  static constexpr int columns_wide = 30;
  static constexpr int slider_steps = 20;

  explicit facet_panel(const std::vector<column_spec>& columns) : columns_(columns) {}

  /// Counts anew; costs a look at every row.
  void count(const row_view& view);
  void draw(canvas& on, const rect& where, bool focused);
  /// True when the filter has changed.
  bool act(action what);
  /// What is chosen here, on top of what `base` has besides.
  [[nodiscard]] row_filter chosen(row_filter base) const;
  void clear();
  [[nodiscard]] bool changed_by_mouse();

 private:
  struct line {
    enum class kind { heading, value, slider } is = kind::heading;
    std::size_t column = 0;
    std::string value;
    std::size_t count = 0;
  };
  struct ends {
    double least = 0;
    double greatest = 0;
  };
  void draw_line(canvas& on, const rect& where, const line& one, bool under_cursor);
  void draw_slider(canvas& on, const rect& where, std::size_t column, const ink& look);
  bool toggle(const line& one);
  bool move_end(std::size_t column, bool upper, int steps);
  void drag_end(std::size_t column, const rect& track, int x);
  void keep_range(std::size_t column, value_range range);
  [[nodiscard]] value_range range_of(std::size_t column) const;
  void move(int by);

  const std::vector<column_spec>& columns_;
  std::vector<line> lines_;
  std::map<std::size_t, ends> ends_;
  std::map<std::size_t, std::set<std::string>> values_;
  std::map<std::size_t, value_range> ranges_;
  std::size_t cursor_ = 0;
  std::size_t top_ = 0;
  bool changed_by_mouse_ = false;
};

/// A measure as people read it: a day, or a number in the words of its column.
[[nodiscard]] std::string measure_text(const column_spec& column, double measure);

}  // namespace penstock::console
