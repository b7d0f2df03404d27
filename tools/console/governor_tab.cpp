#include "tools/console/governor_tab.hpp"

#include <algorithm>

#include "tools/client/local_file.hpp"
#include "tools/console/changes.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/rules_verdict.hpp"

namespace penstock::console {
namespace {

using nlohmann::json;

constexpr const char* every_pacs = "all";
constexpr std::size_t longest_reason_bytes = 500;
constexpr const char* timer = "governor";

client::question site_question(const std::string& command, json args, const std::string& op = {}) {
  return {command, "", std::move(args), op, {}};
}

}  // namespace

std::string switch_outcome(bool pausing, const json& answer) {
  auto text =
      pausing ? "paused; " +
                    count_of(commands::number_in(answer, "stopped"), "running retrieval is", "running retrievals are") +
                    " being aborted"
              : "resumed: one retrieval at first, then more";
  const auto silent = commands::list_in(answer, "silent");
  if (!silent.empty()) text += "; no answer of " + silent + ": nothing is known of it";
  return text;
}

governor_tab::governor_tab(desk& at) : at_(at) {
  at_.follow("governor", [this](const client::topic_event& event) {
    if (event.kind == client::event_kind::revoked) problem_ = "you may no longer see this";
    if (seen_) at_.later(timer, event_pause, [this] { read(); });
  });
}

// ---- what is shown ----

/// Asks anew after each answer, as long as somebody looks at it.
void governor_tab::read() {
  if (asked_) return;
  asked_ = true;
  at_.ask(site_question("governor.status", json::object()),
          [this](const messages::result<json>& status) { learn(status); });
}

void governor_tab::learn(const messages::result<json>& status) {
  asked_ = false;
  problem_ = status ? "" : status.error().context;
  if (status) {
    const auto before = cursor();
    all_ = governed_in(*status);
    known_ = true;
    seen_ = false;
    if (id_at_cursor().empty()) move_to(static_cast<std::ptrdiff_t>(before));
  }
  at_.later(timer, status ? reading_interval : retry_pause, [this] {
    if (seen_) read();
  });
}

std::size_t governor_tab::cursor() const {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const auto& one) { return one.id == cursor_id_; });
  return found == all_.end() ? 0 : static_cast<std::size_t>(found - all_.begin());
}

void governor_tab::move_to(std::ptrdiff_t position) {
  if (all_.empty()) return;
  const auto last = static_cast<std::ptrdiff_t>(all_.size()) - 1;
  cursor_id_ = all_[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(position, 0, last))].id;
}

/// Empty when that PACS is gone.
std::string governor_tab::id_at_cursor() const {
  return all_.empty() || all_[cursor()].id != cursor_id_ ? "" : cursor_id_;
}

void governor_tab::draw(canvas& on, const rect& where) {
  seen_ = true;
  const int last = where.y + where.height - 1;
  const auto room = static_cast<std::size_t>(std::max((where.height - 1) / governed_rows, 1));
  const auto chosen = cursor();
  if (chosen < top_) top_ = chosen;
  if (chosen >= top_ + room) top_ = chosen - room + 1;
  on.on_mouse(where, [this](const mouse_event& event) {
    if (event.kind == mouse_kind::wheel_up) move_to(static_cast<std::ptrdiff_t>(cursor()) - 1);
    if (event.kind == mouse_kind::wheel_down) move_to(static_cast<std::ptrdiff_t>(cursor()) + 1);
  });
  for (std::size_t i = 0; i < room && top_ + i < all_.size(); ++i) {
    const rect at{where.x, where.y + static_cast<int>(i) * governed_rows, where.width, governed_rows};
    draw_governed(on, at, all_[top_ + i], top_ + i == chosen);
    on.on_mouse(at, [this, position = static_cast<std::ptrdiff_t>(top_ + i)](const mouse_event& event) {
      if (event.kind == mouse_kind::press) move_to(position);
      if (event.kind == mouse_kind::wheel_up) move_to(static_cast<std::ptrdiff_t>(cursor()) - 1);
      if (event.kind == mouse_kind::wheel_down) move_to(static_cast<std::ptrdiff_t>(cursor()) + 1);
    });
  }
  if (!problem_.empty())
    on.put(where.x + 1, last, where.width - 2, "not read again: " + problem_, {role::bad});
  else
    on.put(where.x + 1, last, where.width - 2, known_ ? summary_of(all_) : "asking…", {role::faint});
}

