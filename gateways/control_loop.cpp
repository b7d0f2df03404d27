#include "gateways/control_loop.hpp"

#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <array>
#include <utility>

#include "conf/calendar.hpp"
#include "conf/rules_queries.hpp"
#include "gateways/access_policy.hpp"
#include "gateways/event_view.hpp"
#include "gateways/site_answers.hpp"
#include "gateways/zmq_loop.hpp"
#include "messages/roster.hpp"

namespace penstock::gateways {
namespace {

using messages::errc;
using std::chrono::milliseconds;

constexpr std::size_t messages_per_turn = 64;
constexpr std::size_t frames_of_a_message = 3;
constexpr std::size_t routing_id_bytes = 17;
constexpr std::size_t side_jobs = 256;
/// Clients take messages of at most 2 MiB.
constexpr std::size_t max_answer_bytes = (std::size_t{2} << 20) - 4096;
constexpr milliseconds poll_interval{250};
constexpr milliseconds journal_deadline{30'000};
constexpr std::int64_t tick_ms = 250;
/// Topics are authorised for each event; the day of the month is looked up less often.
constexpr std::int64_t today_lifetime_us = 1'000'000;
constexpr milliseconds linger_at_stop{500};

session_limits limits_of(const conf::limit_settings& settings) {
  session_limits limits;
  limits.most = settings.max_sessions;
  limits.most_per_user = settings.max_sessions_per_user;
  return limits;
}

event_limits event_limits_of(const conf::limit_settings& settings) {
  event_limits limits;
  limits.events_per_topic = settings.max_events_per_topic;
  limits.subscriptions_per_session = settings.max_subscriptions_per_session;
  return limits;
}

/// For what must happen every so often, whatever the wall clock does.
std::int64_t steady_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

/// Whose patients or PACS are others than before, so that what is being sent may hold what is no longer covered.
std::set<std::string> projects_that_lost_something(const conf::rules& before, const conf::rules& after) {
  std::set<std::string> changed;
  for (const auto& [id, project] : before.projects) {
    const auto* now = conf::find_project(after, id);
    const bool same =
        now != nullptr && now->pacs == project.pacs &&
        (now->patients == project.patients ||
         (now->patients && project.patients && now->patients->patients() == project.patients->patients()));
    if (!same) changed.insert(id);
  }
  return changed;
}

bool is_strong(std::string_view routing_id) {
  return routing_id.size() >= routing_id_bytes && routing_id.front() != '\0';
}

}  // namespace

control_gateway::loop::loop(zmq::context_t& context, caf::actor_system& system, control_gateway_options options,
                            control_gateway_parts parts)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      socket_(context, zmq::socket_type::router),
      departures_(context, socket_),
      rules_(parts_.rules),
      directory_(std::make_shared<const key_directory>(*rules_)),
      sessions_(limits_of(options_.limits), [this](const std::string& routing_id) { events_.forget(routing_id); }),
      events_(event_limits_of(options_.limits), outlets()),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      worker_(side_jobs),
      desk_worker_(side_jobs),
      port_(system, [this](control_actor*) { return handlers(); }),
      commands_(port_.self(), desk_worker_, options_, parts_.downloads,
                [this](const std::string& user, errc code) { refusals_.count(user, code); }) {
  parts_.keys->set(directory_);
  commands_.set_rules(rules_);
  commands_.set_peers(parts_.peers);
  commands_.set_session_counter([this](const std::string& user) { return sessions_.count_of(user); });
}

control_gateway::loop::~loop() {
  stop_ = true;
  ::eventfd_write(wake_, 1);
  if (thread_.joinable()) thread_.join();
  port_.close();
  ::close(wake_);
}

messages::result<void> control_gateway::loop::bind() {
  if (wake_ < 0) return messages::fail(errc::io_error, "control gateway: eventfd");
  try {
    set_limits(socket_, {.max_message_bytes = max_control_message_bytes, .io_thread_mask = 1});
    socket_.set(zmq::sockopt::curve_server, true);
    socket_.set(zmq::sockopt::curve_secretkey, options_.server_secret_key);
    require_zap(socket_, control_zap_domain);
  } catch (const zmq::error_t& problem) {
    return messages::fail(errc::bad_configuration, std::string{"control gateway: server key: "} + problem.what());
  }
  auto bound = bind_endpoint(socket_, options_.endpoint);
  if (!bound) return bound.error();
  endpoint_ = *bound;
  return {};
}

void control_gateway::loop::start() {
  meet_peers();
  thread_ = std::thread{[this] { run(); }};
}

void control_gateway::loop::meet_peers() {
  commands_.set_peers(parts_.peers);
  if (!parts_.peers.audit_journal) return;
  port_->send(parts_.peers.audit_journal, messages::follow_events{"control_gateway"});
  watch_rules();
  enrol();
}

void control_gateway::loop::watch_rules() {
  if (!parts_.peers.rules_keeper) return;
  port_->request(parts_.peers.rules_keeper, journal_deadline, messages::watch_rules{"control_gateway"})
      .then([this](const messages::rules_published& published) { rules_changed(published); },
            [](const caf::error& problem) {
              spdlog::error("control gateway: {}", messages::from_caf(problem, "watch the rules").text());
            });
}

void control_gateway::loop::enrol() {
  if (!parts_.peers.audit_journal) return;
  port_->request(parts_.peers.audit_journal, journal_deadline, messages::enrol_writer{"control_gateway"})
      .then([this](const messages::writer_enrolled& enrolled) { generation_ = enrolled.generation; },
            [](const caf::error& problem) {
              spdlog::error("control gateway: {}", messages::from_caf(problem, "enrol with the journal").text());
            });
}

control_gateway::loop::port_type::behavior_type control_gateway::loop::handlers() {
  return {[this](const messages::events_committed& committed) { events_.publish(committed.events); },
          [this](const messages::transient_event& event) { events_.publish_transient(event.topic, event.json); },
          [this](const messages::rules_published& published) { rules_changed(published); }};
}

event_outlets control_gateway::loop::outlets() {
  return {[this](const std::string& to, std::span<const std::string_view> frames) { return send(to, frames); },
          [this](const std::string& user, const std::string& topic) { return may_see(user, topic); },
          [this](const std::string& to, const std::string& topic, std::uint64_t from, std::size_t limit) {
            return read_page(to, topic, from, limit);
          },
          [this] { return rfc3339(options_.utc_us()); },
          [this](const std::string& topic, std::string_view event) { return event_as_seen(*rules_, topic, event); }};
}

// ---- the thread ----

void control_gateway::loop::run() {
  std::string why = "its actor was ended";
  try {
    while (!stop_ && turn()) {
    }
    if (stop_) socket_.set(zmq::sockopt::linger, static_cast<int>(linger_at_stop.count()));
  } catch (const std::exception& problem) {
    why = problem.what();
  }
  departures_.close();
  socket_.close();
  if (stop_) return;
  spdlog::critical("control gateway: ended: {}", why);
  if (parts_.lost) parts_.lost(why);
}

bool control_gateway::loop::turn() {
  zmq::pollitem_t items[] = {{socket_.handle(), 0, ZMQ_POLLIN, 0},
                             {nullptr, port_.descriptor(), ZMQ_POLLIN, 0},
                             {nullptr, worker_.descriptor(), ZMQ_POLLIN, 0},
                             {nullptr, wake_, ZMQ_POLLIN, 0},
                             {nullptr, desk_worker_.descriptor(), ZMQ_POLLIN, 0},
                             {departures_.handle(), 0, ZMQ_POLLIN, 0}};
  try {
    zmq::poll(items, std::size(items), poll_interval);
  } catch (const zmq::error_t& problem) {
    if (problem.num() == EINTR) return true;
    throw;
  }
  if (items[3].revents != 0) {
    eventfd_t ignored = 0;
    ::eventfd_read(wake_, &ignored);
    std::lock_guard lock{mutex_};
    if (new_peers_) {
      parts_.peers = *std::exchange(new_peers_, {});
      meet_peers();
    }
    if (refuse_) commands_.refuse_from_now();
  }
  // Rules before commands: what tightens acts first.
  if (items[1].revents != 0 && !port_.drain()) return false;
  if (items[2].revents != 0) worker_.drain();
  if (items[4].revents != 0) desk_worker_.drain();
  if (items[5].revents != 0) take_ended_connections();
  if (items[0].revents != 0) receive_batch();
  take_departures();
  tick(steady_ms());
  return true;
}

void control_gateway::loop::tick(std::int64_t now_ms) {
  if (now_ms - last_tick_ms_ < tick_ms) return;
  last_tick_ms_ = now_ms;
  events_.resume_stalled();
  sessions_.for_each_unsent([this](const std::string& routing_id, session& to) { flush_answers(routing_id, to); });
  sessions_.remove_idle(now_ms);
  take_departures();
  publish_statistics();
  if (today() != downloads_judged_on_) judge_downloads();
  if (parts_.downloads) pass_on_ended_downloads();
  if (generation_ == 0) return;
  auto entry = refusals_.due(now_ms, parts_.refused_connections ? parts_.refused_connections() : 0);
  if (!entry) return;
  messages::append_entries append{"control_gateway", generation_, {}, {}, {}};
  append.entries.push_back(std::move(*entry));
  port_->request(parts_.peers.audit_journal, journal_deadline, std::move(append))
      .then([](const messages::entries_committed&) {},
            [](const caf::error& problem) {
              spdlog::error("control gateway: {}", messages::from_caf(problem, "journal refusals").text());
            });
}

void control_gateway::loop::publish_statistics() {
  std::lock_guard lock{mutex_};
  statistics_ = {commands_.commands(), commands_.refused(),    events_.sent(), ignored_,
                 sessions_.size(),     events_.subscriptions()};
}

// ---- what comes in ----

void control_gateway::loop::receive_batch() {
  for (std::size_t n = 0; n < messages_per_turn; ++n) {
    auto message = receive_now(socket_, frames_of_a_message);
    if (message.frames.empty()) return;
    receive(message.frames, message.cut);
  }
}

void control_gateway::loop::receive(std::vector<zmq::message_t>& frames, bool cut) {
  const auto routing_id = frames.front().to_string();
  const auto user_id = user_id_of(frames.back());
  const auto user = directory_->name_of(user_id);
  if (!is_strong(routing_id) || user.empty() || cut || frames.size() != frames_of_a_message) {
    ++ignored_;
    if (user.empty()) sessions_.remove(routing_id);
    return;
  }
  take_ended_connections();
  auto* from = sessions_.enter(routing_id, user_id, user, steady_ms());
  if (from != nullptr) from->connection = connection_of(frames.back());
  const auto type = frames[1].to_string_view();
  const auto text = frames[2].to_string_view();
  if (from == nullptr) {
    std::string id;
    if (type == "CMD") static_cast<void>(parse_envelope(text, id));
    const auto refusal = error_frame(id, {errc::rate_limited, "too many sessions"});
    const std::array<std::string_view, 2> answer_frames = {"ANS", refusal};
    static_cast<void>(send(routing_id, answer_frames));
  } else if (type == "CMD") {
    on_command(routing_id, *from, text);
  } else if (type == "SUB" || type == "CREDIT" || type == "UNSUB") {
    on_subscription(routing_id, *from, type, text);
  } else {
    queue_answer(routing_id, *from, error_frame("", {errc::bad_request, "TYPE: expected CMD, SUB, CREDIT or UNSUB"}));
  }
}

void control_gateway::loop::on_command(const std::string& routing_id, session& from, std::string_view text) {
  if (from.in_flight >= sessions_.limits().most_in_flight) {
    std::string id;
    static_cast<void>(parse_envelope(text, id));
    return queue_answer(routing_id, from, error_frame(id, {errc::rate_limited, "too many commands without an answer"}));
  }
  ++from.in_flight;
  commands_.handle(from.user, text, [this, routing_id, number = from.number](std::string frame) {
    answer(routing_id, number, std::move(frame));
  });
}

void control_gateway::loop::on_subscription(const std::string& routing_id, session& from, std::string_view type,
                                            std::string_view text) {
  const auto wish = parse_subscription(text);
  if (!wish) return queue_answer(routing_id, from, error_frame("", wish.error()));
  if (wish->topic.empty() && type != "CREDIT")
    return queue_answer(routing_id, from, error_frame("", {errc::bad_request, "topic: missing"}));
  const auto user = from.user;
  if (type == "UNSUB") events_.unsubscribe(routing_id, wish->topic);
  if (wish->credit > 0 && type != "UNSUB") events_.add_credit(routing_id, user, wish->credit);
  if (type == "SUB") {
    if (const auto taken = events_.subscribe(routing_id, user, wish->topic, wish->from); !taken)
      queue_answer(routing_id, from, error_frame("", taken.error()));
  }
  from.follows = events_.follows(routing_id);
}

// ---- what goes out ----

void control_gateway::loop::answer(const std::string& routing_id, std::uint64_t session_number, std::string frame) {
  auto* to = sessions_.find(routing_id, session_number);
  if (to == nullptr) return;
  if (to->in_flight > 0) --to->in_flight;
  queue_answer(routing_id, *to, std::move(frame));
}

void control_gateway::loop::queue_answer(const std::string& routing_id, session& to, std::string frame) {
  if (to.unsent.size() >= sessions_.limits().most_unsent) return;
  to.unsent.push_back(std::move(frame));
  flush_answers(routing_id, to);
}

void control_gateway::loop::flush_answers(const std::string& routing_id, session& to) {
  while (!to.unsent.empty()) {
    const std::array<std::string_view, 2> frames = {"ANS", to.unsent.front()};
    if (send(routing_id, frames) != send_outcome::sent) return;
    to.unsent.pop_front();
  }
}

// Whoever calls this may be walking through sessions, so a departure is only noted here.
send_outcome control_gateway::loop::send(const std::string& routing_id, std::span<const std::string_view> frames) {
  const auto outcome = send_now(socket_, routing_id, frames);
  if (outcome == send_outcome::gone) departed_.push_back(routing_id);
  return outcome;
}

void control_gateway::loop::take_departures() {
  for (const auto& routing_id : std::exchange(departed_, {})) sessions_.remove(routing_id);
}

void control_gateway::loop::take_ended_connections() {
  departures_.take([this](int connection) { sessions_.remove_connection(connection); });
}

// ---- rules, journal ----

void control_gateway::loop::rules_changed(const messages::rules_published& published) {
  if (!published.rules) return;
  if (published.roster) meet(*published.roster);
  const auto changed = projects_that_lost_something(*rules_, *published.rules);
  rules_ = published.rules;
  directory_ = std::make_shared<const key_directory>(*rules_);
  parts_.keys->set(directory_);
  commands_.set_rules(rules_);
  today_until_us_ = 0;
  for (const auto& project : changed) events_.forget_transient("p/" + project + "/searches");
  events_.check_everybody();
  judge_downloads(changed);
}

void control_gateway::loop::meet(const messages::roster& serving) {
  auto& peers = parts_.peers;
  peers.queues = {serving.queues.begin(), serving.queues.end()};
  peers.searches = {serving.searches.begin(), serving.searches.end()};
  peers.governors = {serving.governors.begin(), serving.governors.end()};
  peers.associations = {serving.associations.begin(), serving.associations.end()};
  commands_.set_peers(peers);
}

/// With every change of the rules, and on every new day: approvals and trainings end.
void control_gateway::loop::judge_downloads(const std::set<std::string>& changed) {
  downloads_judged_on_ = today();
  if (parts_.downloads) parts_.downloads->judge_again(*rules_, downloads_judged_on_, changed);
}

void control_gateway::loop::pass_on_ended_downloads() {
  for (const auto& [project, ended] : parts_.downloads->take_ended()) {
    const auto queue = parts_.peers.queues.find(project);
    if (queue != parts_.peers.queues.end() && queue->second) port_->send(queue->second, ended);
  }
}

bool control_gateway::loop::may_see(const std::string& user, const std::string& topic) {
  return may_follow(*rules_, user, topic, today());
}

std::chrono::year_month_day control_gateway::loop::today() {
  const auto now_us = options_.utc_us();
  if (now_us >= today_until_us_ || today_until_us_ - now_us > today_lifetime_us) {
    const auto now = std::chrono::sys_time<std::chrono::microseconds>{std::chrono::microseconds{now_us}};
    today_ = options_.today ? options_.today(*rules_)
                            : conf::local_date(std::chrono::floor<std::chrono::seconds>(now), rules_->timezone);
    today_until_us_ = now_us + today_lifetime_us;
  }
  return today_;
}

bool control_gateway::loop::read_page(const std::string& to, const std::string& topic, std::uint64_t from,
                                      std::size_t limit) {
  if (!parts_.read_events) return false;
  return worker_.post([this, to, topic, from, limit]() -> side_worker::completion {
    auto page = parts_.read_events(topic, from, limit);
    return [this, to, topic, from, page = std::move(page)] {
      if (!page) spdlog::error("control gateway: read events of {}: {}", topic, page.error().text());
      events_.page_read(to, topic, from, page);
    };
  });
}

// ---- any thread ----

void control_gateway::loop::set_peers(control_peers peers) {
  {
    std::lock_guard lock{mutex_};
    new_peers_ = std::move(peers);
  }
  ::eventfd_write(wake_, 1);
}

void control_gateway::loop::refuse_commands() {
  refuse_ = true;
  ::eventfd_write(wake_, 1);
}

control_statistics control_gateway::loop::statistics() const {
  std::lock_guard lock{mutex_};
  return statistics_;
}

}  // namespace penstock::gateways
