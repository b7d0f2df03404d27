#include "tools/console/form.hpp"

#include <algorithm>

namespace penstock::console {
namespace {

constexpr ink plain{role::plain, role::panel};
constexpr ink faint{role::faint, role::panel};
constexpr int form_columns = 76;
constexpr int label_columns = 14;

}  // namespace

form::form(std::string title, std::vector<field> fields, std::string yes, explain says, accept then)
    : title_(std::move(title)),
      fields_(std::move(fields)),
      yes_(std::move(yes)),
      says_(std::move(says)),
      then_(std::move(then)) {}

const std::string& form::text(std::size_t which) const { return std::get<text_field>(fields_.at(which).value).text(); }
const hidden_field& form::secret(std::size_t which) const { return std::get<hidden_field>(fields_.at(which).value); }
std::size_t form::choice(std::size_t which) const { return std::get<choice_field>(fields_.at(which).value).chosen; }

bool form::matters(std::size_t which) const {
  return which == button() || !fields_[which].matters || fields_[which].matters(*this);
}

bool form::is_filled(std::size_t which) const {
  if (const auto* text = std::get_if<text_field>(&fields_[which].value)) return !text->text().empty();
  const auto* secret = std::get_if<hidden_field>(&fields_[which].value);
  return secret != nullptr && !secret->empty();
}

void form::go(int by) {
  const auto stops = fields_.size() + 1;
  do at_ = (at_ + stops + static_cast<std::size_t>(by)) % stops;
  while (!matters(at_));
}

void form::press() {
  problem_ = then_(*this);
  if (problem_.empty()) close();
}

/// Whoever has filled in everything need not go to the button.
void form::press_or_go_on() {
  const bool asked = at_ == button();
  if (asked || is_filled(at_)) press();
  if (closed() || asked) return;
  problem_.clear();
  go(1);
}

void form::take(const key_press& key) {
  problem_.clear();
  if (key.name == "Escape") return close();
  if (key.name == "Tab" || key.name == "Down") return go(1);
  if (key.name == "Shift-Tab" || key.name == "Up") return go(-1);
  if (key.name == "Enter") return press_or_go_on();
  if (at_ == button()) return;
  auto& value = fields_[at_].value;
  if (auto* text = std::get_if<text_field>(&value)) text->take(key);
  if (auto* secret = std::get_if<hidden_field>(&value)) secret->take(key);
  auto* choice = std::get_if<choice_field>(&value);
  if (choice == nullptr) return;
  const auto words = choice->words.size();
  if (key.name == "Right" || key.name == "Space" || key.text == " ") choice->chosen = (choice->chosen + 1) % words;
  if (key.name == "Left") choice->chosen = (choice->chosen + words - 1) % words;
}

void form::paste(const std::string& pasted) {
  if (at_ == button()) return;
  if (auto* text = std::get_if<text_field>(&fields_[at_].value)) text->paste(pasted);
  if (auto* secret = std::get_if<hidden_field>(&fields_[at_].value)) secret->paste(pasted);
}

void form::draw_choice(canvas& on, const rect& where, std::size_t which) {
  auto& choice = std::get<choice_field>(fields_[which].value);
  int x = where.x;
  for (std::size_t i = 0; i < choice.words.size(); ++i) {
    const bool chosen = i == choice.chosen;
    const int width = on.put(x, where.y, where.x + where.width - x, (chosen ? "(•) " : "( ) ") + choice.words[i],
                             {chosen && at_ == which ? role::accent : role::plain, role::panel, chosen});
    on.on_mouse({x, where.y, width, 1}, [this, which, i](const mouse_event& event) {
      if (event.kind != mouse_kind::press) return;
      at_ = which;
      std::get<choice_field>(fields_[which].value).chosen = i;
    });
    x += width + 2;
  }
}

void form::draw_field(canvas& on, const rect& where, std::size_t which) {
  const bool focused = at_ == which;
  on.put(where.x, where.y, label_columns, fields_[which].label,
         {focused ? role::accent : role::faint, role::panel, focused});
  on.on_mouse(where, [this, which](const mouse_event& event) {
    if (event.kind == mouse_kind::press) at_ = which;
  });
  const rect inside{where.x + label_columns, where.y, where.width - label_columns, 1};
  if (std::holds_alternative<choice_field>(fields_[which].value)) return draw_choice(on, inside, which);
  const ink look{role::plain, role::plain};
  if (const auto* secret = std::get_if<hidden_field>(&fields_[which].value))
    return secret->draw(on, inside, look, focused);
  const auto& text = std::get<text_field>(fields_[which].value);
  if (focused) return text.draw(on, inside, look);
  on.put_field(inside.x, inside.y, inside.width, text.text(), look);
}

void form::draw(canvas& on) {
  if (!matters(at_)) go(1);
  const auto said = says_(*this);
  int rows = static_cast<int>(said.size());
  for (std::size_t i = 0; i < fields_.size(); ++i) rows += matters(i) ? 1 : 0;
  const int width = std::min(form_columns, on.columns() - 2);
  const int height = std::min(rows + 6, on.rows() - 2);
  const rect where{(on.columns() - width) / 2, (on.rows() - height) / 2, width, height};
  on.on_mouse(on.all(), [](const mouse_event&) {});
  on.box(where, title_, plain);
  int y = where.y + 1;
  for (std::size_t i = 0; i < fields_.size(); ++i)
    if (matters(i)) draw_field(on, {where.x + 2, y++, width - 4, 1}, i);
  ++y;
  for (const auto& line : said) on.put(where.x + 2, y++, width - 4, line, faint);
  if (!problem_.empty()) on.put(where.x + 2, y, width - 4, problem_, {role::bad, role::panel, true});
  const int bottom = where.y + where.height - 2;
  const int used = draw_button(on, where.x + 2, bottom, yes_, at_ == button(), [this] { press(); });
  draw_button(on, where.x + 3 + used, bottom, "Cancel", false, [this] { close(); });
}

}  // namespace penstock::console
