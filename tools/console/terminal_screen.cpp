#include "tools/console/terminal_screen.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <termpaint.h>
#include <termpaintx.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "tools/console/frame.hpp"

namespace penstock::console {
namespace {

using messages::errc;
using messages::fail;

constexpr int screen_fd = STDOUT_FILENO;
constexpr int keyboard_fd = STDIN_FILENO;
constexpr std::size_t read_bytes = 64 * 1024;
constexpr std::size_t most_restore_bytes = 512;
constexpr std::array fatal_signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

// For the handler of fatal signals, which may call nothing but write, tcsetattr, signal and raise.
std::array<char, most_restore_bytes> restore_text;
std::atomic<std::size_t> restore_bytes{0};
termios terminal_before;

void write_all(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(screen_fd, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    pollfd room{screen_fd, POLLOUT, 0};
    if (written == 0 || (errno != EAGAIN && errno != EINTR)) return;
    ::poll(&room, 1, -1);
  }
}

void restore_and_die(int signal) {
  const auto ignored = ::write(screen_fd, restore_text.data(), restore_bytes);
  static_cast<void>(ignored);
  ::tcsetattr(keyboard_fd, TCSANOW, &terminal_before);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

void remember_restore_sequence(termpaint_integration*, const char* data, int length) {
  const auto bytes = static_cast<std::size_t>(std::max(length, 0));
  if (bytes > restore_text.size()) return;
  std::memcpy(restore_text.data(), data, bytes);
  restore_bytes = bytes;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<std::uint8_t>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += i + k <= bytes.size() ? digits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::string with_modifiers(std::string name, int modifier, bool shows_shift) {
  if (shows_shift && (modifier & TERMPAINT_MOD_SHIFT) != 0) name = "Shift-" + name;
  if ((modifier & TERMPAINT_MOD_ALT) != 0) name = "Alt-" + name;
  if ((modifier & TERMPAINT_MOD_CTRL) != 0) name = "Ctrl-" + name;
  return name;
}

key_press character(std::string text, int modifier) {
  const bool plain = (modifier & (TERMPAINT_MOD_ALT | TERMPAINT_MOD_CTRL)) == 0;
  auto name = text;
  if (!plain && name.size() == 1 && (modifier & TERMPAINT_MOD_CTRL) != 0)
    name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
  return {with_modifiers(name, modifier, false), plain ? std::move(text) : ""};
}

key_press named_key(std::string atom, int modifier) {
  if (atom.rfind("Arrow", 0) == 0) atom = atom.substr(5);
  if (atom.rfind("Numpad", 0) == 0 && atom.size() > 6) atom = atom.substr(6);
  const bool types_space = atom == "Space" && (modifier & (TERMPAINT_MOD_ALT | TERMPAINT_MOD_CTRL)) == 0;
  return {with_modifiers(types_space ? "Space" : atom, modifier, !types_space), types_space ? " " : ""};
}

}  // namespace

struct terminal_screen::parts {
  termpaint_integration integration{};  // first: termpaint hands back its address
  termpaint_terminal* terminal = nullptr;
  std::string out;
  std::vector<input_event>* events = nullptr;
  std::string paste;
  bool detected = false;
  bool wants_callback = false;
  canvas shown{1, 1};
  colour_depth depth = colour_depth::direct;

  static parts& of(termpaint_integration* integration) { return *reinterpret_cast<parts*>(integration); }
  void flush() {
    write_all(out);
    out.clear();
  }
  void feed(std::string_view bytes, std::vector<input_event>& into);
  void take(const termpaint_event& event);
  void take_mouse_event(const termpaint_event& event);
  void take_paste(const termpaint_event& event);
  bool detect();
};

void terminal_screen::parts::feed(std::string_view bytes, std::vector<input_event>& into) {
  events = &into;
  termpaint_terminal_add_input_data(terminal, bytes.data(), static_cast<unsigned>(bytes.size()));
  events = nullptr;
  flush();
}

void terminal_screen::parts::take_mouse_event(const termpaint_event& event) {
  constexpr int wheel_up = 4;
  constexpr int wheel_down = 5;
  const auto& mouse_at = event.mouse;
  mouse_event made{mouse_kind::press, mouse_at.x, mouse_at.y, (mouse_at.modifier & TERMPAINT_MOD_SHIFT) != 0};
  if (mouse_at.button == wheel_up || mouse_at.button == wheel_down)
    made.kind = mouse_at.button == wheel_up ? mouse_kind::wheel_up : mouse_kind::wheel_down;
  else if (mouse_at.action == TERMPAINT_MOUSE_MOVE)
    made.kind = mouse_kind::drag;
  else if (mouse_at.action == TERMPAINT_MOUSE_RELEASE)
    made.kind = mouse_kind::release;
  else if (mouse_at.button != 0)
    return;  // only the first button does anything
  events->emplace_back(made);
}

void terminal_screen::parts::take_paste(const termpaint_event& event) {
  if (event.paste.initial) paste.clear();
  const auto room = most_pasted_bytes - std::min(paste.size(), most_pasted_bytes);
  paste.append(event.paste.string, std::min<std::size_t>(event.paste.length, room));
  if (event.paste.final) events->emplace_back(pasted_text{std::move(paste)});
}

void terminal_screen::parts::take(const termpaint_event& event) {
  if (event.type == TERMPAINT_EV_AUTO_DETECT_FINISHED) detected = true;
  if (events == nullptr) return;
  switch (event.type) {
    case TERMPAINT_EV_CHAR:
      events->emplace_back(character({event.c.string, event.c.length}, event.c.modifier));
      return;
    case TERMPAINT_EV_KEY:
      events->emplace_back(named_key({event.key.atom, event.key.length}, event.key.modifier));
      return;
    case TERMPAINT_EV_MOUSE:
      return take_mouse_event(event);
    case TERMPAINT_EV_PASTE:
      return take_paste(event);
    case TERMPAINT_EV_REPAINT_REQUESTED:
      events->emplace_back(repaint_wanted{});
      return;
    case TERMPAINT_EV_MISC:
      if (event.misc.atom == termpaint_input_focus_in()) events->emplace_back(repaint_wanted{});
      return;
    default:
      return;
  }
}

/// False when the terminal has not answered in time.
bool terminal_screen::parts::detect() {
  if (!termpaint_terminal_auto_detect(terminal)) return false;
  flush();
  const auto deadline = std::chrono::steady_clock::now() + longest_detection;
  std::vector<input_event> early;
  std::array<char, 1024> bytes{};
  while (!detected) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd typed{keyboard_fd, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&typed, 1, static_cast<int>(left.count())) == 0) return false;
    const auto got = ::read(keyboard_fd, bytes.data(), bytes.size());
    if (got == 0 || (got < 0 && errno != EINTR)) return false;
    if (got > 0) feed({bytes.data(), static_cast<std::size_t>(got)}, early);
  }
  return true;
}

terminal_screen::terminal_screen(std::unique_ptr<parts> made) : parts_(std::move(made)) {}

messages::result<std::unique_ptr<terminal_screen>> terminal_screen::open() {
  const auto advice = ": use the other commands of penstock there, such as 'penstock requests list'";
  if (::isatty(keyboard_fd) != 1 || ::isatty(screen_fd) != 1 || ::tcgetattr(keyboard_fd, &terminal_before) != 0)
    return fail(errc::bad_configuration, std::string{"the console needs a terminal"} + advice);
  auto made = std::make_unique<parts>();
  termpaint_integration_init(
      &made->integration, [](termpaint_integration* at) { termpaint_integration_deinit(at); },
      [](termpaint_integration* at, const char* data, int length) {
        parts::of(at).out.append(data, static_cast<std::size_t>(length));
      },
      [](termpaint_integration* at) { parts::of(at).flush(); });
  termpaint_integration_set_request_callback(&made->integration,
                                             [](termpaint_integration* at) { parts::of(at).wants_callback = true; });
  termpaint_integration_set_restore_sequence_updated(&made->integration, remember_restore_sequence);
  made->terminal = termpaint_terminal_new(&made->integration);
  termpaint_terminal_set_event_cb(
      made->terminal, [](void* at, termpaint_event* event) { static_cast<parts*>(at)->take(*event); }, made.get());
  for (const int signal : fatal_signals) ::signal(signal, restore_and_die);
  termpaintx_fd_set_termios(keyboard_fd, "");
  std::unique_ptr<terminal_screen> screen{new terminal_screen{std::move(made)}};
  auto& mine = *screen->parts_;
  if (!mine.detect())
    return fail(errc::bad_configuration, std::string{"this terminal does not say what it can do"} + advice);
  termpaint_terminal_auto_detect_apply_input_quirks(mine.terminal, terminal_before.c_cc[VERASE] == 0x08);
  const auto size = screen->size();
  termpaint_terminal_setup_fullscreen(mine.terminal, size.columns, size.rows, "");
  termpaint_terminal_set_mouse_mode(mine.terminal, TERMPAINT_MOUSE_MODE_DRAG);
  termpaint_terminal_request_tagged_paste(mine.terminal, true);
  termpaint_terminal_request_focus_change_reports(mine.terminal, true);
  mine.depth = depth_told_by(environment("NO_COLOR"), environment("TERM"), environment("COLORTERM"));
  if (mine.depth == colour_depth::indexed && termpaint_terminal_should_use_truecolor(mine.terminal))
    mine.depth = colour_depth::direct;
  mine.flush();
  return screen;
}

terminal_screen::~terminal_screen() {
  write_all("\x1b[?2026l\x1b[0m");
  termpaint_terminal_free_with_restore(parts_->terminal);
  parts_->flush();
  ::tcsetattr(keyboard_fd, TCSAFLUSH, &terminal_before);
  for (const int signal : fatal_signals) ::signal(signal, SIG_DFL);
}

int terminal_screen::descriptor() const { return keyboard_fd; }

colour_depth terminal_screen::depth() const { return parts_->depth; }

screen_size terminal_screen::size() const {
  winsize size{};
  if (::ioctl(screen_fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

bool terminal_screen::read(std::vector<input_event>& into) {
  static thread_local std::array<char, read_bytes> bytes{};
  const auto got = ::read(keyboard_fd, bytes.data(), bytes.size());
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  if (got == 0) return false;
  parts_->feed({bytes.data(), static_cast<std::size_t>(got)}, into);
  return true;
}

bool terminal_screen::may_have_more() const { return parts_->wants_callback; }

void terminal_screen::input_paused(std::vector<input_event>& into) {
  parts_->wants_callback = false;
  parts_->events = &into;
  termpaint_terminal_callback(parts_->terminal);
  parts_->events = nullptr;
  parts_->flush();
}

std::size_t terminal_screen::show(const canvas& next, theme which) {
  const auto text = frame_between(parts_->shown, next, which, parts_->depth);
  if (text.empty()) return 0;
  write_all(text);
  parts_->shown = next;
  return text.size();
}

void terminal_screen::forget_shown() { parts_->shown = canvas{1, 1}; }

void terminal_screen::take_mouse(bool wanted) {
  termpaint_terminal_set_mouse_mode(parts_->terminal, wanted ? TERMPAINT_MOUSE_MODE_DRAG : TERMPAINT_MOUSE_MODE_OFF);
  parts_->flush();
}

bool terminal_screen::copy(std::string_view text) {
  if (text.size() > most_copied_bytes) return false;
  write_all("\x1b]52;c;" + base64(text) + "\x1b\\");
  return true;
}

void terminal_screen::suspend() {
  termpaint_terminal_pause(parts_->terminal);
  parts_->flush();
  termios ours{};
  ::tcgetattr(keyboard_fd, &ours);
  ::tcsetattr(keyboard_fd, TCSAFLUSH, &terminal_before);
  ::kill(0, SIGTSTP);  // the whole job, as the shell would
  ::tcsetattr(keyboard_fd, TCSAFLUSH, &ours);
  termpaint_terminal_unpause(parts_->terminal);
  parts_->flush();
  forget_shown();
}

}  // namespace penstock::console
