#pragma once
// Every key of the console, once: what is pressed, the footer, the help, the palette and the manual come from one
// table.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::console {

enum class action : std::uint8_t {
  show_patients,
  show_studies,
  show_requests,
  show_repository,
  show_viewer,
  show_governor,
  show_journal,
  next_pane,
  up,
  down,
  page_up,
  page_down,
  first,
  last,
  left,
  right,
  more_left,
  more_right,
  mark,
  extend_up,
  extend_down,
  invert_marks,
  clear_marks,
  open,
  back,
  find,
  sort,
  reverse,
  filters,
  next_column,
  previous_column,
  hide_column,
  show_columns,
  copy_cell,
  copy_rows,
  export_rows,
  paste_numbers,
  new_search,
  cancel_search,
  search_again,
  show_outcomes,
  find_studies,
  request_studies,
  cancel_requests,
  retry_requests,
  raise_priority,
  lower_priority,
  delete_rows,
  pause_pacs,
  resume_pacs,
  pause_all,
  resume_all,
  check_rules,
  reload_rules,
  look_for_entries,
  read_older,
  refresh,
  download,
  open_folder,
  resume_transfer,
  stop_transfer,
  send_images,
  next_image,
  previous_image,
  next_frame,
  previous_frame,
  play,
  faster,
  slower,
  window_wider,
  window_narrower,
  centre_up,
  centre_down,
  next_preset,
  previous_preset,
  invert_picture,
  zoom_in,
  zoom_out,
  reset_picture,
  pan_left,
  pan_right,
  pan_up,
  pan_down,
  show_attributes,
  palette,
  help,
  theme,
  mouse,
  repaint,
  suspend,
  quit
};

/// These come first among the actions.
[[nodiscard]] constexpr bool shows_a_tab(action what) { return what <= action::show_journal; }

/// Where the keyboard is. A binding holds in the places it names.
enum class place : std::uint8_t {
  table,
  facets,
  text,
  dialog,
  requests,
  repository,
  patients,
  studies,
  viewer,
  picture,
  governor,
  journal,
  count
};
using places = unsigned;
constexpr places in(place one) { return 1U << static_cast<unsigned>(one); }
template <class... More>
constexpr places in(place one, More... more) {
  return in(one) | in(more...);
}

struct binding {
  action does;
  std::string_view keys;  ///< separated by spaces; the first is shown
  places where;
  std::string_view name;  ///< two or three words: footer and palette
  std::string_view help;
  bool footer = false;
};

[[nodiscard]] const std::vector<binding>& key_table();

/// What a key does in a place that has these names, if anything.
[[nodiscard]] std::optional<action> action_of(std::string_view key, places here);
/// The key that is shown for an action.
[[nodiscard]] std::string key_of(action what);
/// Bindings of a place, in the order of the table.
[[nodiscard]] std::vector<const binding*> bindings_in(places here);
struct footer_part {
  action does;
  std::string text;  ///< "Space mark"
};
constexpr int footer_gap = 2;
/// What fits into so many columns with gaps between; help is always among them when there is room for anything.
[[nodiscard]] std::vector<footer_part> footer_of(places here, int columns);
/// The keys as lines of the manual.
[[nodiscard]] std::string manual_of_keys();

/// Whether all letters of `pattern` come in `text` in that order, and how well: the higher the better. Case is ignored.
[[nodiscard]] std::optional<int> fuzzy_score(std::string_view pattern, std::string_view text);
/// Bindings that fit the pattern, the best first; an empty one fits all.
[[nodiscard]] std::vector<const binding*> search_bindings(places here, std::string_view pattern);

}  // namespace penstock::console
