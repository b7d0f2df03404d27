#pragma once
// The terminal of the console: what is typed there, what it shows, and its restoration after every exit. The only file
// that knows termpaint.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "tools/console/canvas.hpp"
#include "tools/console/input.hpp"
#include "tools/console/theme.hpp"

namespace penstock::console {

struct screen_size {
  int columns = 80;
  int rows = 24;
};

/// One at a time. Restores the terminal when it goes, and when the process dies of a fault.
class terminal_screen {
 public:
  /// How long a terminal may take to say what it is.
  static constexpr std::chrono::milliseconds longest_detection{1500};
  /// After an Escape that may begin a longer sequence, call `input_paused` when nothing came for so long.
  static constexpr std::chrono::milliseconds escape_pause{50};
  static constexpr std::size_t most_pasted_bytes = 1024 * 1024;
  static constexpr std::size_t most_copied_bytes = 74 * 1024;

  /// errc::bad_configuration, with what to do instead, when there is no terminal or it does not answer.
  static messages::result<std::unique_ptr<terminal_screen>> open();
  ~terminal_screen();
  terminal_screen(const terminal_screen&) = delete;
  terminal_screen& operator=(const terminal_screen&) = delete;

  [[nodiscard]] int descriptor() const;
  [[nodiscard]] screen_size size() const;
  [[nodiscard]] colour_depth depth() const;
  /// False when the terminal has gone.
  bool read(std::vector<input_event>& into);
  [[nodiscard]] bool may_have_more() const;
  void input_paused(std::vector<input_event>& into);

  /// Writes what has changed since the last time, at once; how many bytes that were.
  std::size_t show(const canvas& next, theme which);
  /// The next `show` draws everything.
  void forget_shown();
  void take_mouse(bool wanted);
  /// Puts text on the clipboard of the terminal (OSC 52); false when it is too long for that.
  bool copy(std::string_view text);
  /// Gives the terminal back, stops the process until it is continued, and takes the terminal again.
  void suspend();

 private:
  struct parts;
  explicit terminal_screen(std::unique_ptr<parts> made);
  std::unique_ptr<parts> parts_;
};

}  // namespace penstock::console
