#pragma once
// An actor that owns children or arrivals and notes what it is told.

#include <caf/all.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "messages/interfaces.hpp"
#include "messages/type_ids.hpp"

namespace penstock::gateways::testing {

struct owner_notes {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<messages::dimse_reported> reports;
  std::vector<messages::dimse_ended> ends;
  std::vector<messages::instances_arrived> arrivals;

  /// Whether `done` comes true within 20 s; it is called under the lock.
  template <class Predicate>
  bool wait(Predicate done) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::seconds{20}, done);
  }
  template <class List, class Message>
  void note(List& into, const Message& message) {
    const std::lock_guard lock{mutex};
    into.push_back(message);
    changed.notify_all();
  }
};

/// Untyped, so that a test may send as it what a real owner sends as requests.
inline caf::actor spawn_owner(caf::actor_system& system, owner_notes& into) {
  return system.spawn([&into](caf::event_based_actor*) -> caf::behavior {
    return {[&into](const messages::dimse_reported& message) { into.note(into.reports, message); },
            [&into](const messages::dimse_ended& message) { into.note(into.ends, message); },
            [&into](const messages::instances_arrived& message) { into.note(into.arrivals, message); },
            [](const messages::arrivals_expected&) {}};
  });
}

}  // namespace penstock::gateways::testing
