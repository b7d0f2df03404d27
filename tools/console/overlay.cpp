#include "tools/console/overlay.hpp"

#include <algorithm>

namespace penstock::console {
namespace {

constexpr ink plain{role::plain, role::panel};
constexpr ink faint{role::faint, role::panel};
constexpr int widest_box = 100;

rect centred(const canvas& on, int width, int height) {
  width = std::min(width, on.columns() - 2);
  height = std::min(height, on.rows() - 2);
  return {(on.columns() - width) / 2, (on.rows() - height) / 2, width, height};
}

int widest(const std::vector<std::string>& lines, int least) {
  for (const auto& line : lines) least = std::max(least, width_of(line));
  return std::min(least, widest_box);
}

}  // namespace

int draw_button(canvas& on, int x, int y, const std::string& label, bool chosen, std::function<void()> press) {
  const auto text = (chosen ? "[▸" : "[ ") + label + " ]";
  const int width = width_of(text);
  on.put(x, y, width, text, {chosen ? role::accent : role::plain, chosen ? role::cursor : role::panel, chosen});
  on.on_mouse({x, y, width, 1}, [press = std::move(press)](const mouse_event& event) {
    if (event.kind == mouse_kind::press) press();
  });
  return width;
}

question_box::question_box(std::string title, std::vector<std::string> lines, std::string yes,
                           std::function<void()> on_yes)
    : title_(std::move(title)), lines_(std::move(lines)), yes_(std::move(yes)), on_yes_(std::move(on_yes)) {}

void question_box::press(bool yes) {
  close();
  const auto then = on_yes_;  // it may open another overlay in the place of this one
  if (yes) then();
}

void question_box::draw(canvas& on) {
  const auto where =
      centred(on, widest(lines_, std::max(width_of(title_) + 4, 36)) + 4, static_cast<int>(lines_.size()) + 5);
  on.on_mouse(on.all(), [](const mouse_event&) {});
  on.box(where, title_, plain);
  const int most = where.height - 5;
  for (int i = 0; i < std::min(most, static_cast<int>(lines_.size())); ++i)
    on.put(where.x + 2, where.y + 1 + i, where.width - 4, lines_[static_cast<std::size_t>(i)], plain);
  const int y = where.y + where.height - 2;
  draw_button(on, where.x + 2, y, "No", !yes_chosen_, [this] { press(false); });
  draw_button(on, where.x + 12, y, yes_, yes_chosen_, [this] { press(true); });
}

void question_box::take(const key_press& key) {
  if (key.name == "Escape" || key.name == "n") return press(false);
  if (key.name == "y") return press(true);
  if (key.name == "Enter") return press(yes_chosen_);
  if (key.name == "Tab" || key.name == "Shift-Tab" || key.name == "Left" || key.name == "Right")
    yes_chosen_ = !yes_chosen_;
}

fact_box::fact_box(std::string title, std::vector<std::string> lines)
    : title_(std::move(title)), lines_(std::move(lines)) {}

void fact_box::scroll(int by) { top_ = std::clamp(top_ + by, 0, std::max(0, static_cast<int>(lines_.size()) - page_)); }

void fact_box::draw(canvas& on) {
  const auto where =
      centred(on, widest(lines_, std::max(width_of(title_) + 4, 30)) + 4, static_cast<int>(lines_.size()) + 2);
  page_ = where.height - 2;
  scroll(0);
  on.box(where, title_, plain);
  for (int i = 0; i < page_ && top_ + i < static_cast<int>(lines_.size()); ++i)
    on.put(where.x + 2, where.y + 1 + i, where.width - 4, lines_[static_cast<std::size_t>(top_ + i)], plain);
  on.on_mouse(on.all(), [this, where](const mouse_event& event) {
    if (event.kind == mouse_kind::wheel_up) return scroll(-3);
    if (event.kind == mouse_kind::wheel_down) return scroll(3);
    if (event.kind == mouse_kind::press && !where.contains(event.x, event.y)) close();
  });
}

void fact_box::take(const key_press& key) {
  const auto what = action_of(key.name, in(place::table));
  if (key.name == "Escape" || key.name == "Enter" || key.name == "q") return close();
  if (!what) return;
  if (*what == action::up || *what == action::down) return scroll(*what == action::up ? -1 : 1);
  if (*what == action::page_up || *what == action::page_down) return scroll(*what == action::page_up ? -page_ : page_);
  if (*what == action::first) return scroll(-static_cast<int>(lines_.size()));
  if (*what == action::last) return scroll(static_cast<int>(lines_.size()));
}

text_box::text_box(std::string title, std::string explanation, text_field field,
                   std::function<void(const std::string&)> then, bool many_lines)
    : title_(std::move(title)),
      explanation_(std::move(explanation)),
      field_(std::move(field)),
      then_(std::move(then)),
      many_lines_(many_lines) {}

void text_box::draw(canvas& on) {
  const auto where = centred(on, 72, many_lines_ ? 16 : 6);
  on.on_mouse(on.all(), [](const mouse_event&) {});
  on.box(where, title_, plain);
  on.put(where.x + 2, where.y + 1, where.width - 4, explanation_, faint);
  field_.draw(on, {where.x + 2, where.y + 2, where.width - 4, where.height - 5}, {role::plain, role::plain});
  const int y = where.y + where.height - 2;
  const int used = draw_button(on, where.x + 2, y, "OK", false, [this] { accept(); });
  draw_button(on, where.x + 3 + used, y, "Back", false, [this] { close(); });
}

void text_box::accept() {
  close();
  const auto then = then_;
  then(std::string{field_.text()});
}

void text_box::take(const key_press& key) {
  if (key.name == "Escape") return close();
  if (key.name == (many_lines_ ? "Ctrl-S" : "Enter")) return accept();
  field_.take(key);
}

palette::palette(std::string title, places here, std::function<void(action)> run, std::function<bool(action)> offered)
    : title_(std::move(title)), here_(here), run_(std::move(run)), offered_(std::move(offered)) {
  search();
}

void palette::search() {
  found_ = search_bindings(here_, pattern_.text());
  if (offered_) std::erase_if(found_, [this](const auto* one) { return !offered_(one->does); });
  cursor_ = top_ = 0;
}

void palette::paste(const std::string& text) {
  pattern_.paste(text);
  search();
}

void palette::run(std::size_t which) {
  if (which >= found_.size()) return;
  close();
  const auto then = run_;
  then(found_[which]->does);
}

void palette::draw(canvas& on) {
  constexpr int key_columns = 12;
  constexpr int name_columns = 15;
  const auto where = centred(on, 90, std::min(on.rows() - 4, 30));
  on.on_mouse(on.all(), [this](const mouse_event& event) {
    if (event.kind == mouse_kind::wheel_up && cursor_ > 0) --cursor_;
    if (event.kind == mouse_kind::wheel_down && cursor_ + 1 < found_.size()) ++cursor_;
  });
  on.box(where, title_, plain);
  const auto room = static_cast<std::size_t>(std::max(where.height - 4, 1));
  if (cursor_ < top_) top_ = cursor_;
  if (cursor_ >= top_ + room) top_ = cursor_ - room + 1;
  for (std::size_t i = 0; i < room && top_ + i < found_.size(); ++i) {
    const auto* one = found_[top_ + i];
    const int y = where.y + 3 + static_cast<int>(i);
    const bool chosen = top_ + i == cursor_;
    const auto ground = chosen ? role::cursor : role::panel;
    on.fill({where.x + 1, y, where.width - 2, 1}, {role::plain, ground});
    if (chosen) on.put(where.x + 1, y, 1, "▸", {role::accent, ground});
    auto keys = std::string{one->keys};
    on.put_field(where.x + 2, y, key_columns, keys, {role::accent, ground});
    on.put_field(where.x + 3 + key_columns, y, name_columns, one->name, {role::plain, ground, true});
    on.put(where.x + 4 + key_columns + name_columns, y, where.width - key_columns - name_columns - 6, one->help,
           {role::plain, ground});
    on.on_mouse({where.x + 1, y, where.width - 2, 1}, [this, which = top_ + i](const mouse_event& event) {
      if (event.kind == mouse_kind::press) run(which);
    });
  }
  on.put(where.x + 2, where.y + 1, 2, ">", {role::accent, role::panel});
  pattern_.draw(on, {where.x + 4, where.y + 1, where.width - 6, 1}, plain);
}

void palette::take(const key_press& key) {
  if (key.name == "Escape") return close();
  if (key.name == "Enter") return run(cursor_);
  if (key.name == "Up" && cursor_ > 0) --cursor_;
  if (key.name == "Down" && cursor_ + 1 < found_.size()) ++cursor_;
  if (key.name != "Up" && key.name != "Down" && pattern_.take(key)) search();
}

}  // namespace penstock::console
