#pragma once
// What an actor that is started again must know first: the rules as they are now, not as they were when the server
// started. Written by the keeper of the rules before it tells anybody.

#include <mutex>
#include <utility>

#include "conf/rules.hpp"
#include "messages/lifecycle.hpp"
#include "messages/roster.hpp"

namespace penstock::actors {

/// Any thread.
class rules_in_force {
 public:
  explicit rules_in_force(conf::rules_ptr rules) : published_{std::move(rules), nullptr} {}

  [[nodiscard]] messages::rules_published get() const {
    std::lock_guard lock{mutex_};
    return published_;
  }
  void set(messages::rules_published published) {
    std::lock_guard lock{mutex_};
    published_ = std::move(published);
  }

 private:
  mutable std::mutex mutex_;
  messages::rules_published published_;
};

using rules_in_force_ptr = std::shared_ptr<rules_in_force>;

/// For a constructor of an actor whose options hold the `rules` that it was first started with and, outside of tests,
/// `in_force`.
template <class Options>
void take_current_rules(Options& options) {
  if (!options.in_force) return;
  if (auto now = options.in_force->get(); now.rules) options.rules = std::move(now.rules);
}

}  // namespace penstock::actors
