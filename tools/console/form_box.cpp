#include "tools/console/form_box.hpp"

#include <algorithm>

namespace penstock::console {
namespace {

using kind = form_field::kind;

constexpr ink plain{role::plain, role::panel};
constexpr ink faint{role::faint, role::panel};
constexpr int title_columns = 14;
constexpr int most_text_rows = 12;

bool is_text(const form_field& field) { return field.is == kind::lines || field.is == kind::line; }

std::size_t lines_in(const std::string& text) {
  const auto ends = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  return ends + (text.empty() || text.back() == '\n' ? 0 : 1);
}

}  // namespace

std::vector<std::string> form_field::chosen() const {
  std::vector<std::string> values;
  for (const auto& option : options)
    if (option.chosen) values.push_back(option.value);
  return values;
}

form_box::form_box(std::string title, std::vector<std::string> facts, std::vector<form_field> fields, std::string yes,
                   acceptance on_yes)
    : title_(std::move(title)),
      facts_(std::move(facts)),
      fields_(std::move(fields)),
      yes_(std::move(yes)),
      on_yes_(std::move(on_yes)) {}

form_field* form_box::focused() { return focus_ < fields_.size() ? &fields_[focus_] : nullptr; }

std::string form_box::hint() const {
  const std::string always = "Tab next  Ctrl-S " + yes_ + "  Escape back";
  if (focus_ >= fields_.size()) return "Enter press  " + always;
  if (is_text(fields_[focus_])) return "type or paste  Ctrl-U empty it  " + always;
  return fields_[focus_].is == kind::checks ? "Up Down move  Space choose  * invert  " + always
                                            : "Left Right choose  " + always;
}

void form_box::move_focus(int by) {
  const auto count = static_cast<int>(stops());
  focus_ = static_cast<std::size_t>((static_cast<int>(focus_) + by + count) % count);
}

void form_box::press(bool yes) {
  if (!yes) return close();
  // When it takes them it may lay another box in the place of this one.
  const auto then = on_yes_;
  const auto fields = fields_;
  close();
  auto problem = then(fields);
  if (problem.empty()) return;
  problem_ = std::move(problem);
  reopen();
}

void form_box::choose(form_field& field, std::size_t option) {
  if (option >= field.options.size()) return;
  focus_ = static_cast<std::size_t>(&field - fields_.data());
  field.cursor = option;
  if (field.is == kind::checks) {
    field.options[option].chosen = !field.options[option].chosen;
    return;
  }
  for (std::size_t i = 0; i < field.options.size(); ++i) field.options[i].chosen = i == option;
}

void form_box::take_in_options(form_field& field, const key_press& key) {
  const auto what = action_of(key.name, in(place::table));
  const bool back = what == action::up || what == action::previous_column;
  const bool on = what == action::down || what == action::next_column;
  if (back || on) {
    if (field.options.empty() || (back && field.cursor == 0)) return;
    const auto to = std::min(back ? field.cursor - 1 : field.cursor + 1, field.options.size() - 1);
    if (field.is == kind::one_of) return choose(field, to);
    field.cursor = to;
    return;
  }
  if (key.name == "Enter") return move_focus(1);
  if (what == action::mark) return choose(field, field.cursor);
  if (what == action::invert_marks && field.is == kind::checks)
    for (auto& option : field.options) option.chosen = !option.chosen;
}

void form_box::take(const key_press& key) {
  if (key.name == "Escape") return close();
  if (key.name == "Ctrl-S") return press(true);
  if (key.name == "Tab" || key.name == "Shift-Tab") return move_focus(key.name == "Tab" ? 1 : -1);
  auto* field = focused();
  if (field == nullptr) {
    if (key.name == "Enter") return press(focus_ + 1 == stops());
    if (key.name == "Left" || key.name == "Right") focus_ = focus_ + 1 == stops() ? focus_ - 1 : focus_ + 1;
    return;
  }
  if (!is_text(*field)) return take_in_options(*field, key);
  if (key.name == "Enter" && field->is == kind::line) return move_focus(1);
  field->text.take(key);
}

void form_box::paste(const std::string& text) {
  auto* field = focused();
  if (field == nullptr || !is_text(*field)) {
    const auto found = std::find_if(fields_.begin(), fields_.end(), is_text);
    if (found == fields_.end()) return;
    field = &*found;
  }
  field->text.paste(text);
}

int form_box::rows_of(const form_field& field, int text_rows) const {
  if (field.is == kind::lines) return text_rows + 1;
  if (field.is == kind::checks) return 1 + std::min(static_cast<int>(field.options.size()), most_options_seen);
  return 1;
}

void form_box::draw_text(canvas& on, const rect& where, form_field& field, bool here) {
  const ink look{role::plain, here ? role::cursor : role::plain};
  if (field.is == kind::line) {
    const rect place{where.x + title_columns, where.y, 28, 1};
    field.text.draw(on, place, look, here);
    on.put(place.x + place.width + 1, where.y, where.width - title_columns - place.width - 1, field.explanation, faint);
  } else {
    const auto count = lines_in(field.text.text());
    on.put(where.x + title_columns, where.y, where.width - title_columns,
           count == 0 ? field.explanation : std::to_string(count) + (count == 1 ? " line" : " lines"), faint);
    field.text.draw(on, {where.x, where.y + 1, where.width, where.height - 1}, look, here);
  }
}

void form_box::draw_checks(canvas& on, const rect& where, form_field& field, bool here) {
  on.put(where.x + title_columns, where.y, where.width - title_columns, field.explanation, faint);
  const auto room = static_cast<std::size_t>(std::max(where.height - 1, 1));
  const auto top = field.cursor < room ? 0 : field.cursor - room + 1;
  for (std::size_t i = 0; i < room && top + i < field.options.size(); ++i) {
    const auto which = top + i;
    const rect line{where.x, where.y + 1 + static_cast<int>(i), where.width, 1};
    const auto ground = here && which == field.cursor ? role::cursor : role::panel;
    on.fill(line, {role::plain, ground});
    on.put(line.x, line.y, line.width, (field.options[which].chosen ? "[x] " : "[ ] ") + field.options[which].label,
           {role::plain, ground});
    on.on_mouse(line, [this, &field, which](const mouse_event& event) {
      if (event.kind == mouse_kind::press) choose(field, which);
    });
  }
}

void form_box::draw_one_of(canvas& on, const rect& where, form_field& field, bool here) {
  int x = where.x + title_columns;
  for (std::size_t i = 0; i < field.options.size(); ++i) {
    const auto ground = here && i == field.cursor ? role::cursor : role::panel;
    const auto text = (field.options[i].chosen ? "(•) " : "( ) ") + field.options[i].label;
    const int width = on.put(x, where.y, where.x + where.width - x, text, {role::plain, ground});
    on.on_mouse({x, where.y, width, 1}, [this, &field, i](const mouse_event& event) {
      if (event.kind == mouse_kind::press) choose(field, i);
    });
    x += width + 3;
  }
}

void form_box::draw_field(canvas& on, const rect& where, std::size_t number) {
  auto& field = fields_[number];
  const bool here = number == focus_;
  on.on_mouse(where, [this, number](const mouse_event& event) {
    if (event.kind == mouse_kind::press) focus_ = number;
  });
  on.put(where.x, where.y, title_columns - 1, (here ? "▸" : " ") + field.title,
         {here ? role::accent : role::plain, role::panel, here});
  if (is_text(field)) return draw_text(on, where, field, here);
  if (field.is == kind::checks) return draw_checks(on, where, field, here);
  draw_one_of(on, where, field, here);
}

void form_box::draw_buttons(canvas& on, int x, int y) {
  draw_button(on, x, y, "Back", focus_ == fields_.size(), [this] { press(false); });
  draw_button(on, x + 12, y, yes_, focus_ + 1 == stops(), [this] { press(true); });
}

void form_box::draw(canvas& on) {
  int rows = static_cast<int>(facts_.size()) + 4;  // frame, problem, buttons
  for (const auto& field : fields_) rows += rows_of(field, 0);
  const auto boxes = std::count_if(fields_.begin(), fields_.end(), [](const auto& f) { return f.is == kind::lines; });
  const int spare = on.rows() - 2 - rows;
  const int text_rows = boxes == 0 ? 0 : std::clamp(spare, least_text_rows, most_text_rows);
  const int width = std::min(columns_wide, on.columns() - 2);
  const int height = std::min(rows + text_rows * static_cast<int>(boxes), on.rows() - 2);
  const rect where{(on.columns() - width) / 2, (on.rows() - height) / 2, width, height};
  on.on_mouse(on.all(), [](const mouse_event&) {});
  on.box(where, title_, plain);
  int y = where.y + 1;
  for (const auto& fact : facts_) on.put(where.x + 2, y++, width - 4, fact, plain);
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const int tall = rows_of(fields_[i], text_rows);
    if (y + tall > where.y + height - 3) break;
    draw_field(on, {where.x + 2, y, width - 4, tall}, i);
    y += tall;
  }
  on.put(where.x + 2, where.y + height - 3, width - 4, problem_, {role::bad, role::panel, true});
  draw_buttons(on, where.x + 2, where.y + height - 2);
}

}  // namespace penstock::console
