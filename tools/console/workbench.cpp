#include "tools/console/workbench.hpp"

#include <algorithm>

namespace penstock::console {

void workbench::refresh() {
  for (const auto& one : tabs_) one->refresh();
}

bool workbench::has_tab(action shown_by) const {
  return std::any_of(tabs_.begin(), tabs_.end(), [&](const auto& one) { return one->shown_by() == shown_by; });
}

void workbench::show(action wanted) {
  const auto found =
      std::find_if(tabs_.begin(), tabs_.end(), [&](const auto& one) { return one->shown_by() == wanted; });
  if (found == tabs_.end()) return;
  shown_ = static_cast<std::size_t>(found - tabs_.begin());
  shown_tab().opened();
}

void workbench::say(std::string text, role look) {
  said_ = std::move(text);
  said_look_ = look;
}

places workbench::here() const { return over_ ? in(place::dialog) : shown_tab().here(); }

/// The column after them. Names of tabs that are not shown give way when there is no room.
int workbench::draw_tab_names(canvas& on, int needed_beside) {
  int whole = 1;
  for (const auto& one : tabs_) whole += width_of(one->name()) + 4;
  const bool short_names = whole + needed_beside > on.columns();
  int x = 1;
  for (const auto& one : tabs_) {
    const bool chosen = one.get() == &shown_tab();
    auto text = key_of(one->shown_by());
    if (chosen || !short_names) text += " " + std::string{one->name()};
    text = chosen ? "[" + text + "]" : " " + text + " ";
    const int width = on.put(x, 0, on.columns() - x, text, {chosen ? role::accent : role::heading, role::heading});
    on.on_mouse({x, 0, width, 1}, [this, shows = one->shown_by()](const mouse_event& event) {
      if (event.kind == mouse_kind::press && !over_) show(shows);
    });
    x += width;
  }
  return x;
}

void workbench::draw_header(canvas& on) {
  on.fill({0, 0, on.columns(), 1}, {role::heading, role::heading});
  const auto state = (link_.live ? "● " : "✗ ") + link_.text;
  const int x = draw_tab_names(on, width_of(state) + 2);
  const int width = std::min(width_of(state), on.columns() - x - 1);
  const int left = on.columns() - 1 - width;
  on.put(left, 0, width, state, {link_.live ? role::good : role::bad, role::heading, true});
  if (!link_.live) return;
  constexpr int least_of_who = 8;
  if (const int room = left - x - 1; room >= least_of_who) {
    const int who = std::min(room - 2, width_of(who_));
    on.put(left - 2 - who, 0, who, who_, {role::heading, role::heading});
  }
}

void workbench::draw_footer(canvas& on, int y) {
  on.fill({0, y, on.columns(), 1}, {role::plain, role::panel});
  const int width = on.columns() - 2;
  if (!said_.empty()) {
    on.put(1, y, width, said_, {said_look_, role::panel, true});
  } else if (over_ || shown_tab().typing()) {
    on.put(1, y, width, over_ ? over_->hint() : shown_tab().typing_hint(), {role::faint, role::panel});
  } else {
    draw_footer_parts(on, y, width);
  }
}

void workbench::draw_footer_parts(canvas& on, int y, int width) {
  int x = 1;
  for (const auto& part : footer_of(shown_tab().here(), width)) {
    const int used = on.put(x, y, width, part.text, {role::faint, role::panel});
    on.on_mouse({x, y, used, 1}, [this, does = part.does](const mouse_event& event) {
      if (event.kind == mouse_kind::press) do_action(does);
    });
    x += used + footer_gap;
  }
}

void workbench::draw(canvas& on) {
  on.clear();
  if (on.columns() < least_columns || on.rows() < least_rows) {
    on.put(0, 0, on.columns(), "The window is too small:");
    on.put(0, 1, on.columns(), std::to_string(on.columns()) + "x" + std::to_string(on.rows()) + ", it needs 80x24.");
    return;
  }
  draw_header(on);
  shown_tab().draw(on, {0, 1, on.columns(), on.rows() - 2});
  if (over_) over_->draw(on);
  draw_footer(on, on.rows() - 1);
}

void workbench::take(const input_event& event, const canvas& shown) {
  if (const auto* key = std::get_if<key_press>(&event)) {
    say("");
    take_key(*key);
  } else if (const auto* mouse = std::get_if<mouse_event>(&event)) {
    if (mouse->kind == mouse_kind::press) say("");
    shown.send_mouse(*mouse);
  } else if (const auto* paste = std::get_if<pasted_text>(&event)) {
    if (over_)
      over_->paste(paste->text);
    else
      shown_tab().paste(paste->text);
  } else {
    around_.repaint();
  }
  if (over_ && over_->closed()) over_.reset();
}

void workbench::take_key(const key_press& key) {
  const auto what = action_of(key.name, here());
  // What works everywhere, even while a person types.
  if (what == action::repaint || what == action::suspend || key.name == "Ctrl-C") return do_action(*what);
  if (over_) return over_->take(key);
  if (shown_tab().typing()) return shown_tab().type(key);
  if (what) do_action(*what);
}

bool workbench::do_common(action what) {
  switch (what) {
    case action::palette:
    case action::help: {
      const auto title = what == action::help ? "Keys of this place" : "Commands";
      const auto run = [this](action chosen) { do_action(chosen); };
      const auto offered = [this](action one) { return !shows_a_tab(one) || has_tab(one); };
      over_ = std::make_unique<palette>(title, shown_tab().here(), run, offered);
      return true;
    }
    case action::theme:
      theme_ = next_theme(theme_);
      say("theme: " + std::string{name_of(theme_)});
      around_.repaint();
      return true;
    case action::mouse:
      mouse_ = !mouse_;
      around_.take_mouse(mouse_);
      say(mouse_ ? "the console takes the mouse" : "the mouse is the terminal's own");
      return true;
    case action::repaint:
      around_.repaint();
      return true;
    case action::suspend:
      around_.suspend();
      return true;
    case action::quit:
      around_.quit();
      return true;
    default:
      return false;
  }
}

void workbench::do_action(action what) {
  if (!do_common(what) && !shown_tab().act(what)) show(what);
}

}  // namespace penstock::console
