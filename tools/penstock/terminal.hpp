#pragma once
// The terminal that the program talks to, if there is one.

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "messages/result.hpp"
#include "tools/client/user_key.hpp"
#include "tools/penstock/table.hpp"

namespace penstock::commands {

/// Colour and width for tables on standard output: colour on a terminal only, and not when NO_COLOR is set or TERM is
/// "dumb".
[[nodiscard]] table_style style_of_output();
[[nodiscard]] bool output_is_terminal();
[[nodiscard]] bool errors_are_terminal();

struct terminal_size {
  std::size_t columns = 80;
  std::size_t rows = 24;
};
[[nodiscard]] terminal_size size_of_terminal();

/// One line on standard error that is drawn over; nothing when that is not a terminal. Gone when it goes.
class progress_line {
 public:
  progress_line() = default;
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;
  ~progress_line() { clear(); }
  void show(const std::string& text);
  void clear();

 private:
  bool shown_ = false;
};

/// Sends `query` to the controlling terminal and returns what comes back until a 'c' or the time is over; empty without
/// one.
[[nodiscard]] std::string ask_terminal(std::string_view query, std::chrono::milliseconds longest);

/// Asks on the controlling terminal; what was typed, perhaps nothing. errc::bad_request when there is no terminal.
[[nodiscard]] messages::result<std::string> ask_for_line(const std::string& prompt);
/// Asks on the controlling terminal without echo. errc::bad_request when there is none, or nothing is typed.
[[nodiscard]] messages::result<client::secret_text> ask_for_secret(const std::string& prompt);

}  // namespace penstock::commands
