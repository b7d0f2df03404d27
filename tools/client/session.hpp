#pragma once
// A conversation with the server on its control socket (messages/WIRE.md): questions with their answers, and events.

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "messages/result.hpp"
#include "tools/client/sequence_tracker.hpp"
#include "tools/client/user_key.hpp"

namespace penstock::client {

class dealer;

struct session_options {
  std::string server;      ///< tcp://host:port
  std::string server_key;  ///< Z85
  user_key key;
  std::chrono::milliseconds answer_timeout{5000};
};

/// One question. `op` names a change once and for all (a repeat is answered, not done again); `new_op()` makes one.
struct question {
  std::string command;
  std::string project;
  nlohmann::json args = nlohmann::json::object();
  std::string op;
  std::chrono::milliseconds extra_wait{0};  ///< for commands that wait themselves (`wait_ms`)
};

enum class event_kind { event, gap, revoked };

struct topic_event {
  event_kind kind = event_kind::event;
  std::string topic;
  std::uint64_t sequence = 0;  ///< of a gap: the first number dropped
  nlohmann::json body;
};

struct answer {
  std::string id;  ///< what `send` returned
  result<nlohmann::json> outcome;
};

/// Not thread-safe. A connection that breaks is made anew once per question, with a new routing id; subscriptions go on
/// where they were, those of which nothing has come yet where they were begun. Everything that fails to reach the
/// server is errc::timed_out.
class session {
 public:
  /// Connects and says `hello`. errc::not_permitted when the server does not know the key.
  static result<std::unique_ptr<session>> open(session_options options);
  /// Does not wait: `hello` is on its way, and `next_answer` gives its answer like any other. For programs that wait
  /// for `descriptors` themselves.
  static result<std::unique_ptr<session>> begin(session_options options);
  ~session();

  /// The "ok" object of the answer; or the server's error code with its message as context.
  result<nlohmann::json> ask(const question& what);
  /// What the server said of itself, of the user and of the user's projects.
  [[nodiscard]] const nlohmann::json& greeting() const { return greeting_; }
  /// How long the greeting took to come.
  [[nodiscard]] std::chrono::milliseconds greeting_took() const { return greeting_took_; }

  /// `from` as in messages/WIRE.md: 0 = only what is new. A `journaled` topic is followed without loss or repetition.
  void subscribe(const std::string& topic, std::uint64_t from, bool journaled);
  /// The next event; nothing after `wait`. errc::timed_out when the connection is lost: `reconnect` then.
  result<std::optional<topic_event>> next_event(std::chrono::milliseconds wait);
  /// A new socket, `hello`, and all subscriptions from the first number not seen.
  result<void> reconnect();

  // What never waits. After a descriptor was readable and after each `send`, call both `next_answer` and
  // `next_event(0)` until nothing comes.

  /// The id by which the answer will come; empty when the connection has failed. What was sent before `begin_again`
  /// is not answered any more.
  std::string send(const question& what);
  std::optional<answer> next_answer();
  /// A new socket with `hello` on its way; its answer takes the subscriptions up again.
  result<void> begin_again();
  [[nodiscard]] const std::string& hello_id() const { return hello_id_; }
  [[nodiscard]] bool failed();
  /// Why it failed, in words for people.
  [[nodiscard]] messages::failure problem() const;
  /// Others after each `begin_again`.
  [[nodiscard]] std::array<int, 2> descriptors();

 private:
  struct subscription {
    bool journaled = true;
    bool catching_up = false;  ///< asked again for what was missed
    std::string since;         ///< the server's time when "only what is new" was asked for
    sequence_tracker seen;
  };

  explicit session(session_options options);
  result<nlohmann::json> ask_once(const question& what);
  result<nlohmann::json> await(const std::string& id, std::chrono::milliseconds wait);
  bool take_message(std::chrono::milliseconds wait);
  void take_answer(const nlohmann::json& document);
  void resume_subscriptions();
  void send_subscription(const std::string& topic, std::uint64_t from);
  void keep_event(topic_event event);
  bool admits(const topic_event& event);
  void spend_credit();

  session_options options_;
  std::unique_ptr<dealer> socket_;
  nlohmann::json greeting_;
  std::chrono::steady_clock::time_point greeting_asked_;
  std::chrono::milliseconds greeting_took_{0};
  std::map<std::string, subscription> subscriptions_;
  std::string hello_id_;
  std::map<std::string, std::string> asked_;  ///< command by id; the server answers no more than 32 at a time
  std::deque<answer> waiting_answers_;
  std::deque<topic_event> waiting_events_;
  std::uint64_t next_id_ = 1;
  std::uint32_t events_since_credit_ = 0;
};

/// 32 random hexadecimal digits.
[[nodiscard]] std::string new_op();

}  // namespace penstock::client
