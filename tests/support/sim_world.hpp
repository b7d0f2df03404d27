#pragma once
// An actor system whose scheduler and clock the test drives: nothing runs unless told to, and a week passes in
// milliseconds. Use it as a Boost.Test fixture. Actors that own a thread (caf::detached) are not simulated: spawn them
// scheduled.

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "actors/system_config.hpp"
#include "messages/actor_errors.hpp"
#include "messages/result.hpp"
#include "messages/type_ids.hpp"

namespace penstock::tests {

struct sim_config : actors::system_config {
  sim_config() { set("scheduler.policy", caf::atom("testing")); }
};

class sim_world {
 public:
  using clock = caf::actor_clock;

  sim_world() : sys(cfg), self(sys), scheduler_(dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler())) {}
  sim_world(const sim_world&) = delete;
  sim_world& operator=(const sim_world&) = delete;

  /// Ends what was kept: a living actor would block the end of the actor system for ever. Not by `kill`, which would
  /// end a custodian and leave its child.
  ~sim_world() {
    for (auto& member : kept_) caf::anon_send_exit(member, caf::exit_reason::user_shutdown);
    kept_.clear();
    settle();
    // An actor that ticks itself would keep the scheduler's stop looping.
    scheduler_.clock().cancel_all();
  }

  /// The actor lives until the world ends.
  template <class Handle>
  Handle keep(Handle member) {
    kept_.push_back(caf::actor_cast<caf::strong_actor_ptr>(member));
    return member;
  }
  template <class Actor, class... Ts>
  auto spawn(Ts&&... arguments) {
    return keep(sys.template spawn<Actor>(std::forward<Ts>(arguments)...));
  }
  /// For an actor that a lambda or function describes.
  template <class Function, class... Ts>
  auto spawn_function(Function function, Ts&&... arguments) {
    return keep(sys.spawn(function, std::forward<Ts>(arguments)...));
  }

  /// Handles every message that can be handled without letting time pass.
  std::size_t settle() { return scheduler_.run(); }

  /// Lets time pass; each due message is handled at its own time.
  std::size_t advance(clock::duration_type duration) {
    auto& time = scheduler_.clock();
    const auto until = time.current_time + duration;
    auto events = settle();
    while (!time.schedule().empty() && time.schedule().begin()->first <= until) {
      time.trigger_timeout();
      events += 1 + settle();
    }
    time.current_time = until;
    return events;
  }
  [[nodiscard]] clock::time_point now() const { return scheduler_.clock().current_time; }

  /// The answer to a request, or the failure that was answered. Throws when the answer does not come at once, where a
  /// real receive would block for good.
  template <class Answer, class Handle, class... Ts>
  messages::result<Answer> ask(const Handle& whom, Ts&&... content) {
    return answer_of<Answer>(self->request(whom, caf::infinite, std::forward<Ts>(content)...));
  }

  /// For a request that needs `patience` of simulated time for its answer.
  template <class Answer, class Handle, class... Ts>
  messages::result<Answer> ask_within(clock::duration_type patience, const Handle& whom, Ts&&... content) {
    auto pending = self->request(whom, caf::infinite, std::forward<Ts>(content)...);
    advance(patience);
    return answer_of<Answer>(std::move(pending));
  }

  sim_config cfg;
  caf::actor_system sys;
  caf::scoped_actor self;

 private:
  template <class Answer, class Pending>
  messages::result<Answer> answer_of(Pending pending) {
    settle();
    if (!self->has_next_message()) throw std::runtime_error("no answer without letting time pass");
    std::optional<messages::result<Answer>> answer;
    pending.receive([&](Answer& content) { answer.emplace(std::move(content)); },
                    [&](caf::error& problem) { answer.emplace(messages::from_caf(problem, "ask")); });
    return std::move(*answer);
  }

  caf::scheduler::test_coordinator& scheduler_;
  std::vector<caf::strong_actor_ptr> kept_;
};

}  // namespace penstock::tests
