#include "tools/console/keys.hpp"

#include <algorithm>
#include <cctype>

namespace penstock::console {
namespace {

constexpr auto rows = in(place::table);
constexpr auto panel = in(place::facets);
constexpr auto lists = in(place::table, place::facets);
constexpr auto tabs = in(place::table, place::facets, place::governor);
constexpr auto anywhere = in(place::table, place::facets, place::text, place::dialog);
constexpr auto requests = in(place::requests);
constexpr auto repository = in(place::repository);
constexpr auto governor = in(place::governor);
constexpr auto journal = in(place::journal);

/// One key in a table with requests in it is of place::table and place::requests: the narrower one comes first.
const std::vector<binding> table{
    {action::cancel_requests, "x", requests, "cancel", "Cancel the chosen requests", true},
    {action::retry_requests, "r", requests, "retry", "Fetch what is missing, or try again now", true},
    {action::raise_priority, "+", requests, "sooner", "Move the chosen requests up one priority", true},
    {action::lower_priority, "-", requests, "later", "Move the chosen requests down one priority"},
    {action::delete_rows, "D Delete", requests, "clear", "Clear ended requests from the list; their images stay"},
    {action::delete_rows, "D Delete", repository, "delete", "Give the chosen studies up, to make room", true},
    {action::paste_numbers, "m", repository, "MRN list", "Show only the patients of a pasted list", true},
    {action::refresh, "r", repository, "refresh", "Read the repository again", true},
    {action::pause_pacs, "p", governor, "pause", "Let nothing start at the PACS any more, and abort what runs", true},
    {action::resume_pacs, "r", governor, "resume", "Let the PACS go on after a pause or a trip", true},
    {action::pause_all, "P", governor, "pause all", "Pause every PACS"},
    {action::resume_all, "R", governor, "resume all", "Resume every PACS"},
    {action::check_rules, "c", governor, "check rules",
     "Say what is wrong with a rules file here, or what it would change", true},
    {action::reload_rules, "L", governor, "reload rules",
     "Show what the server's rules file would change, and take it after a question", true},
    {action::look_for_entries, "F", journal, "look for", "Read only entries of a kind, a user, a project, a time",
     true},
    {action::read_older, "m", journal, "older", "Read older entries", true},
    {action::refresh, "r", journal, "read anew", "Read the journal again, from its newest entry"},
    {action::open, "Enter", governor, "details", "Show all that the governor says of the PACS"},
    {action::open, "Enter", rows, "details", "Show all there is to know of the row", true},
    {action::mark, "Space", rows, "mark", "Choose the row, and go down", true},
    {action::find, "/", rows, "find", "Find as you type; Enter keeps it, Esc clears it", true},
    {action::sort, "s", rows, "sort", "Sort by the column under the cursor; again: the other way round", true},
    {action::filters, "f", lists, "filters", "Show or hide the filters beside the table", true},
    {action::next_pane, "Tab Shift-Tab", lists, "other pane", "Go to the filters, or back to the table"},
    {action::mark, "Space Enter", panel, "choose", "Choose or leave out the value", true},
    {action::left, "Left h", panel, "lower end", "Move the lower end of a range down", true},
    {action::right, "Right l", panel, "lower end up", "Move the lower end of a range up"},
    {action::more_left, "Shift-Left H", panel, "upper end", "Move the upper end of a range down", true},
    {action::more_right, "Shift-Right L", panel, "upper end up", "Move the upper end of a range up"},
    {action::extend_up, "Shift-Up K", rows, "mark upwards", "Choose rows while going up"},
    {action::extend_down, "Shift-Down J", rows, "mark downwards", "Choose rows while going down"},
    {action::invert_marks, "*", rows, "invert", "Choose the rows that are shown and were not chosen, and only those"},
    {action::clear_marks, "u", rows, "choose none", "Choose no row"},
    {action::reverse, "S", rows, "reverse", "Sort the other way round"},
    {action::previous_column, "Left h", rows, "column left", "Go to the column on the left"},
    {action::next_column, "Right l", rows, "column right", "Go to the column on the right"},
    {action::hide_column, "c", rows, "hide column", "Hide the column under the cursor"},
    {action::show_columns, "C", rows, "all columns", "Show all columns again"},
    {action::copy_cell, "y", rows, "copy", "Copy the value under the cursor to the clipboard of the terminal"},
    {action::copy_rows, "Y", rows, "copy rows", "Copy the chosen rows, separated by tabs"},
    {action::export_rows, "e", rows, "export", "Write the rows that are shown to a CSV file"},
    {action::up, "Up k", tabs, "up", "Go up"},
    {action::down, "Down j", tabs, "down", "Go down"},
    {action::page_up, "PageUp Ctrl-U", tabs, "page up", "Go up by a page"},
    {action::page_down, "PageDown Ctrl-D", tabs, "page down", "Go down by a page"},
    {action::first, "Home g", tabs, "first", "Go to the first row"},
    {action::last, "End G", tabs, "last", "Go to the last row"},
    {action::show_repository, "3 F3 Alt-3", tabs, "Repository", "Go to the images that the project has"},
    {action::show_requests, "5 F5 Alt-5", tabs, "Requests", "Go to what the project has asked for"},
    {action::show_governor, "6 F6 Alt-6", tabs, "Governor",
     "Go to the PACS with their windows and limits (administrators)"},
    {action::show_journal, "7 F7 Alt-7", tabs, "Journal", "Go to the record of every step (auditors)"},
    {action::theme, "T", tabs, "theme", "Take the next theme: dark, light, contrast, terminal, mono"},
    {action::mouse, "M", tabs, "mouse", "Give the mouse back to the terminal, or take it again"},
    {action::palette, ": Ctrl-P", tabs, "commands", "Search all commands of this place and run one", true},
    {action::help, "? F1", tabs, "help", "Show and search the keys of this place", true},
    {action::back, "Escape", anywhere, "back", "One step back; never quits"},
    {action::repaint, "Ctrl-L", anywhere, "repaint", "Draw everything again"},
    {action::suspend, "Ctrl-Z", anywhere, "suspend", "Go back to the shell until 'fg'"},
    {action::quit, "q", tabs, "quit", "Leave the console; requests go on", true},
    {action::quit, "Ctrl-C", anywhere, "quit", "Leave the console; requests go on"},
};

std::string_view take_word(std::string_view& text) {
  const auto end = std::min(text.find(' '), text.size());
  const auto word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

bool has_key(const binding& one, std::string_view key) {
  auto keys = one.keys;
  while (!keys.empty())
    if (take_word(keys) == key) return true;
  return false;
}

std::string first_key(const binding& one) {
  auto keys = one.keys;
  return std::string{take_word(keys)};
}

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

}  // namespace

const std::vector<binding>& key_table() { return table; }

std::optional<action> action_of(std::string_view key, places here) {
  for (const auto& one : table)
    if ((one.where & here) != 0 && has_key(one, key)) return one.does;
  return std::nullopt;
}

std::string key_of(action what) {
  const auto found = std::find_if(table.begin(), table.end(), [what](const auto& one) { return one.does == what; });
  return found == table.end() ? "" : first_key(*found);
}

std::vector<const binding*> bindings_in(places here) {
  std::vector<const binding*> found;
  for (const auto& one : table)
    if ((one.where & here) != 0) found.push_back(&one);
  return found;
}

std::vector<std::pair<std::string, action>> footer_parts(places here, int columns) {
  std::vector<std::pair<std::string, action>> parts;
  std::size_t used = 0;
  for (const auto* one : bindings_in(here)) {
    if (!one->footer) continue;
    auto part = first_key(*one) + " " + std::string{one->name};
    if (used + part.size() + 2 > static_cast<std::size_t>(std::max(columns, 0))) continue;
    used += part.size() + (parts.empty() ? 0 : 2);
    parts.emplace_back(std::move(part), one->does);
  }
  return parts;
}

std::string footer_of(places here, int columns) {
  std::string text;
  for (const auto& [part, does] : footer_parts(here, columns)) text += (text.empty() ? "" : "  ") + part;
  return text;
}

std::string manual_of_keys() {
  constexpr std::size_t key_columns = 18;
  std::string text;
  for (const auto& one : table) {
    std::string keys{one.keys};
    keys.resize(std::max(keys.size() + 1, key_columns), ' ');
    text += "  " + keys + std::string{one.help} + "\n";
  }
  return text;
}

std::optional<int> fuzzy_score(std::string_view pattern, std::string_view text) {
  constexpr int begin_of_word = 8;
  constexpr int next_to_last = 4;
  int score = 0;
  std::size_t from = 0;
  std::size_t last = text.size();
  for (const char wanted : pattern) {
    if (wanted == ' ') continue;
    std::size_t found = from;
    while (found < text.size() && lower(text[found]) != lower(wanted)) ++found;
    if (found == text.size()) return std::nullopt;
    score += 1 - static_cast<int>(found - from) / 4;
    if (found == 0 || text[found - 1] == ' ') score += begin_of_word;
    if (last != text.size() && found == last + 1) score += next_to_last;
    last = found;
    from = found + 1;
  }
  return score;
}

std::vector<const binding*> search_bindings(places here, std::string_view pattern) {
  std::vector<std::pair<int, const binding*>> scored;
  for (const auto* one : bindings_in(here)) {
    const auto by_name = fuzzy_score(pattern, one->name);
    const auto by_help = fuzzy_score(pattern, one->help);
    if (by_name || by_help) scored.emplace_back(std::max(by_name ? *by_name + 2 : -1000, by_help.value_or(-1000)), one);
  }
  std::stable_sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<const binding*> found;
  for (const auto& [score, one] : scored) found.push_back(one);
  return found;
}

}  // namespace penstock::console
