// Everything that can happen to permit_policy in a small world, not a sample of it.

#include <array>
#include <boost/test/unit_test.hpp>
#include <unordered_set>

#include "tests/actors/small_world.hpp"

using namespace penstock::test;
using penstock::conf::window_limits;

namespace {

/// Visits every state that can be reached, the nearest first, and stops at the first that breaks the contract.
class exploration {
 public:
  exploration(const window_limits& limits, small_flaws broken) {
    std::vector<place> near{{{limits, broken}, 0}};
    ways_.push_back({});
    while (!near.empty() && fault.empty()) {
      std::vector<place> far;
      for (const auto& each : near) visit(each, far);
      near = std::move(far);
      ++depth_;
    }
    const auto rate = limits.per_minute ? std::to_string(*limits.per_minute) + " in a minute" : "no rate";
    BOOST_TEST_MESSAGE(limits.concurrent << " in flight, " << rate << ": " << states() << " states, " << steps_
                                         << " steps, depth " << depth_ - 1 << (fault.empty() ? "" : "; ") << fault);
  }

  [[nodiscard]] std::size_t states() const { return seen_.size(); }
  std::string fault;  ///< the first that was found, with the shortest way to it; "" when there is none

 private:
  struct place {
    small_world world;
    std::size_t way;  ///< its last step in `ways_`
  };
  struct way {
    std::size_t before = 0;
    std::string step;
  };
  using key = std::array<std::uint64_t, 4>;
  struct key_hash {
    std::size_t operator()(const key& of) const {
      std::size_t hash = 0;
      for (const auto part : of) hash = (hash ^ part) * 0x9e3779b97f4a7c15U;
      return hash ^ hash >> 32;
    }
  };

  void visit(const place& here, std::vector<place>& far) {
    if (!fault.empty() || !seen_.insert(here.world.key()).second) return;
    if (const auto found = here.world.verdict(); !found.empty()) {
      fault = found + ":" + tell(here.way);
      return;
    }
    for (auto& [step, next] : here.world.successors()) {
      ++steps_;
      if (seen_.contains(next.key())) continue;
      ways_.push_back({here.way, std::move(step)});
      far.push_back({std::move(next), ways_.size() - 1});
    }
  }

  [[nodiscard]] std::string tell(std::size_t last) const {
    std::string text;
    for (; last != 0; last = ways_[last].before) text = " / " + ways_[last].step + text;
    return text;
  }

  std::unordered_set<key, key_hash> seen_;
  std::vector<way> ways_;
  std::size_t steps_ = 0;
  std::size_t depth_ = 0;
};

const window_limits one_a_minute{3, 1, {}, {}, false};
const window_limits two_a_minute{3, 2, {}, {}, false};
const window_limits one_in_flight{1, {}, {}, {}, false};
const window_limits two_in_flight{2, {}, {}, {}, false};
const window_limits both{1, 2, {}, {}, false};

std::string first_fault(const window_limits& limits, small_flaws broken) { return exploration{limits, broken}.fault; }

}  // namespace

BOOST_AUTO_TEST_SUITE(permit_exploration)

BOOST_AUTO_TEST_CASE(nothing_that_can_happen_breaks_the_contract) {
  std::size_t states = 0;
  for (const auto& limits : {one_a_minute, two_a_minute, one_in_flight, two_in_flight, both}) {
    const exploration all{limits, {}};
    BOOST_TEST(all.fault == "");
    states += all.states();
  }
  BOOST_TEST_MESSAGE(states << " states in all");
  BOOST_TEST(states > 50'000U);
}

BOOST_AUTO_TEST_CASE(a_send_before_its_stamp_is_on_the_disk_breaks_it) {
  BOOST_TEST(first_fault(two_a_minute, {.send_before_sync = true}).starts_with("too many in 60 s"));
  BOOST_TEST(first_fault(one_in_flight, {.send_before_sync = true}).starts_with("too many in flight"));
}

BOOST_AUTO_TEST_CASE(a_log_in_memory_breaks_it) {
  BOOST_TEST(first_fault(two_a_minute, {.volatile_log = true}).starts_with("too many in 60 s"));
}

BOOST_AUTO_TEST_CASE(the_wall_clock_breaks_it) {
  BOOST_TEST(first_fault(two_a_minute, {.wall_clock = true}).starts_with("too many in 60 s"));
}

BOOST_AUTO_TEST_CASE(forgetting_what_a_crash_left_in_flight_breaks_it) {
  BOOST_TEST(first_fault(one_in_flight, {.forget_orphans = true}).starts_with("too many in flight"));
}

BOOST_AUTO_TEST_SUITE_END()
