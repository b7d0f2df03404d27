#include "tools/console/keys.hpp"

#include <algorithm>
#include <cctype>

namespace penstock::console {
namespace {

constexpr auto rows = in(place::table);
constexpr auto panel = in(place::facets);
constexpr auto lists = in(place::table, place::facets);
constexpr auto governor = in(place::governor);
constexpr auto journal = in(place::journal);
constexpr auto viewer = in(place::viewer);
constexpr auto picture = in(place::picture);
constexpr auto viewing = viewer | picture;
constexpr auto moving = lists | viewer | governor;
constexpr auto tabs = lists | viewing | governor;
constexpr auto anywhere = tabs | in(place::text, place::dialog);
constexpr auto requests = in(place::requests);
constexpr auto repository = in(place::repository);
constexpr auto patients = in(place::patients);
constexpr auto studies = in(place::studies);
constexpr auto searches = in(place::patients, place::studies);

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
    {action::new_search, "n", patients, "find patients", "Find patients: paste MRNs or name a file", true},
    {action::new_search, "n", studies, "find accessions", "Find studies: paste accession numbers or name a file", true},
    {action::find_studies, "t", patients, "studies", "Find the studies of the chosen patients", true},
    {action::request_studies, "m", studies, "request", "Move the chosen studies to the repository", true},
    {action::cancel_search, "x", searches, "stop search", "Cancel the search; what was found stays", true},
    {action::search_again, "r", searches, "ask again", "Ask again what was not answered or not available", true},
    {action::show_outcomes, "o", searches, "each line", "Show the lines that were not simply found, and why"},
    {action::download, "d", repository, "download", "Take the chosen studies home, sealed or not", true},
    {action::open, "Enter", viewer, "open", "Open or close the branch; of a sealed download, with its key", true},
    {action::window_wider, "Up k", picture, "wider", "Widen the window of grey"},
    {action::window_narrower, "Down j", picture, "narrower", "Narrow the window of grey"},
    {action::centre_up, "Right l", picture, "centre up", "Move the window of grey up: the picture darkens"},
    {action::centre_down, "Left h", picture, "centre down", "Move the window of grey down: the picture brightens"},
    {action::next_image, "PageDown n", picture, "next image", "Show the next image of the series", true},
    {action::previous_image, "PageUp N", picture, "previous image", "Show the image before it in the series"},
    {action::next_preset, "w", viewing, "window", "Take the next window: brain, bone, lung, ...", true},
    {action::previous_preset, "W", viewing, "window back", "Take the window before it"},
    {action::play, "p", viewing, "play", "Run through the frames, or the images of the series; again: stop", true},
    {action::zoom_in, "+ =", viewing, "zoom in", "Enlarge the picture", true},
    {action::zoom_out, "-", viewing, "zoom out", "Make the picture smaller"},
    {action::invert_picture, "i", viewing, "invert", "Turn black into white", true},
    {action::show_attributes, "a", viewing, "attributes", "Show the attributes of the image beside it", true},
    {action::reset_picture, "0", viewing, "reset", "The image's own window, whole"},
    {action::next_frame, ".", viewing, "next frame", "Show the next frame of an image that has many"},
    {action::previous_frame, ",", viewing, "previous frame", "Show the frame before it"},
    {action::faster, ">", viewing, "faster", "One picture a second more"},
    {action::slower, "<", viewing, "slower", "One picture a second less"},
    {action::pan_left, "Shift-Left H", picture, "pan left", "See more of the left"},
    {action::pan_right, "Shift-Right L", picture, "pan right", "See more of the right"},
    {action::pan_up, "Shift-Up K", picture, "pan up", "See more of the top"},
    {action::pan_down, "Shift-Down J", picture, "pan down", "See more of the bottom"},
    {action::open_folder, "o", viewing, "open folder", "Look into a folder of downloads", true},
    {action::send_images, "s", viewing, "send", "Send the download to a viewer on this machine, through memory only"},
    {action::resume_transfer, "r", viewing, "resume", "Go on with a download that was cut"},
    {action::stop_transfer, "x", viewing, "cancel", "End the transfer of this folder in order"},
    {action::delete_rows, "D Delete", viewing, "delete", "Delete the download from this disk"},
    {action::refresh, "R", viewing, "look again", "Look for downloads again"},
    {action::left, "Left h", viewer, "close", "Close the branch, or go to the one above"},
    {action::right, "Right l", viewer, "open branch", "Open the branch, or go into it"},
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
    {action::next_pane, "Tab Shift-Tab", lists | viewing, "other pane", "Go to what stands beside it, or back"},
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
    {action::up, "Up k", moving, "up", "Go up"},
    {action::down, "Down j", moving, "down", "Go down"},
    {action::page_up, "PageUp Ctrl-U", moving, "page up", "Go up by a page"},
    {action::page_down, "PageDown Ctrl-D", moving, "page down", "Go down by a page"},
    {action::first, "Home g", moving, "first", "Go to the first row"},
    {action::last, "End G", moving, "last", "Go to the last row"},
    {action::show_patients, "1 Alt-1", tabs, "Patients", "Go to the patients: find them by MRN"},
    {action::show_studies, "2 F2 Alt-2", tabs, "Studies", "Go to the studies of patients, or of accession numbers"},
    {action::show_repository, "3 F3 Alt-3", tabs, "Repository", "Go to the images that the project has"},
    {action::show_viewer, "4 F4 Alt-4", tabs, "Viewer", "Go to the downloads that are on this machine"},
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

std::vector<footer_part> footer_of(places here, int columns) {
  std::vector<footer_part> parts;
  const auto needed = [](const footer_part& part) { return static_cast<int>(part.text.size()) + footer_gap; };
  int room = columns + footer_gap;
  for (const auto* one : bindings_in(here)) {
    if (!one->footer) continue;
    parts.push_back({one->does, first_key(*one) + " " + std::string{one->name}});
    if (one->does == action::help) room -= needed(parts.back());
  }
  std::erase_if(parts, [&](const auto& part) {
    if (part.does == action::help) return room < 0;
    const bool fits = needed(part) <= room;
    if (fits) room -= needed(part);
    return !fits;
  });
  return parts;
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
