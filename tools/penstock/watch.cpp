// watch: subscribes to the project's requests, and shows what changes.

#include "tools/penstock/watch.hpp"

#include <algorithm>
#include <ctime>
#include <iostream>
#include <set>
#include <thread>

#include "tools/penstock/display_text.hpp"
#include "tools/penstock/interruption.hpp"
#include "tools/penstock/request_board.hpp"
#include "tools/penstock/terminal.hpp"
#include "tools/penstock/units.hpp"

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
/// With more, it is read less often.
constexpr std::size_t requests_in_an_interval = 1000;
constexpr milliseconds redraw_interval{250};
/// How long the server may be away before the watch gives up.
constexpr seconds longest_outage{600};
constexpr seconds reconnect_interval{2};
constexpr milliseconds last_events_wait{300};
constexpr std::size_t most_listed = 100'000;

bool is_away(const messages::failure& problem) {
  return problem.code == errc::timed_out || problem.code == errc::shutting_down;
}

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

  result<void> run();
  [[nodiscard]] const request_board& board() const { return board_; }
  exit_code conclude();

 private:
  result<void> read_listing();
  result<void> learn_one(const std::string& id);
  result<void> follow();
  result<void> take_event(const topic_event& event);
  result<void> wait_for_server(const messages::failure& problem);
  [[nodiscard]] bool finished() const { return (ends() && board_.all_ended()) || options_.enough(board_); }
  [[nodiscard]] bool must_stop() const { return options_.detachable && was_interrupted(); }
  [[nodiscard]] bool ends() const { return options_.until_done || !options_.requests.empty(); }
  void show_change(const std::string& id);
  void show_event(const topic_event& event);
  void show_connection(bool connected, const std::string& text);
  void draw();

  context& at_;
  client::session& server_;
  std::string project_;
  watch_options options_;
  request_board board_;
  const bool in_place_ = output_is_terminal() && !at_.json && !options_.quiet;
  std::size_t drawn_lines_ = 0;
  std::chrono::steady_clock::time_point next_refresh_{};
  std::chrono::steady_clock::time_point next_draw_{};
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

result<void> request_watch::learn_one(const std::string& id) {
  auto one = at_.ask("requests.show", json{{"request", id}, {"limit", 1}});
  if (!one) return one.error();
  if (board_.learn_listed(one->contains("id") ? *one : one->value("request", json::object()))) show_change(id);
  return {};
}

/// Reads what is watched and open; what was, and is not in the list any more, is looked at one by one.
result<void> request_watch::read_listing() {
  next_refresh_ =
      std::chrono::steady_clock::now() + refresh_interval * (1 + board_.requests().size() / requests_in_an_interval);
  json filter{{"state", {{"in", json::array({"scheduled", "processing"})}}}};
  if (!options_.requests.empty()) filter = json{{"id", {{"in", options_.requests}}}};
  auto listed = ask_all_pages(at_, "requests.list", json{{"filter", filter}}, "requests", most_listed);
  if (!listed) return listed.error();
  std::set<std::string> seen;
  for (const auto& item : array_in(*listed, "requests")) {
    seen.insert(text_in(item, "id"));
    if (board_.learn_listed(item)) show_change(text_in(item, "id"));
  }
  std::vector<std::string> to_ask;
  for (const auto& id : options_.requests)
    if (!seen.contains(id) && !board_.requests().contains(id)) to_ask.push_back(id);
  for (const auto& [id, request] : board_.requests())
    if (!messages::is_terminal(request.state) && !seen.contains(id)) to_ask.push_back(id);
  for (const auto& id : to_ask)
    if (auto learned = learn_one(id); !learned) return learned;
  return {};
}

void print_line(const json& document) {
  std::cout << document.dump(-1, ' ', false, json::error_handler_t::replace) << std::endl;
}

/// Of what the listing told. Events show themselves.
void request_watch::show_change(const std::string& id) {
  if (in_place_ || options_.quiet) return;
  const auto& request = board_.requests().at(id);
  if (!at_.json) {
    std::cout << clock_time() << "  " << line_of(id, request) << std::endl;
    return;
  }
  print_line({{"kind", "listed"},
              {"request", id},
              {"state", name_of(request.state)},
              {"reason", request.reason},
              {"counts", {{"expected", request.expected}, {"received", request.received}, {"failed", request.failed}}},
              {"bytes", request.bytes}});
}

void request_watch::show_event(const topic_event& event) {
  auto line = event.body;
  line["seq"] = event.sequence;
  print_line(line);
}

void request_watch::show_connection(bool connected, const std::string& text) {
  if (options_.quiet) return;
  if (at_.json)
    print_line({{"kind", connected ? "connected" : "disconnected"}, {"message", text}});
  else if (!in_place_)
    std::cout << clock_time() << "  " << text << std::endl;
}

void request_watch::draw() {
  if (!in_place_) return;
  const auto size = size_of_terminal();
  const auto room = size.rows > 4 ? size.rows - 4 : 1;
  auto style = style_of_output();
  style.columns = size.columns;
  auto text = board_.requests().empty() ? std::string{} : board_.drawn(room).text(style);
  const auto watched = std::chrono::duration_cast<seconds>(std::chrono::steady_clock::now() - began_);
  const auto summary = fitted(clock_time() + "  " + board_.summary(watched), size.columns);
  text += coloured(summary, tint::faint, style.colours) + "\n";
  if (drawn_lines_ != 0) std::cout << "\x1b[" << drawn_lines_ << "A\x1b[J";
  std::cout << text << std::flush;
  drawn_lines_ = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  next_draw_ = std::chrono::steady_clock::now() + redraw_interval;
}

