#pragma once
// A table of any number of rows: only what is seen is drawn. The cursor and the marks are ids, so that no change of the
// rows ever moves them to another one.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tools/console/canvas.hpp"
#include "tools/console/keys.hpp"
#include "tools/console/row_view.hpp"

namespace penstock::console {

class data_table {
 public:
  /// `look_of` a cell: the column, and its raw value.
  using cell_look = std::function<role(std::size_t, std::string_view)>;

  data_table(const row_store& rows, std::vector<column_spec> columns, cell_look look_of);
  data_table(const data_table&) = delete;
  data_table& operator=(const data_table&) = delete;

  [[nodiscard]] row_view& view() { return view_; }
  [[nodiscard]] const row_view& view() const { return view_; }
  [[nodiscard]] const std::vector<column_spec>& columns() const { return columns_; }

  /// Takes in what has changed. The cursor stays on its row; when that is gone, on the one that took its place.
  void refresh();
  void draw(canvas& on, const rect& where, bool focused);
  /// False when the action is none of a table's.
  bool act(action what);

  [[nodiscard]] const std::string& cursor_id() const { return cursor_id_; }
  [[nodiscard]] const std::set<std::string>& marked() const { return marked_; }
  /// A sum over the values of the marked rows; counted again only when a mark or a row has changed.
  [[nodiscard]] std::uint64_t sum_of_marked(
      const std::function<std::uint64_t(const std::set<std::string>&)>& sum) const;
  /// The marked rows, shown or not; without any, the row of the cursor.
  [[nodiscard]] std::vector<std::string> chosen() const;
  /// Marked rows that filters hide.
  [[nodiscard]] std::size_t marked_unseen() const;
  [[nodiscard]] std::string value_at_cursor() const;
  /// The chosen rows with a heading, as people see them, separated by tabs.
  [[nodiscard]] std::string rows_as_text() const;
  /// The rows that are shown, in their order (RFC 4180).
  [[nodiscard]] std::string as_csv() const;

 private:
  void move_to(std::size_t position);
  void toggle(const std::string& id);
  void drop_marks_of_gone_rows();
  void extend(int by);
  void extend_to(std::size_t position);
  bool act_on_columns(action what);
  bool act_on_marks(action what);
  [[nodiscard]] std::vector<std::size_t> visible_columns(int width) const;
  void draw_header(canvas& on, const rect& where, const std::vector<std::size_t>& shown);
  void draw_row(canvas& on, const rect& where, std::size_t position, const std::vector<std::size_t>& shown,
                bool focused) const;
  [[nodiscard]] const std::string& id_at(std::size_t position) const;

  const row_store& rows_;
  std::vector<column_spec> columns_;
  cell_look look_of_;
  row_view view_;
  std::string cursor_id_;
  std::vector<std::string> seen_;  ///< ids of the lines as they were drawn last: what a click is meant for
  std::size_t position_ = 0;
  std::size_t top_ = 0;
  std::size_t page_ = 1;
  std::size_t column_ = 0;
  std::set<std::size_t> hidden_;
  std::set<std::string> marked_;
  std::uint64_t marks_version_ = 1;
  std::uint64_t erased_seen_ = 0;
  struct remembered {
    std::uint64_t marks = 0;
    std::uint64_t rows = 0;
    std::uint64_t value = 0;
  };
  mutable remembered sum_;
  mutable remembered unseen_;
};

}  // namespace penstock::console
