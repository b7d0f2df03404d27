#pragma once
// Who follows which topic and how far: sends each event in order, once, to those who may still see it, as far as their
// credit goes. Pure: sockets, rules and the journal are functions; one owner thread.
//
// A journaled topic has dense numbers. The newest events lie in a ring in memory; a follower who is further behind is
// fed from the journal, page by page, until the ring takes over. A transient topic is numbered here, and a follower who
// fell out of its ring is told so with GAP.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateways/frames.hpp"
#include "messages/journal.hpp"
#include "messages/result.hpp"

namespace penstock::gateways {

struct event_limits {
  std::size_t events_per_topic = 10'000;
  std::size_t bytes_per_topic = std::size_t{8} << 20;
  std::size_t bytes_of_all_topics = std::size_t{256} << 20;
  std::size_t transient_events_per_topic = 1'024;
  std::size_t subscriptions_per_session = 64;
  std::size_t page_events = 256;  ///< read from the journal at once for one follower
  std::int64_t most_credit = 1'000'000;
};

struct event_outlets {
  std::function<send_outcome(const std::string& session, std::span<const std::string_view> frames)> send;
  std::function<bool(const std::string& user, const std::string& topic)> may_see;
  /// Asks for `limit` events of `topic` from number `from` on, to come back through page_read(). False: not now.
  std::function<bool(const std::string& session, const std::string& topic, std::uint64_t from, std::size_t limit)>
      read_page;
  std::function<std::string()> time_now;  ///< RFC 3339, for transient events
  /// What of an event may be shown; nothing: it as it stands. None given: every event as it stands.
  std::function<std::optional<std::string>(const std::string& topic, std::string_view json)> as_seen = {};
};

class event_gateway {
 public:
  event_gateway(event_limits limits, event_outlets outlets);

  /// `from` 0: only what is new; else the first number wanted. A topic that the user may not see, or that does not
  /// exist, is answered with REVOKED. A repeated SUB moves the follower. errc::rate_limited over
  /// `subscriptions_per_session`.
  messages::result<void> subscribe(const std::string& session, const std::string& user, const std::string& topic,
                                   std::uint64_t from);
  void add_credit(const std::string& session, const std::string& user, std::uint32_t credit);
  void unsubscribe(const std::string& session, const std::string& topic);
  void forget(const std::string& session);
  [[nodiscard]] bool follows(const std::string& session) const;

  /// Committed events, in order of commitment.
  void publish(const std::vector<messages::topic_entry>& events);
  void publish_transient(const std::string& topic, const std::string& json);
  /// The answer to `read_page`.
  void page_read(const std::string& session, const std::string& topic, std::uint64_t from,
                 const messages::result<std::vector<messages::topic_entry>>& page);

  /// The rules have changed: whoever may no longer see a topic is told so now.
  void check_everybody();
  /// What a transient topic has said is forgotten; whoever has not heard it yet is told so with GAP.
  void forget_transient(const std::string& topic);
  /// Goes on where a queue was full or a page could not be had.
  void resume_stalled();

  [[nodiscard]] std::size_t subscriptions() const;
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] std::size_t ring_bytes() const { return ring_bytes_; }

 private:
  struct ring {
    std::uint64_t next = 0;  ///< number after the newest; 0: nothing was published since the start
    std::deque<std::string> events;
    std::size_t bytes = 0;
    std::uint64_t touched = 0;
    std::set<std::string> followers;
    [[nodiscard]] std::uint64_t oldest() const { return next - events.size(); }
  };
  struct position {
    std::uint64_t next = 0;          ///< 0: whatever is published next
    std::uint64_t reading_from = 0;  ///< a page was asked for that begins here; 0: none
    bool at_end = false;             ///< the journal had no more; the next event published goes on
  };
  struct follower {
    std::string user;
    std::int64_t credit = 0;
    std::map<std::string, position> topics;
  };
  /// What became of an attempt to move one follower in one topic.
  enum class progress { idle, stalled, revoked, gone };

  void append(const std::string& topic, ring& into, std::uint64_t sequence, std::string json);
  void drop_oldest(ring& from);
  void keep_within_limits(const std::string& topic, ring& changed);
  void pump_topic(const std::string& topic);
  void pump_session(const std::string& session);
  void pump(const std::string& session, follower& who, const std::string& topic);
  progress advance(const std::string& session, follower& who, const std::string& topic, position& at);
  progress catch_up(const std::string& session, follower& who, const std::string& topic, position& at);
  progress send_event(const std::string& session, follower& who, const std::string& topic, position& at,
                      std::string_view json);
  progress send_gap(const std::string& session, const std::string& topic, position& at, std::uint64_t to);
  /// The journal keeps nothing of this topic before `first`.
  void skip_pruned(const std::string& topic, position& at, std::uint64_t first);
  void end_subscription(const std::string& session, follower& who, const std::string& topic);

  event_limits limits_;
  event_outlets outlets_;
  std::map<std::string, ring> rings_;
  std::map<std::string, follower> followers_;
  std::set<std::string> stalled_;
  std::size_t ring_bytes_ = 0;
  std::uint64_t touches_ = 0;
  std::uint64_t sent_ = 0;
};

}  // namespace penstock::gateways
