#pragma once
// Queries that wait for their turn at one PACS: in turn over projects, in order of arrival inside one.

#include <cstdint>
#include <deque>
#include <list>
#include <string>
#include <utility>

#include "actors/permit_policy.hpp"
#include "messages/interfaces.hpp"

namespace penstock::actors {

class query_line {
 public:
  using asker = messages::query_asker_actor;
  /// Askers keep few queries open each, so this is far above what a healthy server sees.
  static constexpr std::size_t most_waiting = 4096;

  struct place {
    std::uint64_t ticket = 0;
    std::uint32_t queries = 1;
    asker who;
  };

  /// False when the line is full. Who asks again keeps its place: askers repeat themselves, since a governor that was
  /// restarted has forgotten them.
  [[nodiscard]] bool join(const std::string& project, place newcomer) {
    auto found = projects_.begin();
    while (found != projects_.end() && found->first != project) ++found;
    if (found != projects_.end())
      for (const auto& each : found->second)
        if (each.ticket == newcomer.ticket && each.who == newcomer.who) return true;
    if (waiting_ == most_waiting) return false;
    if (found == projects_.end()) found = projects_.insert(projects_.end(), {project, {}});
    found->second.push_back(std::move(newcomer));
    ++waiting_;
    return true;
  }

  [[nodiscard]] bool empty() const { return waiting_ == 0; }

  /// Whoever `take` gives next.
  [[nodiscard]] const place& front() const { return projects_.front().second.front(); }

  /// The next in turn; its project goes to the end of the round.
  [[nodiscard]] place take() {
    auto front = std::move(projects_.front());
    projects_.pop_front();
    auto next = std::move(front.second.front());
    front.second.pop_front();
    --waiting_;
    if (!front.second.empty()) projects_.push_back(std::move(front));
    return next;
  }

  query_policy policy;

 private:
  std::list<std::pair<std::string, std::deque<place>>> projects_;
  std::size_t waiting_ = 0;
};

}  // namespace penstock::actors
