#include "tools/console/list_tab.hpp"

#include <algorithm>

namespace penstock::console {

list_tab::list_tab(place kind, const row_store& rows, std::vector<column_spec> columns, data_table::cell_look look_of)
    : kind_(kind), rows_(rows), table_(rows, std::move(columns), std::move(look_of)), facets_(table_.columns()) {}

places list_tab::here() const {
  if (finding_) return in(place::text);
  return in_panel_ ? in(place::facets) : in(place::table, kind_);
}

void list_tab::refresh() {
  table_.refresh();
  if (!panel_shown_ || counted_version_ == rows_.version()) return;
  facets_.count(table_.view());
  counted_version_ = rows_.version();
}

void list_tab::apply_filter() {
  row_filter filter;
  filter.text = find_.text();
  if (!list_.empty()) filter.lists[list_column_] = list_;
  table_.view().set_filter(facets_.chosen(std::move(filter)));
  table_.refresh();
  if (panel_shown_) facets_.count(table_.view());
}

void list_tab::filter_by_list(std::size_t column, std::unordered_set<std::string> list) {
  list_column_ = column;
  list_ = std::move(list);
  apply_filter();
}

void list_tab::draw(canvas& on, const rect& where) {
  if (facets_.changed_by_mouse()) apply_filter();
  auto left = where;
  const bool beside = on.columns() >= columns_for_both;
  if (panel_shown_ && beside) left.width -= facet_panel::columns_wide;
  table_.draw(on, left, !in_panel_ && !finding_);
  if (panel_shown_)
    facets_.draw(on,
                 {where.x + where.width - facet_panel::columns_wide, where.y, facet_panel::columns_wide, where.height},
                 in_panel_);
  if (!finding_) return;
  const rect line{where.x, where.y + where.height - 1, where.width, 1};
  on.fill(line, {role::plain, role::panel});
  on.put(line.x, line.y, 2, "/", {role::accent, role::panel});
  find_.draw(on, {line.x + 2, line.y, line.width - 2, 1}, {role::plain, role::panel});
}

bool list_tab::step_back() {
  if (in_panel_) {
    in_panel_ = false;
    return true;
  }
  const bool filtered = !table_.view().filter().empty();
  facets_.clear();
  list_.clear();
  find_.set_text("");
  if (filtered) apply_filter();
  return true;
}

bool list_tab::act(action what) {
  switch (what) {
    case action::back:
      return step_back();
    case action::find:
      finding_ = true;
      in_panel_ = false;
      return true;
    case action::filters:
      panel_shown_ = !panel_shown_;
      in_panel_ = panel_shown_;
      if (panel_shown_) facets_.count(table_.view());
      counted_version_ = rows_.version();
      return true;
    case action::next_pane:
      in_panel_ = panel_shown_ && !in_panel_;
      return true;
    default:
      break;
  }
  if (!in_panel_) return table_.act(what);
  if (facets_.act(what)) apply_filter();
  return true;
}

void list_tab::take_find_key(const key_press& key) {
  if (key.name == "Enter") {
    finding_ = false;
  } else if (key.name == "Escape") {
    finding_ = false;
    find_.set_text("");
  } else if (key.name == "Up" || key.name == "Down") {
    table_.act(key.name == "Up" ? action::up : action::down);
  } else {
    find_.take(key);
  }
  apply_filter();
}

void list_tab::paste_into_find(const std::string& text) {
  find_.paste(text);
  apply_filter();
}

std::string list_tab::summary() const {
  const auto shown = table_.view().order().size();
  auto text =
      shown == rows_.size() ? std::to_string(shown) : std::to_string(shown) + " of " + std::to_string(rows_.size());
  text += rows_.size() == 1 ? " row" : " rows";
  if (const auto marked = table_.marked().size(); marked != 0) {
    text += " · " + std::to_string(marked) + " chosen";
    if (const auto unseen = table_.marked_unseen(); unseen != 0) text += " (" + std::to_string(unseen) + " hidden)";
  }
  if (!find_.text().empty()) text += " · find “" + find_.text() + "”";
  if (!list_.empty()) text += " · list of " + std::to_string(list_.size());
  return text;
}

}  // namespace penstock::console
