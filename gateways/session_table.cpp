#include "gateways/session_table.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace penstock::gateways {
namespace {

bool is_idle(const session& s) { return s.in_flight == 0 && s.unsent.empty() && !s.follows; }

}  // namespace

session_table::session_table(session_limits limits, removed_function removed)
    : limits_(limits), removed_(std::move(removed)) {}

session* session_table::enter(const std::string& routing_id, const std::string& user_id, const std::string& user,
                              std::int64_t now_ms) {
  auto at = sessions_.find(routing_id);
  if (at != sessions_.end() && at->second.user_id != user_id) {
    drop(at);
    at = sessions_.end();
  }
  if (at == sessions_.end()) {
    if (!make_room(user)) return nullptr;
    session fresh;
    fresh.number = next_number_++;
    fresh.user_id = user_id;
    fresh.user = user;
    at = sessions_.emplace(routing_id, std::move(fresh)).first;
  }
  at->second.last_heard_ms = now_ms;
  return &at->second;
}

session* session_table::find(const std::string& routing_id) {
  const auto at = sessions_.find(routing_id);
  return at == sessions_.end() ? nullptr : &at->second;
}

session* session_table::find(const std::string& routing_id, std::uint64_t number) {
  auto* found = find(routing_id);
  return found != nullptr && found->number == number ? found : nullptr;
}

void session_table::remove(const std::string& routing_id) {
  const auto at = sessions_.find(routing_id);
  if (at != sessions_.end()) drop(at);
}

void session_table::remove_connection(int connection) {
  std::vector<std::string> gone;
  for (const auto& [routing_id, s] : sessions_)
    if (s.connection == connection) gone.push_back(routing_id);
  for (const auto& routing_id : gone) remove(routing_id);
}

void session_table::remove_idle(std::int64_t now_ms) {
  std::vector<std::string> over;
  for (const auto& [routing_id, s] : sessions_)
    if (is_idle(s) && now_ms - s.last_heard_ms > limits_.idle_lifetime.count()) over.push_back(routing_id);
  for (const auto& routing_id : over) remove(routing_id);
}

void session_table::for_each_unsent(const std::function<void(const std::string&, session&)>& visit) {
  std::vector<std::string> waiting;
  for (const auto& [routing_id, s] : sessions_)
    if (!s.unsent.empty()) waiting.push_back(routing_id);
  for (const auto& routing_id : waiting)
    if (auto* found = find(routing_id)) visit(routing_id, *found);
}

session_table::place session_table::longest_silent(const std::function<bool(const session&)>& candidate) {
  auto oldest = sessions_.end();
  for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
    if (!candidate(at->second)) continue;
    if (oldest == sessions_.end() || at->second.last_heard_ms < oldest->second.last_heard_ms) oldest = at;
  }
  return oldest;
}

// A user's own sessions may push out that user's longest silent one, following or not: those who left without a word
// are among them. Other users' sessions give way only when they are idle.
bool session_table::make_room(const std::string& user) {
  const auto own = [&](const session& s) { return s.user == user; };
  const auto of_user = std::count_if(sessions_.begin(), sessions_.end(), [&](const auto& s) { return own(s.second); });
  if (static_cast<std::size_t>(of_user) >= limits_.most_per_user) {
    const auto oldest = longest_silent([&](const session& s) { return own(s) && s.in_flight == 0; });
    if (oldest == sessions_.end()) return false;
    drop(oldest);
  }
  if (sessions_.size() < limits_.most) return true;
  const auto oldest = longest_silent(is_idle);
  if (oldest == sessions_.end()) return false;
  drop(oldest);
  return true;
}

void session_table::drop(place at) {
  const auto routing_id = at->first;
  sessions_.erase(at);
  if (removed_) removed_(routing_id);
}

std::size_t session_table::count_of(const std::string& user) const {
  return static_cast<std::size_t>(
      std::count_if(sessions_.begin(), sessions_.end(), [&](const auto& each) { return each.second.user == user; }));
}

}  // namespace penstock::gateways
