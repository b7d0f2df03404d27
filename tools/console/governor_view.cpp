#include "tools/console/governor_view.hpp"

#include <algorithm>

#include "tools/console/bars.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/governor_words.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::console {
namespace {

using commands::number_in;
using commands::object_in;
using commands::text_in;
using nlohmann::json;

constexpr int name_columns = 12;
constexpr int longest_bar = 24;

used_limit limit_in(const json& used, const char* period, const json& limits, const char* limit) {
  used_limit found{period, number_in(used, period), std::nullopt};
  if (limits.contains(limit)) found.most = number_in(limits, limit);
  return found;
}

std::string outlook_in(const json& pacs) {
  if (const auto pause = commands::pause_of(pacs); !pause.empty()) return pause;
  const auto outlook = text_in(pacs, "outlook");
  return outlook.empty() ? text_in(pacs, "problem") : outlook;
}

governed_pacs governed_from(const json& one) {
  const auto limits = object_in(one, "limits");
  const auto started = object_in(one, "started");
  governed_pacs pacs;
  pacs.id = text_in(one, "pacs");
  pacs.state = text_in(one, "state");
  pacs.window = "window " + commands::window_of(one);
  if (const auto change = text_in(one, "next_change"); !change.empty())
    pacs.window += ", until " + commands::local_time(change);
  pacs.outlook = outlook_in(one);
  pacs.running = limit_in(one, "in_flight", limits, "concurrent");
  pacs.running.name = "in flight";
  pacs.started = {limit_in(started, "minute", limits, "per_minute"), limit_in(started, "hour", limits, "per_hour"),
                  limit_in(started, "day", limits, "per_day")};
  const auto waiting = object_in(one, "waiting");
  for (const auto& [project, count] : waiting.items()) pacs.waiting += number_in(waiting, project.c_str());
  pacs.waiting_of = commands::waiting_in(one);
  return pacs;
}

std::string words_of(const used_limit& one) {
  return one.most ? std::to_string(one.used) + " of " + std::to_string(*one.most)
                  : std::to_string(one.used) + ", no limit";
}

role look_of_state(const std::string& state) {
  return state == "up" ? role::good : state == "paused" ? role::warning : role::bad;
}

std::string state_shown(const std::string& state) {
  return (state == "up" ? "● " : state == "paused" ? "■ " : "✗ ") + state;
}

/// "hour ━━━━┄┄┄┄ 20 of 60"
void draw_limit(canvas& on, const rect& where, const used_limit& one, role ground) {
  const auto words = words_of(one);
  const int named = where.x + on.put(where.x, where.y, where.width, one.name + " ", {role::faint, ground});
  int at = named;
  const int room = where.x + where.width - named - width_of(words) - 2;
  if (one.most && room > 2) {
    const bool full = one.used >= *one.most;
    const auto bar = bar_of(one.used, *one.most, std::min(room, longest_bar));
    at += on.put(at, where.y, room, bar, {full ? role::warning : role::used, ground}) + 1;
  }
  on.put(at, where.y, where.x + where.width - at, words, {role::plain, ground});
}

}  // namespace

std::vector<governed_pacs> governed_in(const json& status) {
  std::vector<governed_pacs> all;
  for (const auto& one : commands::array_in(status, "pacs"))
    if (one.is_object()) all.push_back(governed_from(one));
  return all;
}

std::string summary_of(const std::vector<governed_pacs>& all) {
  std::uint64_t running = 0;
  std::uint64_t waiting = 0;
  std::size_t paused = 0;
  std::size_t down = 0;
  for (const auto& one : all) {
    running += one.running.used;
    waiting += one.waiting;
    if (one.state == "paused") ++paused;
    if (one.state == "down") ++down;
  }
  auto text = std::to_string(all.size()) + " PACS";
  if (paused != 0) text += " · " + std::to_string(paused) + " paused";
  if (down != 0) text += " · " + std::to_string(down) + " down";
  return text + " · " + std::to_string(running) + " in flight · " + std::to_string(waiting) + " waiting";
}

std::vector<std::string> details_of(const governed_pacs& pacs) {
  std::vector<std::string> lines;
  const auto add = [&](std::string name, const std::string& text) {
    name.resize(16, ' ');
    if (!text.empty()) lines.push_back(name + text);
  };
  add("state", pacs.state);
  add("now", pacs.outlook.empty() ? "a retrieval may start" : pacs.outlook);
  add("window", pacs.window.substr(std::string_view{"window "}.size()));
  add("in flight", words_of(pacs.running));
  for (const auto& one : pacs.started) add("started, " + one.name, words_of(one));
  add("waiting", std::to_string(pacs.waiting));
  add("by project", pacs.waiting_of);
  return lines;
}

void draw_governed(canvas& on, const rect& where, const governed_pacs& pacs, bool under_cursor) {
  const auto ground = under_cursor ? role::cursor : role::plain;
  on.fill({where.x, where.y, where.width, 1}, {role::plain, ground});
  if (under_cursor) on.put(where.x, where.y, 1, "▸", {role::accent, ground});
  on.put_field(where.x + 2, where.y, name_columns, pacs.id, {role::plain, ground, true});
  const int state_x = where.x + 3 + name_columns;
  const int state_columns = on.put(state_x, where.y, where.width - state_x, state_shown(pacs.state),
                                   {look_of_state(pacs.state), ground, true});
  const int window_x = state_x + std::max(state_columns, 9) + 2;
  on.put(window_x, where.y, where.x + where.width - window_x, pacs.window, {role::plain, ground});

  const int indent = where.x + 4;
  const int third = (where.width - 4) / static_cast<int>(pacs.started.size());
  for (std::size_t i = 0; i < pacs.started.size(); ++i)
    draw_limit(on, {indent + static_cast<int>(i) * third, where.y + 1, third - 1, 1}, pacs.started[i], role::plain);
  draw_limit(on, {indent, where.y + 2, third - 1, 1}, pacs.running, role::plain);
  auto waits = std::to_string(pacs.waiting) + " waiting";
  if (pacs.waiting > 0) waits += ": " + pacs.waiting_of;
  on.put(indent + third, where.y + 2, where.width - 4 - third, waits);
  if (!pacs.outlook.empty()) on.put(indent, where.y + 3, where.width - 4, "! " + pacs.outlook, {role::warning});
}

}  // namespace penstock::console