result<void> request_watch::take_event(const topic_event& event) {
  if (event.kind == event_kind::revoked)
    return messages::fail(errc::not_permitted, "you may no longer see the project " + project_);
  if (event.kind == event_kind::gap) return {};  // progress was dropped; the next one says where it is
  const auto id = text_in(event.body, "request");
  const bool changed = board_.learn_event(event.body);
  if (!at_.json && changed) show_change(id);
  if (at_.json && !options_.quiet && event.topic.ends_with("/requests") && board_.watches(id)) show_event(event);
  return {};
}

result<void> request_watch::wait_for_server(const messages::failure& problem) {
  progress_line line;
  const auto lost = std::chrono::steady_clock::now();
  const auto away_s = [&] {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<seconds>(std::chrono::steady_clock::now() - lost).count());
  };
  show_connection(false, "disconnected: " + problem.context);
  while (!must_stop() && away_s() < static_cast<std::uint64_t>(longest_outage.count())) {
    line.show("disconnected for " + human_seconds(away_s()) + " (" + problem.context + "); trying again");
    auto back = server_.reconnect();
    if (back) back = read_listing();
    if (back) show_connection(true, "connected again after " + human_seconds(away_s()) + "; no event was missed");
    if (back || !is_away(back.error())) return back;
    std::this_thread::sleep_for(reconnect_interval);
  }
  if (must_stop()) return {};
  return messages::fail(problem.code, problem.context + "; given up after " + human_seconds(away_s()) +
                                          ". The requests go on without you: 'penstock watch' looks again");
}

/// One step: an event, a lost connection, or a pause.
result<void> request_watch::follow() {
  auto event = server_.next_event(redraw_interval);
  if (!event) return is_away(event.error()) ? wait_for_server(event.error()) : event.error();
  if (*event)
    if (auto taken = take_event(**event); !taken) return taken;
  const auto now = std::chrono::steady_clock::now();
  if (finished() || now >= next_refresh_)
    if (auto read = read_listing(); !read) return is_away(read.error()) ? wait_for_server(read.error()) : read;
  if (now >= next_draw_) draw();
  return {};
}

result<void> request_watch::run() {
  for (const auto& id : options_.requests)
    if (id.find_first_not_of("0123456789") != std::string::npos)
      return messages::fail(errc::bad_request,
                            "'" + id + "' is no request: they are numbers, as 'penstock requests list' shows them");
  server_.subscribe("p/" + project_ + "/requests", options_.from, true);
  server_.subscribe("p/" + project_ + "/progress", 0, false);
  if (auto read = read_listing(); !read) return read;
  draw();
  while (!finished()) {
    if (must_stop()) return messages::fail(errc::shutting_down, "interrupted");
    if (auto followed = follow(); !followed) return followed;
  }
  draw();
  return {};
}

exit_code request_watch::conclude() {
  // The listing may know of an end before its event is here.
  while (at_.json) {
    auto event = server_.next_event(last_events_wait);
    if (!event || !*event) break;
    if (auto taken = take_event(**event); !taken) break;
  }
  if (!in_place_) at_.say(board_.counts());
  if (at_.json) print_line({{"done", true}, {"summary", board_.counts()}});
  return board_.all_completed() ? exit_code::ok : exit_code::not_everything_ok;
}

}  // namespace

result<request_board> follow_requests(context& at, const watch_options& options) {
  auto server = at.server();
  if (!server) return server.error();
  auto project = at.project();
  if (!project) return project.error();
  request_watch watch{at, **server, *project, options};
  if (auto ran = watch.run(); !ran) return ran.error();
  return watch.board();
}

exit_code watch_requests(context& at, const watch_options& options) {
  auto server = at.server();
  if (!server) return at.report(server.error());
  auto project = at.project();
  if (!project) return at.report(project.error());
  request_watch watch{at, **server, *project, options};
  auto ran = watch.run();
  return ran ? watch.conclude() : at.report(ran.error());
}

void add_watch_command(CLI::App& program, context& at) {
  auto* watch = program.add_subcommand("watch", "Show live how requests fare");
  const auto options = std::make_shared<watch_options>();
  watch->add_option("REQUEST", options->requests, "Only these, to their end; default: all of the project, for ever");
  watch->add_flag("--until-done", options->until_done, "Stop when all have ended: code 0 all completed, 3 otherwise");
  watch->add_option("--from", options->from, "With --jsonl: begin with this event; 1 is the oldest that is kept")
      ->type_name("SEQ");
  watch->footer(
      "On a terminal a table is redrawn in place, elsewhere a line is printed for each change. A lost connection is\n"
      "made anew for ten minutes, and no event is missed.\n"
      "With --jsonl: the events as they are journaled, one a line, with their number (\"seq\": dense); what the list\n"
      "knew before as \"kind\": \"listed\"; \"disconnected\" and \"connected\"; {\"done\": true} last.\n"
      "Exit codes: 0 all completed; 3 all ended, some not completed; 5 the server stayed away.");
  watch->callback([&at, options] { at.action = [&at, options] { return watch_requests(at, *options); }; });
}

}  // namespace penstock::commands
