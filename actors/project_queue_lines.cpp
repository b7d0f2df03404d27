// What members do to requests that they have: cancel, prioritise, retry, clear away. Each request of a command gets an
// outcome of its own, and what changes is one append.

#include <nlohmann/json.hpp>
#include <utility>

#include "actors/project_queue_impl.hpp"
#include "actors/queue_entries.hpp"
#include "actors/request_machine.hpp"
#include "messages/type_ids.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"

namespace penstock::actors {

using namespace messages;
namespace keys = storage::keys;
using nlohmann::json;

namespace {

json row_json(std::uint64_t number, std::string_view outcome, const std::string& message = "") {
  return {{"request", std::to_string(number)}, {"outcome", outcome}, {"message", message}};
}

std::string is_already(const request_row& row) { return "it is " + std::string{name_of(row.state)} + " already"; }

constexpr const char* by_the_server = "";  ///< nobody's command
constexpr const char* cache_lost = "cache_lost";
constexpr const char* just_changing = "its state is just changing; ask again in a moment";

}  // namespace

/// What a command does to one request: a refusal in words, or the changed row and its entry.
struct project_queue::request_change {
  std::string refused;  ///< when not empty, nothing else counts
  std::string outcome;
  request_row row;
  journal_entry entry;
};

/// `change` gets a copy of each row; `then` runs for each changed one when all are committed.
caf::result<answered> project_queue::change_each(
    const caller& who, const std::vector<std::uint64_t>& requests,
    const std::function<request_change(const request_row&)>& change,
    std::function<void(const request_row& before, const request_row& after)> then) {
  if (auto again = answered_before(who)) return std::move(*again);
  std::vector<journal_entry> entries;
  std::vector<std::pair<request_row, request_row>> changed;
  auto outcomes = json::array();
  for (const auto number : requests) {
    auto found = ledger_.find(number);
    if (!found) return to_caf(found.error());
    if (!*found) {
      outcomes.push_back(row_json(number, "not_found", "no such request in this project"));
      continue;
    }
    if (changing_.contains(number)) {
      outcomes.push_back(row_json(number, "conflict", just_changing));
      continue;
    }
    auto made = change(**found);
    if (!made.refused.empty()) {
      outcomes.push_back(row_json(number, "conflict", made.refused));
      continue;
    }
    outcomes.push_back(row_json(number, made.outcome));
    changing_.insert(number);
    entries.push_back(std::move(made.entry));
    changed.emplace_back(std::move(**found), std::move(made.row));
  }
  if (!entries.empty()) entries.back().rows.push_back(ledger_.counters_row());
  return commit_command(who, std::move(entries), json{{"rows", outcomes}}.dump(),
                        [this, changed = std::move(changed), then = std::move(then)] {
                          for (const auto& [before, after] : changed) {
                            changing_.erase(before.number);
                            then(before, after);
                          }
                          pump_all();
                        });
}

caf::result<answered> project_queue::on_cancel(cancel_requests& command) {
  const auto why = "cancelled by " + command.who.user;
  return change_each(
      command.who, command.requests,
      [&](const request_row& before) -> request_change {
        if (is_terminal(before.state)) return {is_already(before), {}, {}, {}};
        // Tightening acts first and is recorded at once after.
        if (before.state == request_state::processing || ledger_.is_busy(before.number))
          tell_association(before.pacs, cancel_retrieval{options_.project, before.number});
        auto row = before;
        if (before.state == request_state::scheduled && before.reason == waiting_reason::following) {
          const auto stopped = "followed until stopped by " + command.who.user;
          advance(row, request_state::completed, options_.clocks.utc_us(), stopped);
          return {{}, "completed", row, request_entry("request.completed", command.who.user, row, stopped)};
        }
        advance(row, request_state::cancelled, options_.clocks.utc_us(), why);
        auto entry = request_entry("request.cancelled", command.who.user, row, why);
        return {{}, "cancelled", std::move(row), std::move(entry)};
      },
      [this](const request_row& before, const request_row& after) {
        ledger_.committed(after, before.state == request_state::scheduled, options_.clocks.utc_us());
      });
}

caf::result<answered> project_queue::on_prioritise(prioritise_requests& command) {
  const auto what = std::string{name_of(command.priority)} + " priority, by " + command.who.user;
  return change_each(
      command.who, command.requests,
      [&](const request_row& before) -> request_change {
        if (before.state != request_state::scheduled) return {is_already(before), {}, {}, {}};
        if (ledger_.is_busy(before.number)) return {"it is just being prepared; ask again in a moment", {}, {}, {}};
        if (before.priority == command.priority)
          return {"it has " + std::string{name_of(before.priority)} + " priority already", {}, {}, {}};
        auto row = before;
        row.priority = command.priority;
        ledger_.take_turn(row);
        row.history.push_back({row.state, options_.clocks.utc_us(), what});
        auto entry = request_entry("request.prioritised", command.who.user, row, what);
        entry.rows.push_back(storage::erase_row(
            keys::waiting(before.project, before.pacs, before.priority, before.turn, before.number)));
        return {{}, "prioritised", std::move(row), std::move(entry)};
      },
      [this](const request_row& before, const request_row& after) {
        ledger_.moved(before, after, options_.clocks.utc_us());
      });
}

/// One that waits for its next try has it now; it keeps what it knows of the study.
project_queue::request_change project_queue::try_now(const request_row& before, const std::string& why) {
  auto row = before;
  row.not_before_us = 0;
  row.history.push_back({row.state, options_.clocks.utc_us(), why});
  auto entry = request_entry("request.retried", row.user, row, why);
  return {{}, "scheduled", std::move(row), std::move(entry)};
}

/// What the study holds is listed anew, since the PACS may have gained or lost something.
caf::result<answered> project_queue::on_retry(retry_requests& command) {
  if (auto no = refusal(command.who.user)) return to_caf(*no);
  const auto why = "retried by " + command.who.user;
  std::set<std::string> in_this_call;
  return change_each(
      command.who, command.requests,
      [&](const request_row& before) -> request_change {
        const bool waits = before.state == request_state::scheduled &&
                           (before.reason == waiting_reason::retry_later || before.reason == waiting_reason::following);
        if (!is_terminal(before.state) && !waits) return {is_already(before), {}, {}, {}};
        if (ledger_.is_busy(before.number)) return {"it is just being prepared; ask again in a moment", {}, {}, {}};
        if (auto no = forbidden(before)) return {*no, {}, {}, {}};
        if (waits) return try_now(before, why);
        auto open = ledger_.open_request(before.pacs, before.study);
        if (!open) return {open.error().text(), {}, {}, {}};
        if (*open || !in_this_call.insert(before.pacs + "/" + before.study.reveal()).second)
          return {"another request for the same study is in line already", {}, {}, {}};
        auto row = before;
        row.attempts = 0;
        row.offline_tries = 0;
        row.gained_us = 0;
        row.finest = retrieve_level::instance;
        row.enumerated = false;
        row.ended_us = 0;
        row.error.clear();
        advance(row, request_state::scheduled, options_.clocks.utc_us(), why);
        row.reason = row.identity_verified ? waiting_reason::not_enumerated : waiting_reason::identity_unverified;
        ledger_.take_turn(row);
        auto entry = request_entry("request.retried", command.who.user, row, why);
        entry.rows.push_back({keys::request_for(row.project, row.pacs, row.study), std::to_string(row.number), false});
        return {{}, "scheduled", std::move(row), std::move(entry)};
      },
      [this](const request_row& before, const request_row& after) {
        if (before.state == request_state::scheduled) return ledger_.moved(before, after, options_.clocks.utc_us());
        ledger_.committed(after, false, options_.clocks.utc_us());
      });
}

caf::result<answered> project_queue::on_delete_requests(delete_requests& command) {
  return change_each(
      command.who, command.requests,
      [&](const request_row& before) -> request_change {
        if (!is_terminal(before.state))
          return {"it is " + std::string{name_of(before.state)} + "; cancel it first", {}, {}, {}};
        auto entry = request_entry("request.deleted", command.who.user, before, "cleared by " + command.who.user);
        entry.rows.clear();
        entry.rows.push_back(storage::erase_row(keys::request(before.project, before.number)));
        entry.rows.push_back(storage::erase_row(keys::expected(before.project, before.number)));
        entry.rows.push_back(storage::erase_row(keys::missing(before.project, before.number)));
        return {{}, "deleted", before, std::move(entry)};
      },
      [](const request_row&, const request_row&) {});
}

/// What can still be read stays in the cache until nobody claims it, so that a retry asks only for what is missing.
void project_queue::on_damaged(const holding_damaged& lost) {
  const auto key = keys::holding(options_.project, lost.pacs, lost.study);
  auto held = ledger_.holding(lost.pacs, lost.study);
  if (!held) return give_up(held.error());
  if (!*held || (**held).version != lost.version || deleting_.contains(key)) return;
  // A newer version may be on its way to the disk, behind which this one must not be ended; the next check sees it.
  const auto newest = newest_request(lost.pacs, lost.study);
  if (changing_.contains(newest) || ledger_.is_busy(newest)) return;
  const auto why = std::string{cache_lost} + ": " + std::to_string(lost.missing) + " of " +
                   std::to_string((**held).instances) + " instances are damaged or gone; a retry fetches them again";
  std::vector<journal_entry> entries;
  auto row = ledger_.find(newest);
  if (!row) return give_up(row.error());
  const bool fails = *row && ((**row).state == request_state::completed || (**row).state == request_state::incomplete);
  if (fails) {
    changing_.insert(newest);
    (**row).error = why;
    advance(**row, request_state::failed, options_.clocks.utc_us(), why);
    entries.push_back(request_entry("request.failed", by_the_server, **row, why));
  }
  const auto changed = [this, newest, fails] {
    if (fails) changing_.erase(newest);
  };
  if (!lost.given_up) return keep_claim(std::move(**held), std::move(entries), changed);
  entries.push_back(holding_deleted("holding.lost", by_the_server, **held));
  deleting_.insert(key);
  pen_.append(
      std::move(entries), {}, {},
      [this, key, gone = **held, changed](const entries_committed&) {
        changed();
        deleting_.erase(key);
        ledger_.holding_changed(&gone, nullptr);
        if (is_suspended(gone)) suspended_.leave(gone.bytes);
      },
      [this](const failure& problem) { give_up(problem); });
}

/// What is gone may return: until then a request for the study is not answered with what is held.
void project_queue::keep_claim(holding_row held, std::vector<journal_entry> entries, std::function<void()> then) {
  if (std::exchange(held.complete, false)) entries.push_back(holding_marked("holding.damaged", by_the_server, held));
  if (entries.empty()) return;
  pen_.append(
      std::move(entries), {}, {}, [then = std::move(then)](const entries_committed&) { then(); },
      [this](const failure& problem) { give_up(problem); });
}

/// For the study; 0: there is none.
std::uint64_t project_queue::newest_request(const std::string& pacs, const dicom_uid& study) const {
  auto number = options_.core->get(storage::column::rows, keys::request_for(options_.project, pacs, study));
  return number && *number ? std::strtoull((**number).c_str(), nullptr, 10) : 0;
}

}  // namespace penstock::actors
