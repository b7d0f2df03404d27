#include "tools/penstock/terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tools/client/local_file.hpp"
#include "tools/penstock/display_text.hpp"

namespace penstock::commands {
namespace {

constexpr std::size_t longest_secret = 1024;

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

/// Turns echo off for as long as it lives.
class silent_input {
 public:
  explicit silent_input(int fd, bool whole_lines = true) : fd_(fd), known_(::tcgetattr(fd, &before_) == 0) {
    if (!known_) return;
    termios silent = before_;
    silent.c_lflag &= static_cast<tcflag_t>(~static_cast<tcflag_t>(whole_lines ? ECHO : ECHO | ICANON));
    ::tcsetattr(fd_, TCSAFLUSH, &silent);
  }
  silent_input(const silent_input&) = delete;
  silent_input& operator=(const silent_input&) = delete;
  ~silent_input() {
    if (known_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
  }

 private:
  int fd_;
  termios before_{};
  bool known_;
};

void write_text(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

client::file_descriptor open_terminal() {
  return client::file_descriptor{::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)};
}

std::string typed_line(int fd) {
  std::string typed;
  typed.reserve(longest_secret);
  char c = 0;
  while (typed.size() < longest_secret && ::read(fd, &c, 1) == 1 && c != '\n') typed += c;
  return typed;
}

}  // namespace

bool output_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }
bool errors_are_terminal() { return ::isatty(STDERR_FILENO) == 1; }

table_style style_of_output() {
  if (!output_is_terminal()) return {};
  const char* kind = std::getenv("TERM");
  const bool dumb = kind != nullptr && std::string_view{kind} == "dumb";
  return {!is_set("NO_COLOR") && !dumb, size_of_terminal().columns};
}

terminal_size size_of_terminal() {
  winsize size{};
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO})
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 && size.ws_row != 0) return {size.ws_col, size.ws_row};
  return {};
}

void progress_line::show(const std::string& text) {
  if (!errors_are_terminal()) return;
  const auto line = fitted(printable(text), size_of_terminal().columns - 1);
  std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
  std::fflush(stderr);
  shown_ = true;
}

void progress_line::clear() {
  if (!shown_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  shown_ = false;
}

std::string ask_terminal(std::string_view query, std::chrono::milliseconds longest) {
  constexpr std::size_t longest_reply = 1024;
  const auto terminal = open_terminal();
  std::string reply;
  if (!terminal.is_open()) return reply;
  const silent_input silent{terminal.get(), /*whole_lines=*/false};
  write_text(terminal.get(), query);
  const auto end = std::chrono::steady_clock::now() + longest;
  const auto whole = [&] { return !reply.empty() && reply.back() == 'c' && reply.find("\x1b[?") != std::string::npos; };
  while (reply.size() < longest_reply && !whole()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd wait{terminal.get(), POLLIN, 0};
    char c = 0;
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0) break;
    if (::read(terminal.get(), &c, 1) != 1) break;
    reply += c;
  }
  return reply;
}

messages::result<std::string> ask_for_line(const std::string& prompt) {
  const auto terminal = open_terminal();
  if (!terminal.is_open()) return messages::fail(messages::errc::bad_request, "there is no terminal to ask on");
  write_text(terminal.get(), prompt);
  return typed_line(terminal.get());
}

messages::result<client::secret_text> ask_for_secret(const std::string& prompt) {
  const auto terminal = open_terminal();
  if (!terminal.is_open())
    return messages::fail(messages::errc::bad_request,
                          "there is no terminal to ask for the passphrase; give --passphrase-file or --key-file");
  write_text(terminal.get(), prompt);
  auto typed = storage::secret_bytes::of_size(longest_secret);
  std::size_t length = 0;
  {
    const silent_input silent{terminal.get()};
    auto* next = typed.writable().data();
    while (length < longest_secret && ::read(terminal.get(), next + length, 1) == 1 && next[length] != '\n') ++length;
  }
  write_text(terminal.get(), "\n");
  auto secret = client::secret_text::copy_of({reinterpret_cast<const char*>(typed.view().data()), length});
  if (secret.empty()) return messages::fail(messages::errc::bad_request, "nothing was typed");
  return secret;
}

}  // namespace penstock::commands
