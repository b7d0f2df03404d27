// watch: subscribes to the project's requests, and shows what changes.

#include "tools/penstock/watch.hpp"

#include <algorithm>
#include <ctime>
#include <iostream>
#include <set>
#include <thread>

#include "tools/penstock/display_text.hpp"
#include "tools/penstock/request_board.hpp"
#include "tools/penstock/terminal.hpp"

namespace penstock::commands {
namespace {

using client::event_kind;
using client::topic_event;
using messages::errc;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// The listing is read again so often, whatever the events say.
constexpr seconds refresh_interval{5};
constexpr milliseconds redraw_interval{250};
/// How long the server may be away before the watch gives up.
constexpr seconds longest_outage{600};
constexpr seconds reconnect_interval{2};
constexpr std::size_t most_listed = 100'000;

std::string clock_time() {
  const auto now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[16];
  std::strftime(text, sizeof text, "%H:%M:%S", &local);
  return text;
}

class request_watch {
 public:
  request_watch(context& at, client::session& server, std::string project, const watch_options& options)
      : at_(at), server_(server), project_(std::move(project)), options_(options), board_(options.requests) {}

  exit_code run();

 private:
  result<void> read_listing();
  result<void> learn_one(const std::string& id);
  result<void> follow();
  result<void> take_event(const topic_event& event);
  result<void> wait_for_server(const messages::failure& problem);
  [[nodiscard]] bool finished() const { return ends() && board_.all_ended(); }
  [[nodiscard]] bool ends() const { return options_.until_done || !options_.requests.empty(); }
  void show_change(const std::string& id);
  void draw();
  exit_code conclude();

  context& at_;
  client::session& server_;
  std::string project_;
  watch_options options_;
  request_board board_;
  const bool in_place_ = output_is_terminal() && !at_.json;
  std::size_t drawn_lines_ = 0;
  std::chrono::steady_clock::time_point next_refresh_{};
  std::chrono::steady_clock::time_point next_draw_{};
};

result<void> request_watch::learn_one(const std::string& id) {
  auto one = at_.ask("requests.show", json{{"request", id}, {"limit", 1}});
  if (!one) return one.error();
  if (board_.learn_listed(one->contains("id") ? *one : one->value("request", json::object()))) show_change(id);
  return {};
}

/// Reads what is under way; what was, and is not in the list any more, is looked at one by one.
result<void> request_watch::read_listing() {
  next_refresh_ = std::chrono::steady_clock::now() + refresh_interval;
  std::vector<std::string> to_ask = options_.requests;
  if (options_.requests.empty()) {
    const json args{{"filter", {{"state", {{"in", json::array({"scheduled", "processing"})}}}}}};
    auto listed = ask_all_pages(at_, "requests.list", args, "requests", most_listed);
    if (!listed) return listed.error();
    std::set<std::string> open;
    for (const auto& item : array_in(*listed, "requests")) {
      open.insert(text_in(item, "id"));
      if (board_.learn_listed(item)) show_change(text_in(item, "id"));
    }
    for (const auto& [id, request] : board_.requests())
      if (!messages::is_terminal(request.state) && !open.contains(id)) to_ask.push_back(id);
  }
  for (const auto& id : to_ask)
    if (auto learned = learn_one(id); !learned) return learned;
  return {};
}

void request_watch::show_change(const std::string& id) {
  if (in_place_) return;
  const auto& request = board_.requests().at(id);
  if (at_.json) {
    std::cout << json{{"request", id},
                      {"state", name_of(request.state)},
                      {"reason", request.reason},
                      {"counts",
                       {{"expected", request.expected}, {"received", request.received}, {"failed", request.failed}}},
                      {"bytes", request.bytes}}
                     .dump(-1, ' ', false, json::error_handler_t::replace)
              << std::endl;
  } else {
    std::cout << clock_time() << "  " << line_of(id, request) << std::endl;
  }
}

void request_watch::draw() {
  if (!in_place_) return;
  const auto size = size_of_terminal();
  const auto room = size.rows > 4 ? size.rows - 4 : 1;
  auto style = style_of_output();
  style.columns = size.columns;
  auto text = board_.requests().empty() ? std::string{} : board_.drawn(room).text(style);
  text += coloured(clock_time() + "  " + board_.counts(), tint::faint, style.colours) + "\n";
  if (drawn_lines_ != 0) std::cout << "\x1b[" << drawn_lines_ << "A\x1b[J";
  std::cout << text << std::flush;
  drawn_lines_ = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  next_draw_ = std::chrono::steady_clock::now() + redraw_interval;
}

result<void> request_watch::take_event(const topic_event& event) {
  if (event.kind == event_kind::revoked)
    return messages::fail(errc::not_permitted, "you may no longer see the project " + project_);
  if (event.kind == event_kind::gap) return {};  // progress was dropped; the next one says where it is
  if (board_.learn_event(event.body)) show_change(text_in(event.body, "request"));
  return {};
}

result<void> request_watch::wait_for_server(const messages::failure& problem) {
  progress_line line;
  const auto deadline = std::chrono::steady_clock::now() + longest_outage;
  while (std::chrono::steady_clock::now() < deadline) {
    line.show(problem.context + "; trying again");
    if (auto back = server_.reconnect(); back)
      return read_listing();
    else if (back.error().code != errc::timed_out)
      return back;
    std::this_thread::sleep_for(reconnect_interval);
  }
  return problem;
}

/// One step: an event, a lost connection, or a pause.
result<void> request_watch::follow() {
  auto event = server_.next_event(redraw_interval);
  if (!event) return event.error().code == errc::timed_out ? wait_for_server(event.error()) : event.error();
  if (*event)
    if (auto taken = take_event(**event); !taken) return taken;
  const auto now = std::chrono::steady_clock::now();
  if (finished() || now >= next_refresh_)
    if (auto read = read_listing(); !read) return read;
  if (now >= next_draw_) draw();
  return {};
}

exit_code request_watch::run() {
  server_.subscribe("p/" + project_ + "/requests", 0, true);
  server_.subscribe("p/" + project_ + "/progress", 0, false);
  if (auto read = read_listing(); !read) return at_.report(read.error());
  draw();
  while (!finished())
    if (auto followed = follow(); !followed) return at_.report(followed.error());
  return conclude();
}

exit_code request_watch::conclude() {
  draw();
  if (!in_place_) at_.say(board_.counts());
  if (at_.json) std::cout << json{{"done", true}, {"summary", board_.counts()}}.dump() << std::endl;
  return board_.all_completed() ? exit_code::ok : exit_code::not_everything_ok;
}

}  // namespace

exit_code watch_requests(context& at, const watch_options& options) {
  auto server = at.server();
  if (!server) return at.report(server.error());
  auto project = at.project();
  if (!project) return at.report(project.error());
  return request_watch{at, **server, *project, options}.run();
}

void add_watch_command(CLI::App& program, context& at) {
  auto* watch = program.add_subcommand("watch", "Show live how requests fare");
  const auto options = std::make_shared<watch_options>();
  watch->add_option("REQUEST", options->requests, "Only these, to their end; default: all of the project, for ever");
  watch->add_flag("--until-done", options->until_done, "Stop when all have ended: code 0 all completed, 3 otherwise");
  watch->footer(
      "On a terminal a table is redrawn in place, elsewhere a line is printed for each change.\n"
      "With --json: one JSON object a line for each change, and {\"done\": true} last.");
  watch->callback([&at, options] { at.action = [&at, options] { return watch_requests(at, *options); }; });
}

}  // namespace penstock::commands
