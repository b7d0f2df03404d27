#include "tools/console/list_tab.hpp"

#include <algorithm>
#include <cctype>
#include <ctime>

#include "tools/console/changes.hpp"

namespace penstock::console {
namespace {

std::string export_name(std::string_view tab) {
  const auto now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[64];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S.csv", &local);
  auto name = "penstock-" + std::string{tab} + "-" + text;
  for (auto& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

}  // namespace

list_tab::list_tab(desk& at, place kind, const row_store& rows, std::vector<column_spec> columns,
                   data_table::cell_look look_of)
    : at_(at),
      kind_(kind),
      rows_(rows),
      table_(rows, std::move(columns), std::move(look_of)),
      facets_(table_.columns()) {}

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

void list_tab::draw(canvas& on, const rect& whole) {
  const rect where{whole.x, whole.y, whole.width, whole.height - 1};
  auto line_below = summary();
  if (const auto more = more_summary(); !more.empty()) line_below += " · " + more;
  const bool empty = table_.view().order().empty();
  on.put(whole.x + 1, whole.y + whole.height - 1, whole.width - 2, empty && reading() ? "reading…" : line_below,
         {role::faint});
  draw_rows(on, where);
  if (empty && !reading())
    on.put(where.x + 3, where.y + 2, where.width - 6,
           table_.view().filter().empty() ? empty_text() : "Nothing fits the filters; Escape clears them.",
           {role::faint});
}

void list_tab::draw_rows(canvas& on, const rect& where) {
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
  if (act_on_text(what)) return true;
  if (!in_panel_) return table_.act(what) || act_on_rows(what);
  if (facets_.act(what)) apply_filter();
  return false;  // another tab may be meant
}

bool list_tab::act_on_text(action what) {
  switch (what) {
    case action::open:
      if (const auto id = table_.cursor_id(); !id.empty()) open_row(id);
      return true;
    case action::copy_cell:
      copy(table_.value_at_cursor(), "the value");
      return true;
    case action::copy_rows:
      copy(table_.rows_as_text(), count_of(table_.chosen().size(), "row", "rows"));
      return true;
    case action::export_rows:
      ask_for_export();
      return true;
    default:
      return false;
  }
}

void list_tab::copy(const std::string& text, const std::string& what) {
  if (at_.copy(text))
    at_.say("copied " + what + "; if nothing arrives, the terminal does not allow it (OSC 52)");
  else
    at_.say("that is too much for a clipboard: export it with e", role::warning);
}

void list_tab::ask_for_export() {
  const auto rows = count_of(table_.view().order().size(), "row", "rows");
  at_.lay_over(std::make_unique<text_box>(
      "Export to CSV", rows + ", as they are shown; the file will hold identifiers of patients",
      text_field::with(export_name(name())), [this](const std::string& path) { write_export(path); }, false));
}

void list_tab::write_export(const std::string& path) {
  if (path.empty()) return;
  const auto problem = write_new_file(path, table_.as_csv());
  if (problem.empty()) return at_.say("written: " + path, role::good);
  at_.say(path + ": " + problem, role::bad);
}

std::string list_tab::typing_hint() const { return "type to find  Up Down move  Enter keep  Escape clear"; }

void list_tab::type(const key_press& key) {
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

void list_tab::paste(const std::string& text) {
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
