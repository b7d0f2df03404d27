#include "tools/console/data_table.hpp"

#include <algorithm>

#include "tools/penstock/display_text.hpp"

namespace penstock::console {
namespace {

constexpr int sign_columns = 3;
constexpr int gap = 1;
constexpr std::size_t wheel_rows = 3;

std::string quoted(const std::string& value) {
  if (value.find_first_of(",\"\r\n") == std::string::npos) return value;
  std::string text = "\"";
  for (const char c : value) text += c == '"' ? std::string{"\"\""} : std::string{c};
  return text + "\"";
}

}  // namespace

data_table::data_table(const row_store& rows, std::vector<column_spec> columns, cell_look look_of)
    : rows_(rows), columns_(std::move(columns)), look_of_(std::move(look_of)), view_(rows_, columns_) {}

const std::string& data_table::id_at(std::size_t position) const { return rows_.id(view_.order().at(position)); }

void data_table::refresh() {
  view_.refresh();
  drop_marks_of_gone_rows();
  const auto count = view_.order().size();
  if (const auto now = view_.position_of(cursor_id_))
    position_ = *now;
  else
    position_ = std::min(position_, count == 0 ? 0 : count - 1);
  cursor_id_ = count == 0 ? "" : id_at(position_);
}

void data_table::move_to(std::size_t position) {
  const auto count = view_.order().size();
  if (count == 0) return;
  position_ = std::min(position, count - 1);
  cursor_id_ = id_at(position_);
}

void data_table::toggle(const std::string& id) {
  if (marked_.erase(id) == 0) marked_.insert(id);
  ++marks_version_;
}

void data_table::drop_marks_of_gone_rows() {
  if (erased_seen_ == rows_.erased()) return;
  erased_seen_ = rows_.erased();
  ++marks_version_;
  for (auto id = marked_.begin(); id != marked_.end();) id = rows_.find(*id) ? std::next(id) : marked_.erase(id);
}

void data_table::extend_to(std::size_t position) {
  const auto last = std::min(position, view_.order().size() - 1);
  for (auto at = std::min(position_, last); at <= std::max(position_, last); ++at) marked_.insert(id_at(at));
  ++marks_version_;
  move_to(last);
}

void data_table::extend(int by) {
  if (view_.order().empty()) return;
  extend_to(by < 0 ? position_ - std::min<std::size_t>(position_, 1) : position_ + 1);
}

bool data_table::act_on_columns(action what) {
  switch (what) {
    case action::sort:
      view_.sort_by(column_, view_.sort_column() == column_ && !view_.descending());
      break;
    case action::reverse:
      view_.sort_by(view_.sort_column(), !view_.descending());
      break;
    case action::next_column:
    case action::previous_column:
      for (auto to = column_; what == action::next_column ? ++to < columns_.size() : to-- > 0;)
        if (!hidden_.contains(to)) {
          column_ = to;
          break;
        }
      return true;
    case action::hide_column:
      if (hidden_.size() + 1 < columns_.size()) hidden_.insert(column_);
      while (hidden_.contains(column_)) column_ = (column_ + 1) % columns_.size();
      return true;
    case action::show_columns:
      hidden_.clear();
      return true;
    default:
      return false;
  }
  refresh();
  return true;
}

bool data_table::act_on_marks(action what) {
  switch (what) {
    case action::mark:
      if (!cursor_id_.empty()) toggle(cursor_id_);
      move_to(position_ + 1);
      return true;
    case action::extend_up:
      extend(-1);
      return true;
    case action::extend_down:
      extend(1);
      return true;
    case action::invert_marks:
      for (const auto at : view_.order()) toggle(rows_.id(at));
      return true;
    case action::clear_marks:
      marked_.clear();
      ++marks_version_;
      return true;
    default:
      return false;
  }
}

bool data_table::act(action what) {
  switch (what) {
    case action::up:
      move_to(position_ - std::min<std::size_t>(position_, 1));
      return true;
    case action::down:
      move_to(position_ + 1);
      return true;
    case action::page_up:
      move_to(position_ - std::min(position_, page_));
      return true;
    case action::page_down:
      move_to(position_ + page_);
      return true;
    case action::first:
      move_to(0);
      return true;
    case action::last:
      move_to(view_.order().size());
      return true;
    default:
      return act_on_marks(what) || act_on_columns(what);
  }
}

std::vector<std::size_t> data_table::visible_columns(int width) const {
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < columns_.size(); ++i)
    if (!hidden_.contains(i)) shown.push_back(i);
  const auto fits_up_to = [&](std::size_t begin) {
    int used = sign_columns;
    std::size_t end = begin;
    while (end < shown.size() && used + columns_[shown[end]].width <= width) used += columns_[shown[end++]].width + gap;
    return std::max(end, begin + 1);
  };
  std::size_t begin = 0;
  while (begin + 1 < shown.size()) {
    const auto end = std::min(fits_up_to(begin), shown.size());
    if (std::find(shown.begin() + static_cast<std::ptrdiff_t>(begin), shown.begin() + static_cast<std::ptrdiff_t>(end),
                  column_) != shown.begin() + static_cast<std::ptrdiff_t>(end))
      break;
    ++begin;
  }
  if (shown.empty()) return shown;
  const auto end = std::min(fits_up_to(begin), shown.size());
  return {shown.begin() + static_cast<std::ptrdiff_t>(begin), shown.begin() + static_cast<std::ptrdiff_t>(end)};
}

