#pragma once
// Whoever answers listings and hears events, of a few lines.

#include <memory>
#include <vector>

#include "messages/actor_errors.hpp"
#include "messages/interfaces.hpp"
#include "messages/type_ids.hpp"

namespace penstock::tests {

using namespace messages;

inline caf::error unasked() { return to_caf({errc::internal, "not asked in this test"}); }

inline list_reader_actor::behavior_type mock_reader(list_reader_actor::pointer) {
  return {[](const read_requests& question) {
            return answered{question.outlook.empty() ? "" : question.outlook.front().reason};
          },
          [](const read_request& question) { return answered{question.project}; },
          [](const read_holdings&) -> caf::result<answered> { return unasked(); },
          [](const read_facets&) -> caf::result<answered> { return unasked(); },
          [](const read_journal&) -> caf::result<answered> { return unasked(); },
          [](const prove_entry&) -> caf::result<answered> { return unasked(); },
          [](const sign_checkpoint&) -> caf::result<answered> { return unasked(); }};
}

struct sink_log {
  std::vector<topic_entry> events;
  std::vector<transient_event> transient;
  std::size_t published = 0;
};

inline event_sink_actor::behavior_type mock_sink(event_sink_actor::pointer, std::shared_ptr<sink_log> log) {
  return {[=](const events_committed& committed) {
            log->events.insert(log->events.end(), committed.events.begin(), committed.events.end());
          },
          [=](const transient_event& event) { log->transient.push_back(event); },
          [=](const rules_published&) { ++log->published; }};
}

}  // namespace penstock::tests
