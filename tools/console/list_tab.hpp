#pragma once
// A tab that is a table: filters beside it, find as you type below it, a line that sums it up at the end.

#include <chrono>
#include <string>
#include <unordered_set>
#include <vector>

#include "tools/console/data_table.hpp"
#include "tools/console/facet_panel.hpp"
#include "tools/console/tab.hpp"
#include "tools/console/text_field.hpp"

namespace penstock::console {

class list_tab : public tab {
 public:
  /// Below so many columns the filters lie over the table.
  static constexpr int columns_for_both = 100;

  list_tab(desk& at, place kind, const row_store& rows, std::vector<column_spec> columns,
           data_table::cell_look look_of);

  [[nodiscard]] data_table& table() { return table_; }
  [[nodiscard]] const data_table& table() const { return table_; }
  [[nodiscard]] places here() const override;
  void refresh() override;
  void draw(canvas& on, const rect& where) override;
  bool act(action what) override;
  [[nodiscard]] bool typing() const override { return finding_; }
  void type(const key_press& key) override;
  void paste(const std::string& text) override;
  [[nodiscard]] std::string typing_hint() const override;

 protected:
  [[nodiscard]] desk& at() const { return at_; }
  /// What is done with the chosen rows of this kind; false when the action is none of its.
  virtual bool act_on_rows(action what) = 0;
  /// Shows all there is to know of the row under the cursor.
  virtual void open_row(const std::string& id) = 0;
  /// What stands in the place of rows when there are none and no filter hides them.
  [[nodiscard]] virtual std::string empty_text() const = 0;
  [[nodiscard]] virtual bool reading() const = 0;
  /// What the last line says besides the rows.
  [[nodiscard]] virtual std::string more_summary() const { return {}; }
  /// Rows of which a value of the column is in the list; an empty list is no filter.
  void filter_by_list(std::size_t column, std::unordered_set<std::string> list);

 private:
  /// "12 of 340 rows · 2 chosen (1 hidden) · find “abc”"
  [[nodiscard]] std::string summary() const;
  void draw_rows(canvas& on, const rect& where);
  bool act_on_text(action what);
  void copy(const std::string& text, const std::string& what);
  void ask_for_export();
  void write_export(const std::string& path);
  void apply_filter();
  bool step_back();

  desk& at_;
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
