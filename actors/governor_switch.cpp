// The switch that stops everything at a PACS: by an administrator, or by a file that an operator makes. What stops acts
// first and is recorded at once after; what lets go again is recorded first.

#include <filesystem>
#include <utility>

#include "actors/governor_clock_impl.hpp"
#include "actors/json_text.hpp"
#include "messages/actor_errors.hpp"
#include "messages/type_ids.hpp"
#include "storage/journal_reader.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"

namespace penstock::actors {

using namespace messages;
namespace keys = storage::keys;

namespace {

/// An association that does not say in time how much it has stopped is stopping all the same.
constexpr std::chrono::milliseconds stop_patience{800};

}  // namespace

caf::result<answered> governor_clock::on_pause(const pause_starts& order) {
  if (auto again = answered_before(order.who)) return std::move(*again);
  auto promise = self_->make_response_promise<answered>();
  pause({order.reason, order.who.user, options_.clocks.utc_us()}, order.who,
        [promise](result<std::string> answer) mutable {
          answer ? promise.deliver(answered{std::move(*answer)}) : promise.deliver(to_caf(answer.error()));
        });
  return promise;
}

caf::result<answered> governor_clock::on_resume(const resume_starts& order) {
  if (auto again = answered_before(order.who)) return std::move(*again);
  if (pause_file_exists()) {
    switching_.erase(operation_key(order.who));
    return to_caf(
        {errc::conflict, "resume: the pause file " + options_.pause_file.string() + " still exists; remove it first"});
  }
  auto promise = self_->make_response_promise<answered>();
  auto entry = switch_entry("governor.resumed", order.who.user, order.reason);
  entry.rows.push_back(storage::erase_row(keys::pause(options_.pacs)));
  append_switch(std::move(entry), order.who, nlohmann::json{{"stopped", 0}}.dump(),
                [this, promise, seen = pauses_](result<std::string> answer) mutable {
                  // Whoever has paused it meanwhile wants it paused.
                  if (answer && seen == pauses_) resume();
                  answer ? promise.deliver(answered{std::move(*answer)}) : promise.deliver(to_caf(answer.error()));
                });
  return promise;
}

void governor_clock::pause(pause_row why, const caller& who, answer_handler done) {
  ++pauses_;
  paused_ = std::move(why);
  policy_.pause(pause_text());
  forecasts_.clear();
  evaluate();
  stop_what_runs(pause_text(),
                 [this, who, done = std::move(done)](std::uint64_t stopped) { record_pause(who, stopped, done); });
}

void governor_clock::resume() {
  paused_.reset();
  policy_.resume();
  static_cast<void>(breaker_.resume());
  forecasts_.clear();
  evaluate();
}

void governor_clock::stop_what_runs(const std::string& why, std::function<void(std::uint64_t)> done) {
  const auto whom = association();
  if (!whom) return done(0);
  self_->request(whom, stop_patience, stop_retrievals{why})
      .then([done](const retrievals_stopped& stopped) { done(stopped.retrievals); },
            [this, done](const caf::error&) { done(policy_.in_flight()); });
}

void governor_clock::record_pause(const caller& who, std::uint64_t stopped, const answer_handler& done) {
  const nlohmann::json answer{{"stopped", stopped}};
  if (!paused_) {
    switching_.erase(operation_key(who));
    return done(answer.dump());
  }
  auto entry = switch_entry("governor.paused", paused_->user, paused_->reason);
  entry.rows.push_back(storage::put_row(keys::pause(options_.pacs), *paused_));
  append_switch(std::move(entry), who, answer.dump(), done);
}

void governor_clock::append_switch(journal_entry entry, const caller& who, std::string answer, answer_handler done) {
  std::vector<journal_entry> entries;
  entries.push_back(std::move(entry));
  pen_.append(
      std::move(entries), operation_key(who), answer,
      [this, answer, done, key = operation_key(who)](const entries_committed&) {
        switching_.erase(key);
        done(answer);
      },
      [this, done](const failure& problem) {
        done(problem);
        self_->quit(to_caf(problem));
      });
}

journal_entry governor_clock::switch_entry(const std::string& kind, const std::string& user,
                                           const std::string& reason) const {
  journal_entry entry;
  entry.kind = kind;
  entry.user = user;
  entry.pacs = options_.pacs;
  entry.details = dumped({{"reason", reason}});
  const nlohmann::json event{{"kind", kind}, {"pacs", options_.pacs}, {"user", user}, {"reason", reason}};
  entry.events.push_back({"governor", dumped(event)});
  return entry;
}

std::string governor_clock::pause_text() const {
  if (paused_->user == name) return "paused until an administrator resumes it: " + paused_->reason;
  return "paused by " + (paused_->user.empty() ? "the pause file" : paused_->user) + ": " + paused_->reason;
}

std::string governor_clock::operation_key(const caller& who) const {
  return who.op.empty() ? "" : keys::operation("pacs:" + options_.pacs, who.user, who.op);
}

std::optional<caf::result<answered>> governor_clock::answered_before(const caller& who) {
  if (who.op.empty()) return std::nullopt;
  if (switching_.contains(operation_key(who))) return to_caf({errc::conflict, "it is just being done; ask again"});
  auto before = storage::read_operation(*options_.core, operation_key(who));
  if (!before) return to_caf(before.error());
  if (*before) return answered{(*before)->answer};
  switching_.insert(operation_key(who));
  return std::nullopt;
}

bool governor_clock::pause_file_exists() const {
  std::error_code ignored;
  return !options_.pause_file.empty() && std::filesystem::exists(options_.pause_file, ignored);
}

void governor_clock::look_for_pause_file(const instant& now) {
  if (paused_ || !pause_file_exists()) return;
  pause({"the file " + options_.pause_file.filename().string() + " exists", "", now.wall_us}, {},
        [](const result<std::string>&) {});
}

}  // namespace penstock::actors