void data_table::draw_header(canvas& on, const rect& where, const std::vector<std::size_t>& shown) {
  on.fill({where.x, where.y, where.width, 1}, {role::heading, role::heading});
  int x = where.x + sign_columns;
  for (const auto column : shown) {
    const auto& spec = columns_[column];
    const int width = std::min(spec.width, where.x + where.width - x);
    auto title = spec.title;
    if (view_.sort_column() == column) {
      title = commands::fitted(title, static_cast<std::size_t>(std::max(width - 2, 0)));
      title += view_.descending() ? " ▼" : " ▲";
    }
    ink look{role::heading, role::heading};
    if (column == column_) look.text = role::accent;
    on.put_field(x, where.y, width, title, look, spec.kind == value_kind::number ? side::right : side::left);
    on.on_mouse({x, where.y, width, 1}, [this, column](const mouse_event& event) {
      if (event.kind != mouse_kind::press) return;
      column_ = column;
      act_on_columns(action::sort);
    });
    x += spec.width + gap;
  }
}

void data_table::draw_row(canvas& on, const rect& where, std::size_t position, const std::vector<std::size_t>& shown,
                          bool focused) const {
  const auto at = view_.order()[position];
  const auto& id = rows_.id(at);
  const bool marked = marked_.contains(id);
  const bool under_cursor = position == position_;
  const auto ground = under_cursor && focused ? role::cursor : marked ? role::marked : role::plain;
  on.fill(where, {role::plain, ground});
  if (under_cursor) on.put(where.x, where.y, 1, "▸", {role::accent, ground});
  if (marked) on.put(where.x + 1, where.y, 1, "◉", {role::accent, ground});
  int x = where.x + sign_columns;
  for (const auto column : shown) {
    const auto& spec = columns_[column];
    const int width = std::min(spec.width, where.x + where.width - x);
    on.put_field(x, where.y, width, view_.shown(at, column), {look_of_(column, rows_.value(at, column)), ground},
                 spec.kind == value_kind::number ? side::right : side::left);
    x += spec.width + gap;
  }
}

void data_table::draw(canvas& on, const rect& where, bool focused) {
  if (where.height < 2 || where.width < sign_columns + 1) return;
  page_ = static_cast<std::size_t>(where.height - 1);
  const auto count = view_.order().size();
  if (position_ < top_) top_ = position_;
  if (position_ >= top_ + page_) top_ = position_ - page_ + 1;
  top_ = std::min(top_, count > page_ ? count - page_ : 0);
  const auto shown = visible_columns(where.width);
  seen_.clear();
  for (std::size_t line = 0; line < page_ && top_ + line < count; ++line) {
    seen_.push_back(id_at(top_ + line));
    draw_row(on, {where.x, where.y + 1 + static_cast<int>(line), where.width, 1}, top_ + line, shown, focused);
  }
  on.on_mouse({where.x, where.y + 1, where.width, where.height - 1}, [this, where](const mouse_event& event) {
    if (event.kind == mouse_kind::wheel_up) return move_to(position_ - std::min(position_, wheel_rows));
    if (event.kind == mouse_kind::wheel_down) return move_to(position_ + wheel_rows);
    const auto line = static_cast<std::size_t>(event.y - where.y - 1);
    if (event.kind != mouse_kind::press || line >= seen_.size()) return;
    const auto position = view_.position_of(seen_[line]);
    if (!position) return;
    if (event.shift) return extend_to(*position);
    move_to(*position);
    if (event.x < where.x + sign_columns) toggle(cursor_id_);
  });
  draw_header(on, where, shown);
}

std::vector<std::string> data_table::chosen() const {
  if (!marked_.empty()) return {marked_.begin(), marked_.end()};
  if (cursor_id_.empty()) return {};
  return {cursor_id_};
}

std::size_t data_table::marked_unseen() const {
  if (view_.filter().empty()) return 0;
  if (unseen_.marks == marks_version_ && unseen_.rows == view_.version()) return unseen_.value;
  std::size_t unseen = 0;
  for (const auto& id : marked_)
    if (!view_.position_of(id)) ++unseen;
  unseen_ = {marks_version_, view_.version(), unseen};
  return unseen;
}

std::uint64_t data_table::sum_of_marked(const std::function<std::uint64_t(const std::set<std::string>&)>& sum) const {
  if (sum_.marks != marks_version_ || sum_.rows != rows_.version())
    sum_ = {marks_version_, rows_.version(), sum(marked_)};
  return sum_.value;
}

std::string data_table::value_at_cursor() const {
  const auto at = rows_.find(cursor_id_);
  return at ? view_.shown(*at, column_) : "";
}

std::string data_table::rows_as_text() const {
  std::string text;
  for (std::size_t i = 0; i < columns_.size(); ++i) text += (i == 0 ? "" : "\t") + columns_[i].title;
  text += "\n";
  for (const auto& id : chosen()) {
    const auto at = rows_.find(id);
    if (!at) continue;
    for (std::size_t i = 0; i < columns_.size(); ++i) text += (i == 0 ? "" : "\t") + view_.shown(*at, i);
    text += "\n";
  }
  return text;
}

std::string data_table::as_csv() const {
  std::string text;
  for (std::size_t i = 0; i < columns_.size(); ++i) text += (i == 0 ? "" : ",") + quoted(columns_[i].title);
  text += "\r\n";
  for (const auto at : view_.order()) {
    for (std::size_t i = 0; i < columns_.size(); ++i)
      text += (i == 0 ? "" : ",") + quoted(std::string{rows_.value(at, i)});
    text += "\r\n";
  }
  return text;
}

}  // namespace penstock::console
