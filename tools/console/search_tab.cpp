#include "tools/console/search_tab.hpp"

#include <algorithm>

#include "tools/console/search_status.hpp"

namespace penstock::console {

using messages::result;
using nlohmann::json;

search_tab::search_tab(desk& at, place kind, const row_store& rows, std::vector<column_spec> columns,
                       data_table::cell_look look_of, std::string project)
    : list_tab(at, kind, rows, std::move(columns), std::move(look_of)), project_(std::move(project)) {}

void search_tab::begin(search_wish wish) {
  cancel();
  ++generation_;
  forget();
  list_tab::refresh();  // nothing stays chosen, though the same may be found again
  run_ = search_run{std::move(wish)};
  go_on();
}

void search_tab::go_on() {
  for (const auto& step : run_.next()) send(step);
}

void search_tab::send(const search_run::step& step) {
  if (step.cancels) return at().ask(step.ask, [](const result<json>&) {});
  at().ask(step.ask, [this, part = step.part, generation = generation_](const result<json>& answer) {
    if (generation != generation_) return abandon(answer);
    if (!answer) return run_.fail(part, answer.error());
    learn(run_.learn(part, *answer));
    list_tab::refresh();
    go_on();
  });
}

/// Of a search that another one has replaced before its id was known.
void search_tab::abandon(const result<json>& begun) {
  if (!begun || begun->value("done", true) || !begun->contains("search")) return;
  at().ask({"search.cancel", project_, {{"search", (*begun)["search"]}}, "", {}}, [](const result<json>&) {});
}

/// The tab is told whenever the connection is lost or back.
void search_tab::refresh() {
  if (run_.resume()) go_on();
  list_tab::refresh();
}

void search_tab::cancel() {
  if (!run_.begun() || run_.over()) return;
  run_.cancel();
  go_on();
}

void search_tab::search_again() {
  if (!run_.again()) return at().say("every line has its answer; n begins another search");
  ++generation_;
  go_on();
}

bool search_tab::act_on_rows(action what) {
  switch (what) {
    case action::new_search:
      ask_for_numbers({});
      return true;
    case action::cancel_search:
      if (run_.over()) at().say("no search is under way");
      cancel();
      return true;
    case action::search_again:
      search_again();
      return true;
    case action::show_outcomes:
      if (!run_.begun()) return at().say("nothing was searched yet; n begins"), true;
      at().lay_over(
          std::make_unique<fact_box>("Lines that were not simply found", outcome_lines(run_, most_outcome_lines)));
      return true;
    default:
      return act_on_found(what);
  }
}

void search_tab::paste(const std::string& text) {
  if (typing()) return list_tab::paste(text);
  ask_for_numbers(text);
}

void search_tab::with_pacs(std::function<void(std::vector<form_option>)> then) {
  at().say("asking which PACS there are…", role::busy);
  const auto told = [this](const result<json>& answer) {
    if (!answer) at().say("the PACS are not known: " + answer.error().context, role::bad);
    return answer.ok();
  };
  const json greeting{{"client", "penstock"}, {"protocol", 1}};
  at().ask({"hello", "", greeting, "", {}}, [this, then, told](const result<json>& hello) {
    if (!told(hello)) return;
    at().ask({"pacs.list", "", json::object(), "", {}}, [this, then, told, hello = *hello](const result<json>& listed) {
      if (!told(listed)) return;
      at().say("");
      // Whoever has gone on to another question is not disturbed.
      if (!at().covered()) then(pacs_options(hello, *listed, project_, left_out_));
    });
  });
}

std::vector<std::string> search_tab::take_pacs(const form_field& field) {
  left_out_.clear();
  for (const auto& option : field.options)
    if (!option.chosen) left_out_.insert(option.value);
  return field.chosen();
}

/// Where they begin.
int search_tab::draw_buttons(canvas& on, int right, int y) {
  auto shown = buttons();
  std::reverse(shown.begin(), shown.end());
  for (const auto& [what, words] : shown) {
    const auto label = key_of(what) + " " + words;
    right -= width_of(label) + 5;
    draw_button(on, right, y, label, false, [this, does = what] {
      if (!at().covered()) act(does);
    });
  }
  return right;
}

void search_tab::draw(canvas& on, const rect& where) {
  int top = where.y;
  for (const auto& line : status_of(run_))
    on.put(where.x + 1, top++, where.width - 2, line.text, {line.look, role::plain, true});
  list_tab::draw(on, {where.x, top, where.width, where.y + where.height - 1 - top});
  const int y = where.y + where.height - 1;
  on.fill({where.x, y, where.width, 1}, {role::plain, role::panel});
  const int left = draw_buttons(on, where.x + where.width, y);
  on.put(where.x + 1, y, left - where.x - 2, words_below(), {role::plain, role::panel});
}

}  // namespace penstock::console
