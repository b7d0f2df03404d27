#include "actors/fair_round.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace penstock::actors {

std::string fair_round::next(const std::vector<waiting_project>& waiting) {
  if (waiting.empty()) return {};
  seat_all(waiting);
  auto turn = find_turn();
  if (turn == seats_.size()) {
    begin_round();
    turn = find_turn();
  }
  return seats_[turn].project;
}

void fair_round::take(const std::string& project) {
  const auto found =
      std::find_if(seats_.begin(), seats_.end(), [&](const seat& one) { return one.project == project; });
  if (found == seats_.end()) return;
  if (found->turns > 0) --found->turns;
  cursor_ = (static_cast<std::size_t>(found - seats_.begin()) + 1) % seats_.size();
}

void fair_round::seat_all(const std::vector<waiting_project>& waiting) {
  std::unordered_map<std::string_view, std::uint32_t> weights;
  for (const auto& one : waiting) weights.emplace(one.project, std::max(one.weight, 1U));
  for (auto& one : seats_) {
    const auto found = weights.find(one.project);
    one.waits = found != weights.end();
    if (!one.waits) continue;
    one.weight = found->second;
    one.turns = std::min(one.turns, one.weight);
    weights.erase(found);
  }
  // The end of the list is the place just before the cursor: everybody else is asked first.
  for (const auto& one : waiting) {
    if (weights.erase(one.project) == 0) continue;
    const auto weight = std::max(one.weight, 1U);
    seats_.insert(seats_.begin() + static_cast<std::ptrdiff_t>(cursor_), {one.project, weight, weight, true});
    cursor_ = (cursor_ + 1) % seats_.size();
  }
}

std::size_t fair_round::find_turn() const {
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    const auto index = (cursor_ + i) % seats_.size();
    if (seats_[index].waits && seats_[index].turns > 0) return index;
  }
  return seats_.size();
}

void fair_round::begin_round() {
  std::vector<seat> rotated;
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    auto& one = seats_[(cursor_ + i) % seats_.size()];
    if (!one.waits) continue;
    one.turns = one.weight;
    rotated.push_back(std::move(one));
  }
  seats_ = std::move(rotated);
  cursor_ = 0;
}

}  // namespace penstock::actors
