#include "tools/console/facet_panel.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

namespace penstock::console {

std::string measure_text(const column_spec& column, double measure) {
  if (column.kind != value_kind::time) {
    const auto whole = std::to_string(static_cast<long long>(std::llround(measure)));
    return column.shown ? column.shown(whole) : whole;
  }
  const std::chrono::sys_days day{std::chrono::days{static_cast<int>(measure)}};
  const std::chrono::year_month_day date{day};
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()));
  return text;
}

void facet_panel::count(const row_view& view) {
  lines_.clear();
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    if (!columns_[column].facet) continue;
    const auto counted = view.count(column);
    const bool slides = columns_[column].kind != value_kind::text;
    if (slides && counted.least == counted.greatest) continue;  // nothing to choose
    lines_.push_back({line::kind::heading, column, "", 0});
    if (slides) {
      ends_[column] = {counted.least, counted.greatest};
      lines_.push_back({line::kind::slider, column, "", 0});
      continue;
    }
    for (const auto& [value, number] : counted.values) lines_.push_back({line::kind::value, column, value, number});
  }
  if (cursor_ >= lines_.size()) cursor_ = 0;
  if (cursor_ < lines_.size() && lines_[cursor_].is == line::kind::heading) move(1);
}

value_range facet_panel::range_of(std::size_t column) const {
  const auto chosen = ranges_.find(column);
  if (chosen != ranges_.end()) return chosen->second;
  const auto known = ends_.find(column);
  return known == ends_.end() ? value_range{} : value_range{known->second.least, known->second.greatest};
}

void facet_panel::draw_slider(canvas& on, const rect& where, std::size_t column, const ink& look) {
  const auto& all = ends_[column];
  const auto range = range_of(column);
  const auto span = std::max(all.greatest - all.least, 1.0);
  const int last = where.width - 1;
  const auto place = [&](double value) {
    return std::clamp(static_cast<int>(std::lround((value - all.least) / span * last)), 0, last);
  };
  for (int x = 0; x <= last; ++x) {
    const bool inside = x >= place(range.from) && x <= place(range.to);
    const bool end = x == place(range.from) || x == place(range.to);
    on.put(where.x + x, where.y, 1, end ? "●" : inside ? "━" : "─", look);
  }
  const auto text = measure_text(columns_[column], range.from) + "…" + measure_text(columns_[column], range.to);
  on.put(where.x, where.y + 1, where.width, text, {role::faint, role::panel});
  on.on_mouse({where.x, where.y, where.width, 1}, [this, column, where](const mouse_event& event) {
    if (event.kind == mouse_kind::press || event.kind == mouse_kind::drag) drag_end(column, where, event.x);
  });
}

void facet_panel::draw_line(canvas& on, const rect& where, const line& one, bool under_cursor) {
  const auto ground = under_cursor ? role::cursor : role::panel;
  if (one.is == line::kind::heading) {
    on.put(where.x, where.y, where.width, columns_[one.column].title, {role::accent, role::panel, true});
    return;
  }
  if (one.is == line::kind::slider) return draw_slider(on, where, one.column, {role::plain, ground});
  const auto chosen = values_.find(one.column);
  const bool checked = chosen != values_.end() && chosen->second.contains(one.value);
  const auto number = std::to_string(one.count);
  const int room = where.width - static_cast<int>(number.size()) - 1;
  on.fill({where.x, where.y, where.width, 1}, {role::plain, ground});
  on.put(where.x, where.y, room, (checked ? "[x] " : "[ ] ") + (one.value.empty() ? "(none)" : one.value),
         {role::plain, ground});
  on.put(where.x + room + 1, where.y, where.width, number, {role::faint, ground});
}