bool governor_tab::act(action what) {
  const auto position = static_cast<std::ptrdiff_t>(cursor());
  const auto end = static_cast<std::ptrdiff_t>(all_.size());
  switch (what) {
    case action::up:
    case action::down:
      return move_to(position + (what == action::up ? -1 : 1)), true;
    case action::page_up:
    case action::first:
      return move_to(0), true;
    case action::page_down:
    case action::last:
      return move_to(end), true;
    case action::open:
      if (const auto id = id_at_cursor(); !id.empty())
        at_.lay_over(std::make_unique<fact_box>(id, details_of(all_[cursor()])));
      return true;
    case action::pause_pacs:
    case action::resume_pacs:
      if (const auto id = id_at_cursor(); !id.empty()) ask_for_reason(what == action::pause_pacs, id);
      return true;
    case action::pause_all:
    case action::resume_all:
      return ask_for_reason(what == action::pause_all, every_pacs), true;
    case action::check_rules:
      return ask_for_rules_file(), true;
    case action::reload_rules:
      return check_before_reload(), true;
    default:
      return false;
  }
}

// ---- the switch ----

void governor_tab::ask_for_reason(bool pausing, const std::string& pacs) {
  const auto whom = pacs == every_pacs ? "every PACS" : pacs;
  at_.lay_over(std::make_unique<text_box>(
      (pausing ? "Pause " : "Resume ") + whom,
      pausing ? "Why? Nothing starts any more, and what runs is aborted." : "Why? It is journaled.",
      text_field{false, longest_reason_bytes},
      [this, pausing, pacs](const std::string& reason) { turn_switch(pausing, pacs, reason); }, false));
}

void governor_tab::turn_switch(bool pausing, const std::string& pacs, const std::string& reason) {
  if (reason.find_first_not_of(' ') == std::string::npos)
    return at_.say("nothing was done: it needs a reason", role::warning);
  at_.say("asking…", role::busy);
  at_.ask(site_question(pausing ? "governor.pause" : "governor.resume", json{{"pacs", pacs}, {"reason", reason}},
                        client::new_op()),
          [this, pausing](const messages::result<json>& answer) {
            if (!answer) return at_.say(answer.error().context, role::bad);
            const bool all_answered = commands::array_in(*answer, "silent").empty();
            at_.say(switch_outcome(pausing, *answer), all_answered ? role::good : role::warning);
            read();
          });
}

// ---- the rules ----

void governor_tab::ask_for_rules_file() {
  at_.lay_over(std::make_unique<text_box>(
      "Check rules", "A rules file on this machine; nothing is changed.", text_field{},
      [this](const std::string& path) { check_file(path); }, false));
}

void governor_tab::check_file(const std::string& path) {
  if (path.empty()) return;
  auto text = client::read_small_file(path, commands::longest_rules_bytes);
  if (!text) return at_.say(text.error().context, role::bad);
  at_.say("asking…", role::busy);
  at_.ask(site_question("governance.check", json{{"toml", std::move(*text)}}),
          [this, path](const messages::result<json>& verdict) {
            if (!verdict) return at_.say(verdict.error().context, role::bad);
            at_.say("");
            if (!at_.covered()) at_.lay_over(std::make_unique<fact_box>(path, commands::verdict_lines(*verdict)));
          });
}

void governor_tab::check_before_reload() {
  at_.say("asking…", role::busy);
  at_.ask(site_question("governance.check", json::object()), [this](const messages::result<json>& verdict) {
    if (!verdict) return at_.say(verdict.error().context, role::bad);
    at_.say("");
    if (at_.covered()) return;
    if (!commands::is_valid_verdict(*verdict))
      return at_.lay_over(std::make_unique<fact_box>("The rules file has faults", commands::verdict_lines(*verdict)));
    at_.lay_over(std::make_unique<question_box>("Take the server's rules file now", commands::verdict_lines(*verdict),
                                                "Take it", [this] { reload(); }));
  });
}

void governor_tab::reload() {
  at_.say("asking…", role::busy);
  at_.ask(site_question("governance.reload", json::object(), client::new_op()),
          [this](const messages::result<json>& verdict) {
            if (!verdict) return at_.say(verdict.error().context, role::bad);
            if (!commands::is_valid_verdict(*verdict)) {
              at_.say("the rules in force stay in force", role::bad);
              return at_.lay_over(
                  std::make_unique<fact_box>("The rules file has faults", commands::verdict_lines(*verdict)));
            }
            const bool changed = commands::has_changes(*verdict);
            at_.say(changed ? "in force now" : "they were in force before; nothing has changed", role::good);
            read();
          });
}

}  // namespace penstock::console
