#pragma once
// What is known of the watched requests, from listings and events. Pure: no server, no terminal.

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "messages/requests.hpp"
#include "tools/penstock/table.hpp"

namespace penstock::commands {

struct watched_request {
  messages::request_state state = messages::request_state::scheduled;
  std::string reason;  ///< why it waits, or what went wrong
  std::string pacs;
  std::string label;  ///< accession number, or the end of the UID
  std::string modality;
  std::string estimate;        ///< when it starts, in words of the server
  std::uint64_t position = 0;  ///< in its line; 0: not known
  bool ended_before = false;   ///< was at its end when it was first seen
  std::uint64_t expected = 0;
  std::uint64_t received = 0;
  std::uint64_t failed = 0;
  std::uint64_t bytes = 0;
};

class request_board {
 public:
  /// An empty list watches every request that is not at its end, and every one that comes.
  explicit request_board(const std::vector<std::string>& only);

  /// An item of `requests.list`, or the answer of `requests.show`. True when the state or the reason has changed.
  bool learn_listed(const nlohmann::json& item);
  /// An event of the topics `requests` or `progress`. True when the state or the reason has changed.
  bool learn_event(const nlohmann::json& event);

  [[nodiscard]] bool watches(const std::string& request) const;
  [[nodiscard]] const std::map<std::string, watched_request>& requests() const { return requests_; }
  [[nodiscard]] bool all_ended() const;
  [[nodiscard]] bool all_completed() const;
  /// "12 completed, 2 processing, 30 scheduled"
  [[nodiscard]] std::string counts() const;
  /// The counts, how far all images are, how long it may take at the pace so far, and when the last one starts.
  [[nodiscard]] std::string summary(std::chrono::seconds watched) const;

  /// At most `rows` requests: those under way first, then what waits, then what has ended.
  [[nodiscard]] table drawn(std::size_t rows) const;

 private:
  bool take(const nlohmann::json& from, const std::string& id, bool may_add);

  std::set<std::string> only_;
  std::map<std::string, watched_request> requests_;
};

/// "scheduled   a-1041  concurrency 2 of 2": one line for those who read no table.
[[nodiscard]] std::string line_of(const std::string& id, const watched_request& request);

/// How long what is open may take when so many have ended in that time; nothing before two have.
[[nodiscard]] std::optional<std::chrono::seconds> time_left(std::size_t ended, std::size_t open,
                                                            std::chrono::seconds watched);

[[nodiscard]] tint shade_of(messages::request_state state);

}  // namespace penstock::commands
