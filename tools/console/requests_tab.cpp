#include "tools/console/requests_tab.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "messages/requests.hpp"
#include "tools/console/bars.hpp"
#include "tools/console/changes.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::console {
namespace {

using commands::array_in;
using commands::list_in;
using commands::number_in;
using commands::text_in;
using nlohmann::json;

constexpr int bar_columns = 10;
constexpr std::size_t most_missing_shown = 500;
constexpr std::array<std::string_view, 3> priorities{"low", "normal", "high"};

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string progress_shown(std::string_view counts) {
  const auto slash = std::min(counts.find('/'), counts.size());
  const auto expected = slash == counts.size() ? 0 : number(counts.substr(slash + 1));
  if (counts.empty()) return {};
  const auto bar = progress_bar(number(counts), expected, bar_columns);
  return bar.empty() ? std::string{counts.substr(0, slash)} : bar + " " + std::string{counts};
}

std::string size_shown(std::string_view bytes) {
  return number(bytes) == 0 ? "" : commands::human_bytes(number(bytes));
}
std::string time_shown(std::string_view time) { return commands::local_time(time); }
std::string date_shown(std::string_view date) { return commands::study_time(date, ""); }

}  // namespace

std::vector<column_spec> request_columns() {
  using enum value_kind;
  return {{"State", text, 11, {}, true},
          {"Accession", text, 12},
          {"Progress", text, 22, progress_shown},
          {"Why", text, 28},
          {"MRN", text, 10},
          {"Mod", text, 5, {}, true},
          {"Size", number, 9, size_shown},
          {"Pos", number, 4},
          {"Starts", text, 18},
          {"PACS", text, 8, {}, true},
          {"Institution", text, 18, {}, true},
          {"Priority", text, 8, {}, true},
          {"By", text, 8, {}, true},
          {"Submitted", time, 16, time_shown, true},
          {"Study", text, 30},
          {"Study date", time, 10, date_shown, true},
          {"Tries", number, 5},
          {"Ended", time, 16, time_shown}};
}

role request_look(std::size_t column, std::string_view value) {
  if (column == static_cast<std::size_t>(request_value::progress)) return role::busy;
  if (column != static_cast<std::size_t>(request_value::state)) return role::plain;
  auto state = messages::request_state::scheduled;
  if (!messages::parse(value, state)) return role::plain;
  switch (state) {
    case messages::request_state::completed:
      return role::good;
    case messages::request_state::processing:
      return role::busy;
    case messages::request_state::scheduled:
      return role::plain;
    case messages::request_state::cancelled:
      return role::faint;
    default:
      return role::bad;
  }
}

std::string states_of(const row_store& requests) {
  std::string text;
  for (const auto& [state, count] : requests.counts())
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + state;
  return text.empty() ? "no requests yet" : text;
}

std::vector<std::string> request_details(const json& answer) {
  const auto& request = answer.contains("id") ? answer : answer.value("request", json::object());
  std::vector<std::string> lines;
  const auto add = [&](std::string name, const std::string& text) {
    if (text.empty() || text == "null") return;
    name.resize(18, ' ');
    lines.push_back(name + text);
  };
  for (const char* member :
       {"state", "reason", "error", "position", "estimate", "pacs", "institution", "AccessionNumber", "PatientID",
        "StudyInstanceUID", "Modality", "priority", "user", "attempts"})
    add(member, list_in(request, member));
  for (const char* member : {"submitted", "started", "ended"}) add(member, time_shown(text_in(request, member)));
  add("images", progress_in(request));
  add("size", size_shown(text_in(request, "bytes")));
  lines.emplace_back();
  for (const auto& step : array_in(request, "history"))
    lines.push_back(time_shown(text_in(step, "at")) + "  " + text_in(step, "state") + "  " + text_in(step, "reason"));
  const auto& missing = array_in(answer, "missing");
  if (missing.empty()) return lines;
  lines.emplace_back();
  lines.push_back("missing instances:");
  for (const auto& uid : missing)
    if (uid.is_string() && lines.size() < most_missing_shown) lines.push_back("  " + uid.get<std::string>());
  if (const auto next = answer.find("next"); next != answer.end() && next->is_string() && *next != "")
    lines.push_back("  and more: 'penstock requests show' lists them all");
  return lines;
}

std::string other_priority(std::string_view priority, bool higher) {
  const auto found = std::find(priorities.begin(), priorities.end(), priority);
  const auto at = found == priorities.end() ? 1 : found - priorities.begin();
  return std::string{priorities.at(static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(at + (higher ? 1 : -1), 0, 2)))};
}

requests_tab::requests_tab(desk& at, live_project& project)
    : list_tab(at, place::requests, project.requests(), request_columns(), request_look), project_(project) {
  table().view().sort_by(static_cast<std::size_t>(request_value::submitted), true);
}

std::string requests_tab::empty_text() const { return "Nothing was requested yet; tab 1 finds patients to ask for."; }

std::string requests_tab::more_summary() const {
  auto text = states_of(project_.requests());
  if (project_.overflowed()) text += " · there are more than " + std::to_string(row_store::most_rows);
  return text;
}

bool requests_tab::act_on_rows(action what) {
  switch (what) {
    case action::cancel_requests:
      ask_to_cancel();
      return true;
    case action::retry_requests:
      change("requests.retry", "scheduled");
      return true;
    case action::raise_priority:
    case action::lower_priority:
      move_priority(what == action::raise_priority);
      return true;
    case action::delete_rows:
      ask_to_clear();
      return true;
    default:
      return false;
  }
}

void requests_tab::change(const std::string& command, const std::string& done, const json& more) {
  for (const auto& part : parts_of(table().chosen())) {
    json args{{"requests", part}};
    if (more.is_object()) args.update(more);
    send_change(at(), project_.project(), command, std::move(args), done);
  }
}

void requests_tab::ask_to_cancel() {
  const auto chosen = table().chosen();
  if (chosen.empty()) return;
  const auto count = count_of(chosen.size(), "request", "requests");
  at().lay_over(std::make_unique<question_box>(
      "Cancel " + count, std::vector<std::string>{"What they have fetched so far is kept; they can be retried."},
      "Cancel " + count, [this] { change("requests.cancel", "cancelled"); }));
}

void requests_tab::ask_to_clear() {
  const auto chosen = table().chosen();
  if (chosen.empty()) return;
  const auto count = count_of(chosen.size(), "request", "requests");
  at().lay_over(std::make_unique<question_box>(
      "Clear " + count,
      std::vector<std::string>{"Only what has ended is cleared from the list.", "The images that were fetched stay."},
      "Clear " + count, [this] { change("requests.delete", "deleted"); }));
}

void requests_tab::move_priority(bool higher) {
  const auto row = project_.requests().find(table().cursor_id());
  if (!row) return;
  const auto now = project_.requests().value(*row, static_cast<std::size_t>(request_value::priority));
  change("requests.prioritise", "prioritised", json{{"priority", other_priority(now, higher)}});
}

void requests_tab::open_row(const std::string& id) {
  at().say("asking…", role::busy);
  at().ask({"requests.show", project_.project(), json{{"request", id}}, "", {}},
           [this, id](const messages::result<json>& answer) {
             if (!answer) return at().say(answer.error().context, role::bad);
             at().say("");
             // Whoever has gone on to another question is not disturbed.
             if (!at().covered()) at().lay_over(std::make_unique<fact_box>("Request " + id, request_details(*answer)));
           });
}

}  // namespace penstock::console
