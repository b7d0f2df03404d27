#pragma once
// A tab that is a table: filters beside it, find as you type below it.

#include <chrono>
#include <string>
#include <unordered_set>
#include <vector>

#include "tools/console/data_table.hpp"
#include "tools/console/facet_panel.hpp"
#include "tools/console/input.hpp"
#include "tools/console/text_field.hpp"

namespace penstock::console {

class list_tab {
 public:
  /// Below so many columns the filters lie over the table.
  static constexpr int columns_for_both = 100;

  list_tab(place kind, const row_store& rows, std::vector<column_spec> columns, data_table::cell_look look_of);

  [[nodiscard]] data_table& table() { return table_; }
  [[nodiscard]] const data_table& table() const { return table_; }
  [[nodiscard]] places here() const;
  [[nodiscard]] bool finding() const { return finding_; }
  /// Rows of which a value of the column is in the list; an empty list is no filter.
  void filter_by_list(std::size_t column, std::unordered_set<std::string> list);

  void refresh();
  void draw(canvas& on, const rect& where);
  /// False when the action is none of a list's.
  bool act(action what);
  /// A key while finding; false when it ended that.
  void take_find_key(const key_press& key);
  void paste_into_find(const std::string& text);
  /// "12 of 340 rows · 2 chosen (1 hidden) · find “abc”"
  [[nodiscard]] std::string summary() const;

 private:
  void apply_filter();
  bool step_back();

  place kind_;
  const row_store& rows_;
  data_table table_;
  facet_panel facets_;
  std::unordered_set<std::string> list_;
  std::size_t list_column_ = 0;
  text_field find_;
  bool finding_ = false;
  bool panel_shown_ = false;
  bool in_panel_ = false;
  std::uint64_t counted_version_ = 0;
};

}  // namespace penstock::console
