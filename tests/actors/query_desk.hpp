#pragma once
// How a server uses query_policy, in the same hostile world: reserve, persist, send within the deadline; what is on the
// disk survives a kill, and nothing else does.

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "actors/permit_policy.hpp"
#include "tests/actors/permit_judge.hpp"

namespace penstock::test {

class query_desk {
 public:
  /// Sends one to three queries at once, if they may be sent.
  void ask(const actors::instant& now, std::int64_t true_ns, std::uint32_t per_minute, std::mt19937& random) {
    const auto draw = [&](std::int64_t most) { return std::uniform_int_distribution<std::int64_t>{0, most}(random); };
    const auto queries = std::min(static_cast<std::uint32_t>(1 + draw(2)), std::max(per_minute, 1U));
    if (policy_.not_before(now, per_minute, queries) > 0) return;
    for (std::uint32_t i = 0; i < queries; ++i) {
      const auto stamp = policy_.reserve(now, ++numbers_);
      if (draw(9) == 0) {
        policy_.withdraw(stamp.number);
        continue;
      }
      const auto send_ns = draw(3) == 0 ? 1'000'000'000 : draw(1'000'000'000);
      const auto arrived_ns = true_ns + send_ns + draw(249'999'999);
      pending_.push_back({stamp, true_ns + draw(send_ns), true_ns + send_ns, {numbers_, arrived_ns, per_minute}});
    }
    for (const auto old : policy_.prune(now))
      std::erase_if(disk_, [&](const auto& stamp) { return stamp.number == old; });
  }

  /// Everything that happens until then.
  void advance(std::int64_t until_ns, std::vector<seen_query>& seen) {
    for (auto& one : pending_) {
      if (!one.persisted && one.persisted_ns <= until_ns) disk_.push_back(one.stamp);
      one.persisted = one.persisted_ns <= until_ns;
      if (one.send_ns <= until_ns) seen.push_back(one.query);
    }
    std::erase_if(pending_, [&](const auto& one) { return one.send_ns <= until_ns; });
  }

  void lose_disk() { disk_.clear(); }
  void restart(const actors::instant& now) {
    pending_.clear();
    policy_ = {};
    policy_.restore(disk_, now);
  }
  void assume_full(const actors::instant& since) { policy_.assume_full(since); }

 private:
  struct pending_query {
    actors::start_stamp stamp;
    std::int64_t persisted_ns;
    std::int64_t send_ns;
    seen_query query;
    bool persisted = false;
  };

  actors::query_policy policy_;
  std::uint64_t numbers_ = 0;
  std::vector<pending_query> pending_;
  std::vector<actors::start_stamp> disk_;
};

}  // namespace penstock::test
