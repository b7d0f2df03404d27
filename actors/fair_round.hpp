#pragma once
// Weighted round robin over projects. In a round a project of weight w gets w turns, spread out: each pass over the
// projects gives one turn to each that has turns left. Deterministic; a newcomer joins at the end of the list with a
// full share; who leaves in the middle of a round and comes back finds the turns it had left, so leaving gains nothing.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace penstock::actors {

struct waiting_project {
  std::string project;
  std::uint32_t weight = 1;  ///< 0 counts as 1
};

class fair_round {
 public:
  /// Whose turn it is among those that wait; empty when nobody does. Stays the same until `take` or until other
  /// projects wait.
  [[nodiscard]] std::string next(const std::vector<waiting_project>& waiting);
  /// That project's turn is spent.
  void take(const std::string& project);

 private:
  struct seat {
    std::string project;
    std::uint32_t weight = 1;
    std::uint32_t turns = 1;
    bool waits = false;
  };

  void seat_all(const std::vector<waiting_project>& waiting);
  [[nodiscard]] std::size_t find_turn() const;
  void begin_round();

  std::vector<seat> seats_;
  std::size_t cursor_ = 0;  ///< the seat that is asked first
};

}  // namespace penstock::actors
