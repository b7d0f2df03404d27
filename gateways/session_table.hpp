#pragma once
// The clients of the control socket, by routing id. A session goes with its connection; the table also forgets who is
// idle, and the longest silent when it is full. No sockets, one owner thread.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace penstock::gateways {

struct session_limits {
  std::size_t most = 256;
  std::size_t most_per_user = 16;
  std::size_t most_in_flight = 32;                   ///< commands of a session that are not answered yet
  std::size_t most_unsent = 64;                      ///< answers that its queue did not take yet
  std::chrono::milliseconds idle_lifetime{600'000};  ///< without commands in flight and subscriptions
};

struct session {
  std::uint64_t number = 0;  ///< never given twice: an answer finds its session by routing id and number
  std::string user_id;       ///< as ZAP gave it
  std::string user;
  std::size_t in_flight = 0;
  std::deque<std::string> unsent;
  std::int64_t last_heard_ms = 0;
  bool follows = false;  ///< has subscriptions
  int connection = -1;   ///< the descriptor that its newest message came through
};

class session_table {
 public:
  using removed_function = std::function<void(const std::string& routing_id)>;

  /// `removed` is called for every session that the table drops by itself or is told to.
  session_table(session_limits limits, removed_function removed);

  /// The session of a message that has just come. A routing id that another user holds now begins anew. Null when there
  /// is no room: neither a free place nor an idle session to forget.
  [[nodiscard]] session* enter(const std::string& routing_id, const std::string& user_id, const std::string& user,
                               std::int64_t now_ms);
  [[nodiscard]] session* find(const std::string& routing_id);
  /// Null, too, when the routing id has changed hands since `number` was given.
  [[nodiscard]] session* find(const std::string& routing_id, std::uint64_t number);
  void remove(const std::string& routing_id);
  /// The connection has ended.
  void remove_connection(int connection);
  void remove_idle(std::int64_t now_ms);
  [[nodiscard]] std::size_t size() const { return sessions_.size(); }
  [[nodiscard]] std::size_t count_of(const std::string& user) const;
  [[nodiscard]] const session_limits& limits() const { return limits_; }
  /// Those with answers that were not taken yet.
  void for_each_unsent(const std::function<void(const std::string& routing_id, session&)>& visit);

 private:
  using place = std::map<std::string, session>::iterator;
  [[nodiscard]] place longest_silent(const std::function<bool(const session&)>& candidate);
  [[nodiscard]] bool make_room(const std::string& user);
  void drop(place at);

  session_limits limits_;
  removed_function removed_;
  std::map<std::string, session> sessions_;
  std::uint64_t next_number_ = 1;
};

}  // namespace penstock::gateways