void facet_panel::draw(canvas& on, const rect& where, bool focused) {
  on.fill(where, {role::plain, role::panel});
  for (int y = where.y; y < where.y + where.height; ++y) on.put(where.x, y, 1, "│", {role::faint, role::panel});
  on.put(where.x + 2, where.y, where.width - 3, "FILTERS", {role::faint, role::panel});
  const auto room = static_cast<std::size_t>(std::max(where.height - 1, 1));
  const auto last_shown = [&] {
    std::size_t rows = 0;
    auto at = top_;
    for (; at < lines_.size() && rows < room; ++at) rows += lines_[at].is == line::kind::slider ? 2 : 1;
    return rows > room ? at - 1 : at;
  };
  top_ = std::min(top_, cursor_);
  while (cursor_ >= last_shown() && top_ < cursor_) ++top_;
  int y = where.y + 1;
  for (auto at = top_; at < last_shown(); ++at) {
    const rect place{where.x + 2, y, where.width - 3, 1};
    on.on_mouse(place, [this, at](const mouse_event& event) {
      if (event.kind != mouse_kind::press || at >= lines_.size()) return;
      cursor_ = at;
      changed_by_mouse_ = toggle(lines_[at]) || changed_by_mouse_;
    });
    draw_line(on, place, lines_[at], focused && at == cursor_);
    y += lines_[at].is == line::kind::slider ? 2 : 1;
  }
}

bool facet_panel::toggle(const line& one) {
  if (one.is != line::kind::value) return false;
  auto& chosen = values_[one.column];
  if (chosen.erase(one.value) == 0) chosen.insert(one.value);
  if (chosen.empty()) values_.erase(one.column);
  return true;
}

void facet_panel::keep_range(std::size_t column, value_range range) {
  const auto& all = ends_[column];
  range.from = std::clamp(range.from, all.least, all.greatest);
  range.to = std::clamp(range.to, range.from, all.greatest);
  if (range == value_range{all.least, all.greatest})
    ranges_.erase(column);
  else
    ranges_[column] = range;
}

bool facet_panel::move_end(std::size_t column, bool upper, int steps) {
  const auto& all = ends_[column];
  auto range = range_of(column);
  const auto before = range;
  const double by = steps * std::max(std::floor((all.greatest - all.least) / slider_steps), 1.0);
  if (upper)
    range.to = std::max(range.to + by, range.from);
  else
    range.from = std::min(range.from + by, range.to);
  keep_range(column, range);
  return !(range_of(column) == before);
}

void facet_panel::drag_end(std::size_t column, const rect& track, int x) {
  const auto& all = ends_[column];
  const auto share = static_cast<double>(x - track.x) / std::max(track.width - 1, 1);
  const auto value = std::floor(all.least + share * (all.greatest - all.least));
  auto range = range_of(column);
  const bool upper = std::abs(range.to - value) < std::abs(range.from - value);
  (upper ? range.to : range.from) = value;
  keep_range(column, range);
  changed_by_mouse_ = true;
}

void facet_panel::move(int by) {
  if (lines_.empty()) return;
  const auto last = static_cast<int>(lines_.size()) - 1;
  auto to = static_cast<int>(cursor_);
  do to += by;
  while (to >= 0 && to <= last && lines_[static_cast<std::size_t>(to)].is == line::kind::heading);
  if (to >= 0 && to <= last) cursor_ = static_cast<std::size_t>(to);
}

bool facet_panel::act(action what) {
  if (cursor_ >= lines_.size()) return false;
  const auto& one = lines_[cursor_];
  const bool slider = one.is == line::kind::slider;
  switch (what) {
    case action::up:
      return move(-1), false;
    case action::down:
      return move(1), false;
    case action::mark:
      return toggle(one);
    case action::left:
    case action::right:
      return slider && move_end(one.column, false, what == action::left ? -1 : 1);
    case action::more_left:
    case action::more_right:
      return slider && move_end(one.column, true, what == action::more_left ? -1 : 1);
    default:
      return false;
  }
}

row_filter facet_panel::chosen(row_filter base) const {
  base.values = values_;
  base.ranges = ranges_;
  return base;
}

void facet_panel::clear() {
  values_.clear();
  ranges_.clear();
}

bool facet_panel::changed_by_mouse() { return std::exchange(changed_by_mouse_, false); }

}  // namespace penstock::console
