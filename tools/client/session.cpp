#include "tools/client/session.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "storage/digest.hpp"
#include "tools/client/dealer.hpp"

namespace penstock::client {
namespace {

using messages::errc;
using messages::fail;
using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::uint32_t credit_window = 1000;
constexpr std::uint32_t credit_refill = credit_window / 2;
constexpr std::size_t op_random_bytes = 16;
constexpr int protocol_version = 1;
constexpr std::size_t most_studies_named = 20;

std::string text_of(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::uint64_t big_endian(const zmq::message_t& frame) {
  std::uint64_t value = 0;
  for (const auto byte : frame.to_string_view()) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

std::optional<topic_event> event_in(const frames& message) {
  constexpr std::size_t number_bytes = 8;
  const auto type = message.front().to_string_view();
  if (type == "REVOKED" && message.size() == 2) return topic_event{event_kind::revoked, message[1].to_string(), 0, {}};
  if (message.size() != 4 || message[2].size() != number_bytes) return std::nullopt;
  topic_event found{event_kind::event, message[1].to_string(), big_endian(message[2]), {}};
  if (type == "GAP") {
    found.kind = event_kind::gap;
    return found;
  }
  if (type != "EV") return std::nullopt;
  found.body = json::parse(message[3].to_string_view(), nullptr, false);
  return found.body.is_object() ? std::optional{std::move(found)} : std::nullopt;
}

/// The server's words, with the studies that its details name: those are for whoever asked, not for a log.
std::string explanation_in(const json& error, const std::string& command) {
  auto text = error.value("message", command + " was refused");
  const auto details = error.find("details");
  if (details == error.end() || !details->is_object()) return text;
  const auto studies = details->find("studies");
  if (studies == details->end() || !studies->is_array()) return text;
  std::size_t named = 0;
  for (const auto& study : *studies) {
    if (!study.is_string()) continue;
    if (++named > most_studies_named) return text + ", ...";
    text += (named == 1 ? ": " : ", ") + study.get<std::string>();
  }
  return text;
}

result<json> answer_in(const json& answer, const std::string& command) {
  if (const auto ok = answer.find("ok"); ok != answer.end()) return *ok;
  const auto error = answer.find("error");
  if (error == answer.end() || !error->is_object())
    return fail(errc::internal, command + ": the server's answer has neither 'ok' nor 'error'");
  return fail(messages::errc_named(error->value("code", "internal")), explanation_in(*error, command));
}

}  // namespace

std::string new_op() {
  std::array<std::uint8_t, op_random_bytes> random{};
  storage::fill_random(random);
  return storage::to_hex(random);
}

session::session(session_options options) : options_(std::move(options)) {}
session::~session() = default;

result<std::unique_ptr<session>> session::begin(session_options options) {
  std::unique_ptr<session> made{new session{std::move(options)}};
  if (auto begun = made->begin_again(); !begun) return begun.error();
  return made;
}

result<std::unique_ptr<session>> session::open(session_options options) {
  const auto wait = options.answer_timeout;
  auto made = begin(std::move(options));
  if (!made) return made.error();
  if (auto hello = (*made)->await((*made)->hello_id_, wait); !hello) return hello.error();
  return made;
}

result<void> session::begin_again() {
  auto socket = dealer::connect({options_.server, curve_identity{options_.server_key, options_.key}});
  if (!socket) return socket.error();
  socket_ = std::move(*socket);
  events_since_credit_ = 0;
  asked_.clear();
  waiting_answers_.clear();
  waiting_events_.clear();
  hello_id_ = send({"hello", "", json{{"client", "penstock"}, {"protocol", protocol_version}}, "", {}});
  greeting_asked_ = std::chrono::steady_clock::now();
  return {};
}

result<void> session::reconnect() {
  if (auto begun = begin_again(); !begun) return begun;
  if (auto hello = await(hello_id_, options_.answer_timeout); !hello) return hello.error();
  return {};
}

void session::resume_subscriptions() {
  for (auto& [topic, subscribed] : subscriptions_) {
    if (!subscribed.journaled) subscribed.seen = sequence_tracker{};
    subscribed.catching_up = false;
    // Nothing has come yet: what came meanwhile is found among all that the journal keeps.
    const bool from_the_beginning = subscribed.journaled && subscribed.seen.next() == 0 && !subscribed.since.empty();
    send_subscription(topic, from_the_beginning ? 1 : subscribed.seen.next());
  }
}

bool session::failed() { return socket_->failed(); }

messages::failure session::problem() const {
  return explain(socket_->state(), options_.server, options_.answer_timeout);
}

std::array<int, 2> session::descriptors() { return socket_->descriptors(); }

result<json> session::ask(const question& what) {
  if (socket_->failed())
    if (auto again = reconnect(); !again) return again.error();
  auto answer = ask_once(what);
  if (answer || socket_->state() != link_state::lost) return answer;
  if (auto again = reconnect(); !again) return again.error();
  return ask_once(what);
}

std::string session::send(const question& what) {
  const auto id = "c" + std::to_string(next_id_++);
  json command{{"id", id}, {"do", what.command}, {"args", what.args}};
  if (!what.project.empty()) command["project"] = what.project;
  if (!what.op.empty()) command["op"] = what.op;
  if (!socket_->send({"CMD", command.dump(-1, ' ', false, json::error_handler_t::replace)})) return {};
  asked_[id] = what.command;
  return id;
}

result<json> session::ask_once(const question& what) {
  const auto wait = options_.answer_timeout + what.extra_wait;
  const auto id = send(what);
  if (id.empty()) return explain(socket_->state(), options_.server, wait);
  return await(id, wait);
}

result<json> session::await(const std::string& id, milliseconds wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  for (;;) {
    const auto mine =
        std::find_if(waiting_answers_.begin(), waiting_answers_.end(), [&](const answer& one) { return one.id == id; });
    if (mine != waiting_answers_.end()) {
      auto outcome = std::move(mine->outcome);
      waiting_answers_.erase(mine);
      return outcome;
    }
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (take_message(std::max(left, milliseconds{0}))) continue;
    if (!socket_->failed() && std::chrono::steady_clock::now() < deadline) continue;
    asked_.erase(id);
    return explain(socket_->state(), options_.server, wait);
  }
}

/// False when nothing came.
bool session::take_message(milliseconds wait) {
  auto message = socket_->receive(wait);
  if (!message) return false;
  if (auto event = event_in(*message))
    keep_event(std::move(*event));
  else if (message->size() == 2 && message->front().to_string_view() == "ANS")
    take_answer(json::parse(message->back().to_string_view(), nullptr, false));
  return true;
}

void session::take_answer(const json& document) {
  if (!document.is_object()) return;
  const auto id = document.find("id");
  if (id == document.end() || !id->is_string()) return;
  const auto command = asked_.find(id->get<std::string>());
  if (command == asked_.end()) return;
  auto outcome = answer_in(document, command->second);
  if (command->first == hello_id_ && outcome) {
    greeting_ = *outcome;
    greeting_took_ = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - greeting_asked_);
    resume_subscriptions();
  }
  waiting_answers_.push_back({command->first, std::move(outcome)});
  asked_.erase(command);
}

std::optional<answer> session::next_answer() {
  while (waiting_answers_.empty())
    if (!take_message(milliseconds{0})) return std::nullopt;
  auto first = std::move(waiting_answers_.front());
  waiting_answers_.pop_front();
  return first;
}

void session::subscribe(const std::string& topic, std::uint64_t from, bool journaled) {
  subscriptions_[topic] = {journaled, false, from == 0 ? text_of(greeting_, "time") : "", sequence_tracker{from}};
  send_subscription(topic, from);
}

void session::send_subscription(const std::string& topic, std::uint64_t from) {
  socket_->send({"SUB", json{{"topic", topic}, {"from", from}, {"credit", credit_window}}.dump()});
}

void session::keep_event(topic_event event) {
  if (admits(event))
    waiting_events_.push_back(std::move(event));
  else
    spend_credit();
}

bool session::admits(const topic_event& event) {
  const auto found = subscriptions_.find(event.topic);
  if (found == subscriptions_.end()) return false;
  auto& subscribed = found->second;
  if (event.kind != event_kind::event || !subscribed.journaled) return true;
  const auto verdict = subscribed.seen.observe(event.sequence);
  if (verdict == sequence_verdict::missed && !subscribed.catching_up)
    send_subscription(event.topic, subscribed.seen.next());
  subscribed.catching_up = verdict == sequence_verdict::missed;
  if (verdict != sequence_verdict::deliver) return false;
  return subscribed.since.empty() || text_of(event.body, "at") >= subscribed.since;
}

void session::spend_credit() {
  if (++events_since_credit_ < credit_refill) return;
  if (socket_->send({"CREDIT", json{{"credit", events_since_credit_}}.dump()})) events_since_credit_ = 0;
}

result<std::optional<topic_event>> session::next_event(milliseconds wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  for (;;) {
    if (!waiting_events_.empty()) {
      auto event = std::move(waiting_events_.front());
      waiting_events_.pop_front();
      if (event.kind == event_kind::event) spend_credit();
      if (event.kind == event_kind::revoked) subscriptions_.erase(event.topic);
      return std::optional{std::move(event)};
    }
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (take_message(std::max(left, milliseconds{0}))) continue;
    if (socket_->failed()) return explain(socket_->state(), options_.server, wait);
    return std::optional<topic_event>{};
  }
}

}  // namespace penstock::client
