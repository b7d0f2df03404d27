#include "tools/console/console_command.hpp"

#include <csignal>
#include <ctime>

#include "tools/console/child_programs.hpp"
#include "tools/console/disk_files.hpp"
#include "tools/console/event_loop.hpp"
#include "tools/console/live_link.hpp"
#include "tools/console/tabs.hpp"
#include "tools/console/terminal_screen.hpp"
#include "tools/penstock/own_program.hpp"

namespace penstock::console {
namespace {

using commands::exit_code;
using std::chrono::milliseconds;

/// What comes from the server is drawn at most so often; keys and the mouse at once.
constexpr milliseconds frame_interval{33};
/// And changes the order of rows at most so often.
constexpr milliseconds order_interval{80};

struct console_flags {
  std::string theme = "dark";
  bool no_mouse = false;
};

std::string clock_text(std::chrono::system_clock::time_point at) {
  const auto seconds = std::chrono::system_clock::to_time_t(at);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char text[16];
  std::strftime(text, sizeof text, "%H:%M:%S", &local);
  return text;
}

/// What the console has to know of this machine.
struct local_places {
  std::vector<std::string> connection;
  std::string download_folder;
};

result<local_places> places_of(const commands::context& at, const std::string& project) {
  const auto chosen = at.settings();
  if (!chosen) return chosen.error();
  return local_places{{"--server", chosen->server, "--server-key", chosen->server_key, "--project", project, "--key",
                       chosen->key_file, "--timeout", std::to_string(at.timeout_s)},
                      chosen->download_folder};
}

/// The loop with everything that hangs on it.
class running_console {
 public:
  running_console(client::session& server, std::string project, event_loop& loop, terminal_screen& screen,
                  const commands::context& at, local_places places)
      : loop_(loop),
        screen_(screen),
        project_(std::move(project)),
        link_(server, project_, loop, [this] { changed_ = true; }),
        files_(loop, at, commands::path_of_own_program(), [this] { draw_now_ = true; }),
        programs_(loop, commands::path_of_own_program()),
        transfers_(programs_, [this] { changed_ = true; }),
        local_{files_, transfers_, std::move(places.connection), std::move(places.download_folder)},
        bench_((project_.project().empty() ? "" : project_.project() + " · ") +
                   commands::text_in(server.greeting(), "user"),
               around()) {
    add_tabs(bench_, project_, local_, roles_in(server.greeting()));
  }

  void run(const console_flags& flags);
  void take_signal(int signal);

 private:
  surroundings around();
  void quit();
  void take_typed();
  void take(std::vector<input_event>& typed);
  void end_turn();
  void draw();
  [[nodiscard]] link_words words() const;

