// What the workbench asks the server to change, and what it writes.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "tools/client/local_file.hpp"
#include "tools/console/repository_tab.hpp"
#include "tools/console/requests_tab.hpp"
#include "tools/console/workbench.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/input_lists.hpp"

namespace penstock::console {
namespace {

using nlohmann::json;

std::string count_of(std::size_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

/// "3 cancelled; 1 not: has ended"
std::string outcome_line(const json& answer, const std::string& done) {
  std::size_t good = 0;
  std::size_t bad = 0;
  std::string why;
  for (const auto& row : commands::array_in(answer, "rows")) {
    const auto outcome = commands::text_in(row, "outcome");
    if (outcome == done) {
      ++good;
      continue;
    }
    ++bad;
    if (why.empty()) why = outcome + " " + commands::text_in(row, "message");
  }
  auto text = std::to_string(good) + " " + done;
  if (bad != 0) text += "; " + std::to_string(bad) + " not: " + why;
  return text;
}

/// The parts of `ids` that one question may name.
std::vector<std::vector<std::string>> parts_of(const std::vector<std::string>& ids) {
  std::vector<std::vector<std::string>> parts;
  for (std::size_t begin = 0; begin < ids.size(); begin += workbench::most_at_once) {
    const auto end = std::min(begin + workbench::most_at_once, ids.size());
    parts.emplace_back(ids.begin() + static_cast<std::ptrdiff_t>(begin),
                       ids.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return parts;
}

std::string export_name(bool repository) {
  const auto now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[64];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S.csv", &local);
  return (repository ? "penstock-repository-" : "penstock-requests-") + std::string{text};
}

/// Empty, or why not. Never over a file that is there.
std::string write_new_file(const std::string& path, std::string_view text) {
  const client::file_descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (file.get() < 0) return std::strerror(errno);
  while (!text.empty()) {
    const auto written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return std::strerror(errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

void workbench::send_change(const std::string& command, json args, const std::string& done) {
  say("asking…", role::busy);
  around_.ask({command, project_.project(), std::move(args), client::new_op(), {}},
              [this, done](const messages::result<json>& answer) {
                if (!answer) return say(answer.error().context, role::bad);
                const auto line = outcome_line(*answer, done);
                say(line, line.find("; ") == std::string::npos ? role::good : role::warning);
              });
}

void workbench::change_requests(const std::string& command, const std::string& done, const json& more) {
  for (const auto& part : parts_of(requests_.table().chosen())) {
    json args{{"requests", part}};
    if (more.is_object()) args.update(more);
    send_change(command, std::move(args), done);
  }
}

void workbench::move_priority(bool higher) {
  const auto at = project_.requests().find(requests_.table().cursor_id());
  if (!at) return;
  const auto now = project_.requests().value(*at, static_cast<std::size_t>(request_value::priority));
  change_requests("requests.prioritise", "prioritised", json{{"priority", other_priority(now, higher)}});
}

void workbench::ask_to_delete() {
  const auto chosen = tab().table().chosen();
  if (chosen.empty()) return;
  if (in_repository_) {
    const auto count = count_of(chosen.size(), "study", "studies");
    over_ = std::make_unique<question_box>("Delete " + count,
                                           deletion_lines(project_.holdings(), chosen, tab().table().marked_unseen()),
                                           "Delete " + count, [this, chosen] {
                                             for (const auto& part : parts_of(chosen))
                                               send_change("cache.delete", json{{"studies", part}}, "deleted");
                                           });
    return;
  }
  const auto count = count_of(chosen.size(), "request", "requests");
  over_ = std::make_unique<question_box>(
      "Clear " + count,
      std::vector<std::string>{"Only what has ended is cleared from the list.", "The images that were fetched stay."},
      "Clear " + count, [this, chosen] {
        for (const auto& part : parts_of(chosen)) send_change("requests.delete", json{{"requests", part}}, "deleted");
      });
}

void workbench::open_row() {
  const auto id = tab().table().cursor_id();
  if (id.empty()) return;
  if (!in_repository_) return show_request();
  over_ = std::make_unique<fact_box>("Study", holding_details(project_.holdings(), id));
}

void workbench::show_request() {
  const auto id = requests_.table().cursor_id();
  say("asking…", role::busy);
  around_.ask({"requests.show", project_.project(), json{{"request", id}}, "", {}},
              [this, id](const messages::result<json>& answer) {
                if (!answer) return say(answer.error().context, role::bad);
                say("");
                // Whoever has gone on to another question is not disturbed.
                if (!over_) over_ = std::make_unique<fact_box>("Request " + id, request_details(*answer));
              });
}

void workbench::ask_for_numbers() {
  constexpr std::size_t most_bytes = 1024 * 1024;
  over_ = std::make_unique<text_box>(
      "Show only these patients", "MRNs, one a line, or a CSV; nothing shows all again", text_field{true, most_bytes},
      [this](const std::string& pasted) { filter_numbers(pasted); }, true);
}

void workbench::filter_numbers(const std::string& pasted) {
  auto list = commands::parse_input_list(pasted, commands::mrn_headings());
  if (!list) return say(list.error().context, role::bad);
  std::unordered_set<std::string> numbers;
  for (const auto& one : *list) numbers.insert(one.reveal());
  const auto column = static_cast<std::size_t>(holding_value::mrn);
  std::unordered_set<std::string> here_now;
  const auto& rows = project_.holdings();
  for (row_store::slot at = 0; at < rows.end_slot(); ++at)
    if (rows.is_row(at) && numbers.contains(std::string{rows.value(at, column)}))
      here_now.emplace(rows.value(at, column));
  const auto asked = numbers.size();
  repository_.filter_by_list(column, std::move(numbers));
  if (asked != 0)
    say(std::to_string(here_now.size()) + " of " + std::to_string(asked) + " numbers are in the repository");
}

void workbench::ask_for_export() {
  text_field name;
  name.set_text(export_name(in_repository_));
  const auto rows = count_of(tab().table().view().order().size(), "row", "rows");
  over_ = std::make_unique<text_box>(
      "Export to CSV", rows + ", as they are shown; the file will hold identifiers of patients", std::move(name),
      [this](const std::string& path) { write_export(path); }, false);
}

void workbench::write_export(const std::string& path) {
  if (path.empty()) return;
  const auto problem = write_new_file(path, tab().table().as_csv());
  if (problem.empty()) return say("written: " + path, role::good);
  say(path + ": " + problem, role::bad);
}

void workbench::copy(const std::string& text, const std::string& what) {
  if (around_.copy(text))
    say("copied " + what + "; if nothing arrives, the terminal does not allow it (OSC 52)");
  else
    say("that is too much for a clipboard: export it with e", role::warning);
}

}  // namespace penstock::console
