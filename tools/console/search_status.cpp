#include "tools/console/search_status.hpp"

#include "tools/console/changes.hpp"

namespace penstock::console {
namespace {

using messages::search_outcome;

std::string spelled(search_outcome outcome) {
  std::string text{messages::name_of(outcome)};
  for (auto& c : text)
    if (c == '_') c = ' ';
  return text;
}

/// "300 found, 30 not found"
std::string counts_of(const line_outcomes& outcomes) {
  std::string text;
  for (auto one = outcomes.counts().rbegin(); one != outcomes.counts().rend(); ++one)
    text += (text.empty() ? "" : ", ") + std::to_string(one->second) + " " + spelled(one->first);
  return text;
}

std::string lines_and_places(const line_outcomes& outcomes, bool whole) {
  const auto lines = count_of(outcomes.lines(), "line", "lines") + ", " + std::to_string(outcomes.places()) + " PACS";
  return whole ? lines : std::to_string(outcomes.answered()) + " of " + lines;
}

/// "gh-rad unavailable for 5 (association refused)"
std::string shortfalls_of(const line_outcomes& outcomes) {
  std::string text;
  for (const auto& one : outcomes.shortfalls())
    text += (text.empty() ? "" : "; ") + one.pacs + " " + spelled(one.what) + " for " +
            count_of(one.lines, "line", "lines") + (one.why.empty() ? "" : " (" + one.why + ")");
  const auto unanswered = outcomes.lines() - outcomes.answered();
  if (unanswered != 0) text += (text.empty() ? "" : "; ") + count_of(unanswered, "line", "lines") + " not answered";
  return text;
}

}  // namespace

std::vector<status_words> status_of(const search_run& run) {
  if (!run.begun()) return {};
  const auto& outcomes = run.outcomes();
  const auto counts = counts_of(outcomes);
  const auto so_far = lines_and_places(outcomes, false) + (counts.empty() ? "" : " · " + counts);
  if (run.lost())
    return {{so_far, role::busy},
            {"✗ Connection lost; the server searches on, and it goes on here when it is back", role::bad}};
  if (!run.over()) return {{(run.cancelled() ? "Cancelling: " : "Searching: ") + so_far, role::busy}};
  const auto missing = shortfalls_of(outcomes);
  if (!run.problem().empty())
    return {{so_far, role::plain}, {"! STOPPED, r asks the rest again: " + run.problem(), role::bad}};
  if (run.cancelled()) return {{so_far, role::plain}, {"! CANCELLED, r asks the rest: " + missing, role::warning}};
  const status_words all{lines_and_places(outcomes, true) + ": " + counts, missing.empty() ? role::good : role::plain};
  if (missing.empty()) return {all};
  const bool may_help = !outcomes.missing().empty();
  return {all, {std::string{"! INCOMPLETE"} + (may_help ? ", r asks again: " : ": ") + missing, role::warning}};
}

std::string nothing_found(const search_run& run) {
  if (!run.over() || run.lost()) return "Nothing has come yet.";
  const bool whole = run.problem().empty() && run.outcomes().shortfalls().empty() &&
                     run.outcomes().answered() == run.outcomes().lines();
  return whole ? "Nothing was found; o shows why, line by line."
               : "Nothing so far, but not everything was asked; see above. o shows each line.";
}

std::vector<std::string> outcome_lines(const search_run& run, std::size_t most) {
  constexpr std::size_t number_columns = 7;
  constexpr std::size_t text_columns = 18;
  constexpr std::size_t outcome_columns = 15;
  const auto& outcomes = run.outcomes();
  std::vector<std::string> lines;
  std::size_t more = 0;
  for (std::size_t line = 0; line < outcomes.lines(); ++line) {
    const auto why = outcomes.why(line);
    if (outcomes.best(line) == search_outcome::found && why.empty()) continue;
    if (lines.size() >= most) {
      ++more;
      continue;
    }
    const auto field = [](std::string text, std::size_t columns) {
      text.resize(std::max(text.size() + 1, columns), ' ');
      return text;
    };
    lines.push_back(field(std::to_string(line + 1), number_columns) + field(run.wish().lines[line], text_columns) +
                    field(spelled(outcomes.best(line)), outcome_columns) + why);
  }
  if (more != 0) lines.push_back("and " + std::to_string(more) + " more");
  if (lines.empty()) lines.emplace_back("Every line was found at every PACS that was asked.");
  return lines;
}

}  // namespace penstock::console