  event_loop& loop_;
  terminal_screen& screen_;
  live_project project_;
  live_link link_;
  disk_files files_;
  child_programs programs_;
  transfer_queue transfers_;
  local_side local_;
  workbench bench_;
  canvas shown_{1, 1};
  bool changed_ = true;
  bool draw_now_ = true;
  event_loop::clock::time_point drawn_{};
  event_loop::clock::time_point ordered_{};
};

surroundings running_console::around() {
  surroundings made;
  made.ask = [this](client::question what, desk::answer_handler then) { link_.ask(std::move(what), std::move(then)); };
  made.follow = [this](const std::string& topic, desk::event_handler then) { link_.follow(topic, std::move(then)); };
  made.later = [this](const std::string& name, milliseconds wait, std::function<void()> then) {
    loop_.call_after(name, wait, std::move(then));
  };
  made.read_again = [this] { link_.read_all_again(); };
  made.copy = [this](std::string_view text) { return screen_.copy(text); };
  made.take_mouse = [this](bool wanted) { screen_.take_mouse(wanted); };
  made.repaint = [this] { screen_.forget_shown(); };
  made.suspend = [this] { screen_.suspend(); };
  made.quit = [this] { quit(); };
  return made;
}

void running_console::quit() {
  const auto count = transfers_.under_way();
  if (count == 0) return loop_.stop();
  bench_.lay_over(std::make_unique<question_box>(
      "Leave the console",
      std::vector<std::string>{summary_of(transfers_) + ".",
                               "They are interrupted; sealed downloads can be resumed in tab 4,",
                               "or by: penstock download --resume FOLDER, within 24 hours."},
      "Leave", [this] { loop_.stop(); }));
}

void running_console::take_signal(int signal) {
  if (signal != SIGWINCH) return loop_.stop();
  draw_now_ = true;
}

void running_console::take(std::vector<input_event>& typed) {
  bool changed = false;
  for (const auto& event : typed) {
    // A click goes to what takes the mouse now: that may have changed since it was drawn, or be gone.
    if (changed && std::holds_alternative<mouse_event>(event)) bench_.draw(shown_);
    bench_.take(event, shown_);
    changed = draw_now_ = true;
  }
}

void running_console::take_typed() {
  std::vector<input_event> typed;
  if (!screen_.read(typed)) loop_.stop();
  take(typed);
  if (!screen_.may_have_more()) return;
  loop_.call_after("escape", terminal_screen::escape_pause, [this] {
    std::vector<input_event> late;
    screen_.input_paused(late);
    take(late);
  });
}

link_words running_console::words() const {
  if (link_.health() == link_health::live)
    return {link_.problem().empty(), link_.problem().empty() ? "live" : link_.problem()};
  return {false, "as of " + clock_text(link_.heard()) + ": " +
                     (link_.problem().empty() ? "connecting" : link_.problem() + "; trying again")};
}

void running_console::draw() {
  const auto size = screen_.size();
  if (size.columns != shown_.columns() || size.rows != shown_.rows()) shown_ = canvas{size.columns, size.rows};
  bench_.set_link(words());
  bench_.draw(shown_);
  screen_.show(shown_, bench_.current_theme());
  drawn_ = event_loop::clock::now();
  draw_now_ = false;
}

void running_console::end_turn() {
  link_.pump();
  const auto now = event_loop::clock::now();
  if (changed_ && now - ordered_ >= order_interval) {
    bench_.refresh();
    ordered_ = now;
    changed_ = false;
    if (now - drawn_ >= frame_interval) draw_now_ = true;
    if (!draw_now_) loop_.call_at("frame", drawn_ + frame_interval, [this] { draw_now_ = true; });
  } else if (changed_ && !loop_.has_timer("order")) {
    loop_.call_at("order", ordered_ + order_interval, [] {});
  }
  if (draw_now_) draw();
}

void running_console::run(const console_flags& flags) {
  auto chosen = theme::dark;
  static_cast<void>(parse(flags.theme, chosen));
  bench_.set_theme(chosen);
  if (flags.no_mouse) screen_.take_mouse(false);
  loop_.watch(screen_.descriptor(), [this] { take_typed(); });
  loop_.at_end_of_turn([this] { end_turn(); });
  link_.begin();
  loop_.call_after("first", milliseconds{0}, [] {});
  loop_.run();
}

/// Empty for staff who are in no project.
messages::result<std::string> project_of(commands::context& at, const client::session& server) {
  auto project = at.project();
  const bool of_staff = roles_in(server.greeting()).any() && commands::array_in(server.greeting(), "projects").empty();
  if (!project && of_staff) return std::string{};
  return project;
}

exit_code run_console(commands::context& at, const console_flags& flags) {
  auto server = at.server();
  if (!server) return at.report(server.error());
  auto project = project_of(at, **server);
  if (!project) return at.report(project.error());
  auto places = places_of(at, *project);
  if (!places) return at.report(places.error());
  running_console* running = nullptr;
  auto loop = event_loop::make({SIGWINCH, SIGTERM, SIGINT, SIGHUP, SIGQUIT}, [&](int signal) {
    if (running != nullptr) running->take_signal(signal);
  });
  if (!loop) return at.report(loop.error());
  auto screen = terminal_screen::open();
  if (!screen) return at.report(screen.error());
  running_console console{**server, *project, **loop, **screen, at, std::move(*places)};
  running = &console;
  console.run(flags);
  return exit_code::ok;
}

}  // namespace

void add_console_command(CLI::App& program, commands::context& at) {
  auto* console = program.add_subcommand("console", "The workbench: tables of requests and images, live");
  const auto flags = std::make_shared<console_flags>();
  console->add_option("--theme", flags->theme, "How it looks; NO_COLOR leaves no colour in any")
      ->capture_default_str()
      ->check(CLI::IsMember({"dark", "light", "contrast", "terminal", "mono"}));
  console->add_flag("--no-mouse", flags->no_mouse, "Leave the mouse to the terminal");
  console->footer(
      "Downloads lie below ~/penstock, or where \"download_folder\" in the settings or PENSTOCK_DOWNLOADS says.\n\n"
      "Keys:\n" +
      manual_of_keys());
  console->callback([&at, flags] { at.action = [&at, flags] { return run_console(at, *flags); }; });
}

}  // namespace penstock::console
