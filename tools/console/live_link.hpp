#pragma once
// The connection of a running console: questions and their answers, events into the live project, and a lost connection
// that is noticed, said and made anew. Nothing here waits.

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tools/client/session.hpp"
#include "tools/console/event_loop.hpp"
#include "tools/console/live.hpp"

namespace penstock::console {

enum class link_health { connecting, live, lost };

class live_link {
 public:
  using event_handler = std::function<void(const client::topic_event&)>;
  using answer_handler = std::function<void(const messages::result<nlohmann::json>&)>;
  static constexpr std::chrono::milliseconds first_retry{1000};
  static constexpr std::chrono::milliseconds longest_retry{15000};
  /// A server that is connected and says nothing for so long is lost.
  static constexpr std::chrono::seconds longest_silence{20};
  /// Positions and estimates of what waits are read again so often; and what events leave out, so soon after them.
  static constexpr std::chrono::seconds waiting_interval{10};
  static constexpr std::chrono::milliseconds wish_pause{700};
  /// The server answers 32 of a session at a time.
  static constexpr std::size_t most_questions = 24;
  static constexpr std::size_t most_messages_a_turn = 500;

  /// `server` has been greeted. `changed` is called when something may look different.
  live_link(client::session& server, live_project& project, event_loop& loop, std::function<void()> changed);

  /// Subscribes, reads all listings of the project, if there is one, and goes on from there.
  void begin();
  /// To be called at the end of each turn of the loop.
  void pump();
  void read_all_again();
  /// What is new in a topic, while there is a connection, goes to `then`, and not to the project.
  void follow(const std::string& topic, event_handler then);
  /// `then` gets the answer, or errc::timed_out when the connection is lost meanwhile, or at once when it is.
  void ask(client::question what, answer_handler then);

  [[nodiscard]] link_health health() const { return health_; }
  [[nodiscard]] const std::string& problem() const { return problem_; }
  /// When the last word of the server came.
  [[nodiscard]] std::chrono::system_clock::time_point heard() const { return heard_; }

 private:
  struct pending {
    event_loop::clock::time_point since;
    answer_handler then;
  };
  void watch_descriptors();
  void lose(const std::string& why);
  void try_again();
  void become_live();
  void take_answer(const client::answer& one);
  bool take_event();
  void read(listing which, client::question what);
  void read_usage();
  void keep_timers();
  void read_wished();
  void check_silence();

  client::session& server_;
  live_project& project_;
  event_loop& loop_;
  std::function<void()> changed_;
  link_health health_ = link_health::connecting;
  std::string problem_;
  std::chrono::system_clock::time_point heard_ = std::chrono::system_clock::now();
  std::chrono::milliseconds retry_ = first_retry;
  std::vector<int> descriptors_;
  std::map<std::string, pending> pending_;
  std::map<std::string, event_handler> followed_;
};

}  // namespace penstock::console
