#include "actors/audit_journal.hpp"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "messages/type_ids.hpp"
#include "messages/actor_errors.hpp"
#include "storage/audit_events.hpp"
#include "storage/journal_log.hpp"

namespace penstock::actors {
namespace {

using namespace messages;

constexpr std::int64_t operations_kept_us = std::int64_t{26} * 3600 * 1'000'000;
constexpr std::size_t operations_looked_at = 1000;  ///< at each tick
constexpr std::size_t most_appends_in_a_group = 512;

class audit_journal {
 public:
  using handle = audit_journal_actor;
  static constexpr const char* name = "audit_journal";

  audit_journal(handle::pointer self, audit_journal_options options) : self_(self), options_(std::move(options)) {
    auto opened = storage::journal_log::open(options_.core);
    if (opened)
      log_ = std::make_unique<storage::journal_log>(std::move(*opened));
    else
      fail(opened.error());
  }

  /// What was acknowledged since the last tick is behind the fence too when the server stops.
  ~audit_journal() {
    if (!log_) return;
    if (auto written = fence(); !written) spdlog::warn("the fence of the journal: {}", written.error().text());
  }

  handle::behavior_type make_behavior() {
    self_->delayed_send(handle{self_}, options_.fence_every, tick{});
    return {
        [this](append_entries& append) { return on_append(append); },
        [this](const enrol_writer& writer) { return on_enrol(writer); },
        [this](const follow_events&) { on_follow(); },
        [this](const describe_actor&) { return on_describe(); },
        [this](const commit_group&) { on_commit(); },
        [this](const tick&) { on_tick(); },
    };
  }

 private:
  caf::result<entries_committed> on_append(append_entries& append) {
    auto promise = self_->make_response_promise<entries_committed>();
    // The commit queues up behind everybody who is already waiting, so that they share its sync.
    if (group_.empty()) self_->send(handle{self_}, commit_group{});
    group_.push_back(std::move(append));
    promises_.push_back(promise);
    if (group_.size() >= most_appends_in_a_group) on_commit();
    return promise;
  }

  void on_commit() {
    if (group_.empty() || !log_) return;
    const auto group = std::exchange(group_, {});
    auto promises = std::exchange(promises_, {});
    auto committed = log_->append(group);
    if (!committed) return fail(committed.error());
    for (std::size_t i = 0; i < promises.size(); ++i) {
      auto& outcome = committed->outcomes[i];
      if (outcome)
        promises[i].deliver(*outcome);
      else
        promises[i].deliver(to_caf(outcome.error()));
    }
    add_audit_events(group, *committed);
    if (committed->events.empty()) return;
    for (const auto& sink : sinks_) self_->send(sink, events_committed{committed->events});
  }

  /// Every entry is an event, too.
  void add_audit_events(const std::vector<append_entries>& group, storage::group_committed& committed) const {
    const auto at_us = log_->checkpoint().at_us;
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (!committed.outcomes[i]) continue;
      auto sequence = committed.outcomes[i]->first_sequence;
      for (const auto& entry : group[i].entries)
        committed.events.push_back(storage::audit_event(entry, sequence++, at_us));
    }
  }

  caf::result<writer_enrolled> on_enrol(const enrol_writer& writer) {
    on_commit();
    if (!log_) return to_caf({errc::internal, "enrol: the journal has failed"});
    auto generation = log_->enrol(writer.writer);
    if (generation) return writer_enrolled{*generation};
    fail(generation.error());
    return to_caf(generation.error());
  }

  void on_follow() {
    if (auto who = caf::actor_cast<event_sink_actor>(self_->current_sender())) sinks_.push_back(who);
  }

  caf::result<answered> on_describe() {
    if (!log_) return to_caf({errc::internal, "the journal has failed"});
    const auto reached = log_->checkpoint();
    return answered{nlohmann::json{{"actor", name}, {"state", "running"}, {"entries", reached.size}}.dump()};
  }

  void on_tick() {
    if (!log_) return;
    self_->delayed_send(handle{self_}, options_.fence_every, tick{});
    if (auto written = fence(); !written) return fail(written.error());
    auto forgotten = log_->forget_operations(log_->checkpoint().at_us - operations_kept_us, operations_looked_at);
    if (!forgotten) fail(forgotten.error());
  }

  result<void> fence() {
    const auto reached = log_->checkpoint();
    if (reached.size == fenced_size_) return {};
    if (auto written = storage::write_fence(options_.fence, reached); !written) return written;
    fenced_size_ = reached.size;
    return {};
  }

  /// Fail stop: what is on the disk is known only after a restart, so from here on nobody gets an answer.
  void fail(const failure& problem) {
    log_.reset();
    if (options_.on_failure) options_.on_failure(problem);
  }

  handle::pointer self_;
  audit_journal_options options_;
  std::unique_ptr<storage::journal_log> log_;
  std::vector<append_entries> group_;
  std::vector<caf::typed_response_promise<entries_committed>> promises_;
  std::vector<event_sink_actor> sinks_;
  std::uint64_t fenced_size_ = 0;
};

}  // namespace

audit_journal_actor start_audit_journal(caf::actor_system& system, audit_journal_options options, hosting where) {
  if (where == hosting::detached)
    return system.spawn<hosted<audit_journal>, caf::detached>(std::move(options));
  return system.spawn<hosted<audit_journal>>(std::move(options));
}

}  // namespace penstock::actors
