#pragma once
// What became of each line of a list at each PACS that was asked for it. Pure.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "messages/searches.hpp"

namespace penstock::console {

/// Which lines are asked for at a PACS, by their place in the list.
using lines_by_pacs = std::map<std::string, std::vector<std::size_t>>;

/// Lines of which a PACS did not tell all.
struct shortfall {
  std::string pacs;
  messages::search_outcome what = messages::search_outcome::unavailable;
  std::string why;  ///< the first reason given
  std::size_t lines = 0;
};

class line_outcomes {
 public:
  /// Different reasons that are kept; a further one reads as the last of them.
  static constexpr std::size_t most_reasons = 200;

  line_outcomes() = default;
  line_outcomes(std::size_t lines, const lines_by_pacs& asked);

  void learn(std::size_t line, const std::string& pacs, messages::search_outcome outcome, const std::string& why);
  /// Counts anew; to be called when a batch was learned.
  void count();

  [[nodiscard]] std::size_t lines() const { return best_.size(); }
  [[nodiscard]] std::size_t places() const { return at_.size(); }
  /// Lines of which every PACS has said something.
  [[nodiscard]] std::size_t answered() const { return answered_; }
  /// Of those: by the outcome that says most.
  [[nodiscard]] const std::map<messages::search_outcome, std::size_t>& counts() const { return counts_; }
  [[nodiscard]] const std::vector<shortfall>& shortfalls() const { return shortfalls_; }
  /// The outcome of a line that says most; `pending` while a PACS has not answered.
  [[nodiscard]] messages::search_outcome best(std::size_t line) const { return best_[line]; }
  /// Why that is its outcome.
  [[nodiscard]] std::string best_reason(std::size_t line) const;
  /// "ch-rad: no such patient at this PACS": each PACS that was asked and has not found it, with its reason, once.
  [[nodiscard]] std::string why(std::size_t line) const;
  /// What is worth asking again: lines that were not answered, or of which the PACS was not available.
  [[nodiscard]] lines_by_pacs missing() const;

 private:
  struct said {
    messages::search_outcome outcome = messages::search_outcome::pending;
    std::uint16_t reason = 0;
    bool asked = false;
  };
  [[nodiscard]] std::uint16_t number_of(const std::string& reason);
  void count_line(std::size_t line);

  std::map<std::string, std::vector<said>> at_;  ///< by PACS, one for each line
  std::vector<std::string> reasons_{""};
  std::vector<messages::search_outcome> best_;
  std::map<messages::search_outcome, std::size_t> counts_;
  std::vector<shortfall> shortfalls_;
  std::size_t answered_ = 0;
};

}  // namespace penstock::console
