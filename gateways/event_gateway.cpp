#include "gateways/event_gateway.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "gateways/access_policy.hpp"

namespace penstock::gateways {
namespace {

using messages::errc;
using messages::fail;

/// `json` (an object) with its number and time in front.
std::string with_number(const std::string& json, std::uint64_t sequence, const std::string& at) {
  const auto inner = json.find_first_not_of(" \t\r\n", json.find('{') + 1);
  const bool empty = inner == std::string::npos || json[inner] == '}';
  return "{\"seq\":" + std::to_string(sequence) + ",\"at\":\"" + at + "\"" + (empty ? "" : ",") +
         (empty ? "}" : json.substr(inner));
}

}  // namespace

event_gateway::event_gateway(event_limits limits, event_outlets outlets)
    : limits_(limits), outlets_(std::move(outlets)) {}

messages::result<void> event_gateway::subscribe(const std::string& session, const std::string& user,
                                                const std::string& topic, std::uint64_t from) {
  if (!outlets_.may_see(user, topic)) {
    const std::array<std::string_view, 2> frames = {"REVOKED", topic};
    if (outlets_.send(session, frames) == send_outcome::gone) forget(session);
    return {};
  }
  auto& who = followers_[session];
  who.user = user;
  if (!who.topics.contains(topic) && who.topics.size() >= limits_.subscriptions_per_session)
    return fail(errc::rate_limited, "topic: too many subscriptions in this session");
  auto& in = rings_[topic];
  in.followers.insert(session);
  if (is_transient_topic(topic) && in.next == 0) in.next = 1;
  position start;
  start.next = from == 0 ? in.next : from;
  if (is_transient_topic(topic)) start.next = std::min(start.next, in.next);
  who.topics[topic] = start;
  pump(session, who, topic);
  return {};
}

void event_gateway::add_credit(const std::string& session, const std::string& user, std::uint32_t credit) {
  auto& who = followers_[session];
  who.user = user;
  who.credit = std::min(who.credit + std::int64_t{credit}, limits_.most_credit);
  pump_session(session);
}

void event_gateway::unsubscribe(const std::string& session, const std::string& topic) {
  const auto at = followers_.find(session);
  if (at != followers_.end()) end_subscription(session, at->second, topic);
}

void event_gateway::forget(const std::string& session) {
  const auto at = followers_.find(session);
  if (at == followers_.end()) return;
  for (const auto& [topic, where] : at->second.topics) rings_[topic].followers.erase(session);
  followers_.erase(at);
  stalled_.erase(session);
}

bool event_gateway::follows(const std::string& session) const {
  const auto at = followers_.find(session);
  return at != followers_.end() && !at->second.topics.empty();
}

std::size_t event_gateway::subscriptions() const {
  std::size_t sum = 0;
  for (const auto& [session, who] : followers_) sum += who.topics.size();
  return sum;
}

void event_gateway::publish(const std::vector<messages::topic_entry>& events) {
  std::set<std::string> touched;
  for (const auto& event : events) {
    append(event.topic, rings_[event.topic], event.sequence, event.json);
    touched.insert(event.topic);
  }
  for (const auto& topic : touched) pump_topic(topic);
}

void event_gateway::publish_transient(const std::string& topic, const std::string& json) {
  if (!is_transient_topic(topic)) return;
  auto& in = rings_[topic];
  if (in.next == 0) in.next = 1;
  const auto sequence = in.next;
  append(topic, in, sequence, with_number(json, sequence, outlets_.time_now()));
  pump_topic(topic);
}

void event_gateway::append(const std::string& topic, ring& into, std::uint64_t sequence, std::string json) {
  if (into.next != 0 && sequence < into.next) return;
  // Something between was not heard of (the journal had restarted): what is missing is read from the journal.
  if (sequence != into.next)
    while (!into.events.empty()) drop_oldest(into);
  into.bytes += json.size();
  ring_bytes_ += json.size();
  into.events.push_back(std::move(json));
  into.next = sequence + 1;
  into.touched = ++touches_;
  for (const auto& session : into.followers) {
    auto& where = followers_[session].topics[topic];
    if (where.next == 0) where.next = sequence;
    where.at_end = false;
  }
  keep_within_limits(topic, into);
}

void event_gateway::drop_oldest(ring& from) {
  from.bytes -= from.events.front().size();
  ring_bytes_ -= from.events.front().size();
  from.events.pop_front();
}

void event_gateway::keep_within_limits(const std::string& topic, ring& changed) {
  const auto most = is_transient_topic(topic) ? limits_.transient_events_per_topic : limits_.events_per_topic;
  while (changed.events.size() > most || changed.bytes > limits_.bytes_per_topic) drop_oldest(changed);
  while (ring_bytes_ > limits_.bytes_of_all_topics) {
    const auto used = [](const auto& r) { return r.second.events.empty() ? ~std::uint64_t{0} : r.second.touched; };
    auto& coldest = *std::min_element(rings_.begin(), rings_.end(),
                                      [&](const auto& a, const auto& b) { return used(a) < used(b); });
    while (!coldest.second.events.empty()) drop_oldest(coldest.second);
  }
}

void event_gateway::pump_topic(const std::string& topic) {
  const auto followers = rings_[topic].followers;
  for (const auto& session : followers) {
    const auto at = followers_.find(session);
    if (at != followers_.end()) pump(session, at->second, topic);
  }
}

void event_gateway::pump_session(const std::string& session) {
  const auto at = followers_.find(session);
  if (at == followers_.end()) return;
  std::vector<std::string> topics;
  for (const auto& [topic, where] : at->second.topics) topics.push_back(topic);
  for (const auto& topic : topics) {
    const auto still = followers_.find(session);
    if (still == followers_.end()) return;
    if (still->second.topics.contains(topic)) pump(session, still->second, topic);
  }
}

void event_gateway::pump(const std::string& session, follower& who, const std::string& topic) {
  const auto at = who.topics.find(topic);
  if (at == who.topics.end()) return;
  switch (advance(session, who, topic, at->second)) {
    case progress::idle:
      return;
    case progress::stalled:
      stalled_.insert(session);
      return;
    case progress::revoked:
      end_subscription(session, who, topic);
      return;
    case progress::gone:
      forget(session);
      return;
  }
}

event_gateway::progress event_gateway::advance(const std::string& session, follower& who, const std::string& topic,
                                               position& at) {
  auto& in = rings_[topic];
  for (;;) {
    if (!outlets_.may_see(who.user, topic)) {
      const std::array<std::string_view, 2> frames = {"REVOKED", topic};
      const auto outcome = outlets_.send(session, frames);
      if (outcome == send_outcome::full) return progress::stalled;
      return outcome == send_outcome::gone ? progress::gone : progress::revoked;
    }
    if (who.credit <= 0 || at.next == 0 || at.reading_from != 0) return progress::idle;
    if (in.next != 0 && at.next >= in.next) return progress::idle;
    if (in.next == 0 || at.next < in.oldest()) {
      if (!is_transient_topic(topic)) return catch_up(session, who, topic, at);
      if (const auto p = send_gap(session, topic, at, in.oldest()); p != progress::idle) return p;
      continue;
    }
    const auto& json = in.events[static_cast<std::size_t>(at.next - in.oldest())];
    if (const auto p = send_event(session, who, topic, at, json); p != progress::idle) return p;
  }
}

event_gateway::progress event_gateway::catch_up(const std::string& session, follower& who, const std::string& topic,
                                                position& at) {
  if (at.at_end) return progress::idle;
  const auto wanted = std::min(static_cast<std::size_t>(who.credit), limits_.page_events);
  at.reading_from = at.next;
  if (outlets_.read_page(session, topic, at.next, wanted)) return progress::idle;
  at.reading_from = 0;
  return progress::stalled;
}

event_gateway::progress event_gateway::send_event(const std::string& session, follower& who, const std::string& topic,
                                                  position& at, std::string_view json) {
  const auto sequence = big_endian_64(at.next);
  const auto seen = outlets_.as_seen ? outlets_.as_seen(topic, json) : std::nullopt;
  const std::array<std::string_view, 4> frames = {"EV", topic, sequence, seen ? std::string_view{*seen} : json};
  switch (outlets_.send(session, frames)) {
    case send_outcome::full:
      return progress::stalled;
    case send_outcome::gone:
      return progress::gone;
    case send_outcome::sent:
      break;
  }
  ++at.next;
  --who.credit;
  ++sent_;
  return progress::idle;
}

event_gateway::progress event_gateway::send_gap(const std::string& session, const std::string& topic, position& at,
                                                std::uint64_t to) {
  const auto first = big_endian_64(at.next);
  const auto after = big_endian_64(to);
  const std::array<std::string_view, 4> frames = {"GAP", topic, first, after};
  switch (outlets_.send(session, frames)) {
    case send_outcome::full:
      return progress::stalled;
    case send_outcome::gone:
      return progress::gone;
    case send_outcome::sent:
      break;
  }
  at.next = to;
  return progress::idle;
}

void event_gateway::skip_pruned(const std::string& topic, position& at, std::uint64_t first) {
  const auto& in = rings_[topic];
  at.next = std::max(at.next, in.next == 0 ? first : std::min(first, in.oldest()));
}

void event_gateway::page_read(const std::string& session, const std::string& topic, std::uint64_t from,
                              const messages::result<std::vector<messages::topic_entry>>& page) {
  const auto found = followers_.find(session);
  if (found == followers_.end() || !found->second.topics.contains(topic)) return;
  auto& who = found->second;
  auto& at = who.topics[topic];
  if (at.reading_from != from) return;
  at.reading_from = 0;
  if (!page) {
    stalled_.insert(session);
    return;
  }
  const auto& in = rings_[topic];
  at.at_end = page->empty() && in.next == 0;
  if (!at.at_end) skip_pruned(topic, at, page->empty() ? in.next : page->front().sequence);
  for (const auto& entry : *page) {
    if (entry.sequence != at.next || who.credit <= 0 || !outlets_.may_see(who.user, topic)) break;
    const auto p = send_event(session, who, topic, at, entry.json);
    if (p == progress::gone) return forget(session);
    if (p == progress::stalled) {
      stalled_.insert(session);
      return;
    }
  }
  pump(session, who, topic);
}

void event_gateway::check_everybody() {
  std::vector<std::string> sessions;
  for (const auto& [session, who] : followers_) sessions.push_back(session);
  for (const auto& session : sessions) pump_session(session);
}

void event_gateway::forget_transient(const std::string& topic) {
  const auto found = rings_.find(topic);
  if (found == rings_.end() || !is_transient_topic(topic)) return;
  while (!found->second.events.empty()) drop_oldest(found->second);
}

void event_gateway::resume_stalled() {
  for (const auto& session : std::exchange(stalled_, {})) pump_session(session);
}

void event_gateway::end_subscription(const std::string& session, follower& who, const std::string& topic) {
  rings_[topic].followers.erase(session);
  who.topics.erase(topic);
}

}  // namespace penstock::gateways
