#pragma once
// The children of one association that ask C-FIND: few at a time, the others wait in line. Without actors: whoever
// carries it starts the children and passes on what they say.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "messages/associations.hpp"
#include "messages/dimse.hpp"
#include "messages/result.hpp"

namespace penstock::actors {

class query_children {
 public:
  static constexpr std::size_t most_at_a_time = 4;
  static constexpr std::size_t most_waiting = 1024;

  /// Called once for each question, with an answer for each query of its job or with what went wrong: errc::bad_request
  /// when the PACS refuses such a query whenever it is asked, errc::conflict when it cannot answer now.
  using asker = std::function<void(messages::result<std::vector<messages::query_answered>>)>;
  /// Starts a child and gives its ticket.
  using starter = std::function<std::uint64_t(const messages::find_job&)>;

  query_children(std::string pacs, starter start) : pacs_(std::move(pacs)), start_(std::move(start)) {}

  /// errc::rate_limited when the line is full.
  void ask(messages::find_job job, asker who);

  // What children say; tickets of others are passed over.
  void on_row(const messages::dimse_reported& report);
  void on_done(const messages::dimse_reported& report);
  /// The last word of a child, or its death. Starts the next in line.
  void finish(std::uint64_t ticket, std::optional<messages::failure> problem);
  /// Everybody who waits is told.
  void fail_all(const messages::failure& problem);

  [[nodiscard]] std::size_t running() const { return running_.size(); }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  struct child {
    messages::find_job job;
    std::vector<messages::query_answered> answers;  ///< by query
    asker who;
    std::optional<messages::failure> refused;
  };
  void start_next();

  std::string pacs_;
  starter start_;
  std::map<std::uint64_t, child> running_;
  std::deque<child> waiting_;
};

}  // namespace penstock::actors
