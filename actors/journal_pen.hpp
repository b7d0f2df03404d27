#pragma once
// How an actor writes to the journal: it enrols once, before it loads its rows, and then appends under its generation.

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "messages/actor_errors.hpp"
#include "messages/interfaces.hpp"

namespace penstock::actors {

/// A journal that needs longer has a disk that hangs; the asker then fails and is restarted.
inline constexpr std::chrono::seconds journal_patience{30};

/// `Self` is the pointer of the typed actor that owns the pen; handlers run in that actor.
template <class Self>
class journal_pen {
 public:
  journal_pen(Self self, messages::audit_journal_actor journal, std::string writer)
      : self_(self), journal_(std::move(journal)), writer_(std::move(writer)) {}

  /// Nothing else is handled until `ready` has run: whatever a predecessor had sent is committed or refused by then.
  template <class Ready>
  void enrol(Ready ready) {
    self_->request(journal_, journal_patience, messages::enrol_writer{writer_})
        .await(
            [this, ready = std::move(ready)](const messages::writer_enrolled& enrolled) mutable {
              generation_ = enrolled.generation;
              ready();
            },
            [this](const caf::error& problem) { self_->quit(problem); });
  }

  /// `done(entries_committed)` or `failed(failure)` runs later in the actor.
  template <class Done, class Failed>
  void append(std::vector<messages::journal_entry> entries, std::string op_key, std::string op_answer, Done done,
              Failed failed) {
    messages::append_entries append{writer_, generation_, std::move(entries), std::move(op_key), std::move(op_answer)};
    self_->request(journal_, journal_patience, std::move(append))
        .then([done = std::move(done)](const messages::entries_committed& committed) mutable { done(committed); },
              [failed = std::move(failed)](const caf::error& problem) mutable {
                failed(messages::from_caf(problem, "write the journal"));
              });
  }

  template <class Done, class Failed>
  void append(messages::journal_entry entry, Done done, Failed failed) {
    std::vector<messages::journal_entry> entries;
    entries.push_back(std::move(entry));
    append(std::move(entries), {}, {}, std::move(done), std::move(failed));
  }

 private:
  Self self_;
  messages::audit_journal_actor journal_;
  std::string writer_;
  std::uint64_t generation_ = 0;
};

}  // namespace penstock::actors
