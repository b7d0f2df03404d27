#include "tools/console/workbench.hpp"

#include <algorithm>

#include "tools/console/bars.hpp"
#include "tools/console/repository_tab.hpp"
#include "tools/console/requests_tab.hpp"

namespace penstock::console {
namespace {

std::string count_of(std::size_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

}  // namespace

workbench::workbench(live_project& project, std::string user, surroundings around)
    : project_(project),
      user_(std::move(user)),
      around_(std::move(around)),
      requests_(place::requests, project.requests(), request_columns(), request_look),
      repository_(place::repository, project.holdings(), repository_columns(), repository_look) {
  requests_.table().view().sort_by(static_cast<std::size_t>(request_value::submitted), true);
  repository_.table().view().sort_by(static_cast<std::size_t>(holding_value::cached), true);
  refresh();
}

void workbench::refresh() {
  requests_.refresh();
  repository_.refresh();
}

void workbench::say(std::string text, role look) {
  said_ = std::move(text);
  said_look_ = look;
}

places workbench::here() const { return over_ ? in(place::dialog) : tab().here(); }

void workbench::draw_header(canvas& on) {
  on.fill({0, 0, on.columns(), 1}, {role::heading, role::heading});
  int x = 1;
  const auto draw_name = [&](const std::string& name, bool chosen, action does) {
    const auto text = chosen ? "[" + name + "]" : " " + name + " ";
    const int width = on.put(x, 0, on.columns() - x, text, {chosen ? role::accent : role::heading, role::heading});
    on.on_mouse({x, 0, width, 1}, [this, does](const mouse_event& event) {
      if (event.kind == mouse_kind::press) do_action(does);
    });
    x += width + 1;
  };
  draw_name("3 Repository", in_repository_, action::show_repository);
  draw_name("5 Requests", !in_repository_, action::show_requests);
  const auto who = project_.project() + " · " + user_ + " · ";
  const auto state = (link_.live ? "● " : "✗ ") + link_.text;
  const int width = std::min(width_of(who) + width_of(state), on.columns() - x - 1);
  const int left = on.columns() - 1 - width;
  const int used = on.put(left, 0, width, who, {role::heading, role::heading});
  on.put(left + used, 0, width - used, state, {link_.live ? role::good : role::bad, role::heading, true});
}

void workbench::draw_tab_summary(canvas& on, int y) {
  const auto which = in_repository_ ? listing::holdings : listing::requests;
  auto text = tab().summary();
  if (!in_repository_) text += " · " + states_of(project_.requests());
  if (project_.reading(which) && tab().table().view().order().empty()) text = "reading…";
  if (project_.overflowed()) text += " · there are more than " + std::to_string(row_store::most_rows);
  on.put(1, y, on.columns() - 2, text, {role::faint});
}

void workbench::draw_footer(canvas& on, int y) {
  on.fill({0, y, on.columns(), 1}, {role::plain, role::panel});
  std::string text = over_ ? over_->hint() : footer_of(tab().here(), on.columns() - 2);
  if (tab().finding()) text = "type to find  Up Down move  Enter keep  Escape clear";
  const bool says = !said_.empty();
  on.put(1, y, on.columns() - 2, says ? said_ : text, {says ? said_look_ : role::faint, role::panel, says});
}

void workbench::draw(canvas& on) {
  on.clear();
  if (on.columns() < least_columns || on.rows() < least_rows) {
    on.put(0, 0, on.columns(), "The window is too small:");
    on.put(0, 1, on.columns(), std::to_string(on.columns()) + "x" + std::to_string(on.rows()) + ", it needs 80x24.");
    return;
  }
  draw_header(on);
  int top = 1;
  if (in_repository_) {
    const auto& quota = project_.quota();
    const auto& marked = repository_.table().marked();
    const auto chosen = bytes_of(project_.holdings(), {marked.begin(), marked.end()});
    draw_quota(on, {1, 1, on.columns() - 2, 1}, {quota.quota, quota.used, chosen, quota.reserved});
    top = 2;
  }
  tab().draw(on, {0, top, on.columns(), on.rows() - top - 2});
  if (tab().table().view().order().empty() && !project_.reading(in_repository_ ? listing::holdings : listing::requests))
    on.put(3, top + 2, on.columns() - 6,
           tab().table().view().filter().empty()
               ? (in_repository_ ? "Nothing is cached yet; 'penstock request' asks for studies."
                                 : "Nothing was requested yet; 'penstock request' asks for studies.")
               : "Nothing fits the filters; Escape clears them.",
           {role::faint});
  draw_tab_summary(on, on.rows() - 2);
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
    else if (tab().finding())
      tab().paste_into_find(paste->text);
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
  if (tab().finding()) return tab().take_find_key(key);
  if (what) do_action(*what);
}

bool workbench::do_common(action what) {
  switch (what) {
    case action::show_requests:
    case action::show_repository:
      in_repository_ = what == action::show_repository;
      return true;
    case action::open:
      open_row();
      return true;
    case action::copy_cell:
      copy(tab().table().value_at_cursor(), "the value");
      return true;
    case action::copy_rows:
      copy(tab().table().rows_as_text(), count_of(tab().table().chosen().size(), "row", "rows"));
      return true;
    case action::export_rows:
      ask_for_export();
      return true;
    case action::palette:
    case action::help: {
      const auto title = what == action::help ? "Keys of this place" : "Commands";
      const auto run = [this](action chosen) { do_action(chosen); };
      over_ = std::make_unique<palette>(title, tab().here(), run);
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
  if (do_common(what) || tab().act(what)) return;
  if (in_repository_)
    do_repository(what);
  else
    do_requests(what);
}

void workbench::do_requests(action what) {
  if (requests_.table().chosen().empty()) return;
  switch (what) {
    case action::cancel_requests: {
      const auto count = count_of(requests_.table().chosen().size(), "request", "requests");
      over_ = std::make_unique<question_box>(
          "Cancel " + count, std::vector<std::string>{"What they have fetched so far is kept; they can be retried."},
          "Cancel " + count, [this] { change_requests("requests.cancel", "cancelled"); });
      return;
    }
    case action::retry_requests:
      return change_requests("requests.retry", "scheduled");
    case action::raise_priority:
    case action::lower_priority:
      return move_priority(what == action::raise_priority);
    case action::delete_rows:
      return ask_to_delete();
    default:
      return;
  }
}

void workbench::do_repository(action what) {
  switch (what) {
    case action::delete_rows:
      return ask_to_delete();
    case action::paste_numbers:
      return ask_for_numbers();
    case action::refresh:
      around_.read_again();
      return say("reading the repository again");
    default:
      return;
  }
}

}  // namespace penstock::console
