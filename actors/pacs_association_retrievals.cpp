// A retrieval: prepared, sent on order, watched while objects arrive, settled.

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "actors/dimse_jobs.hpp"
#include "actors/pacs_association_impl.hpp"
#include "actors/settle_policy.hpp"
#include "messages/actor_errors.hpp"
#include "messages/type_ids.hpp"
#include "storage/dimse_channel.hpp"

namespace penstock::actors {

using namespace messages;

namespace {

constexpr std::chrono::seconds local_patience{15};
constexpr std::chrono::minutes settle_patience{60};
/// Between "all is ready" and the order to send: what the queue, the governor and the journal need, amply.
constexpr std::int64_t prepared_patience_us = 30'000'000;
constexpr std::chrono::milliseconds look_every{250};  ///< also the pace of progress events
constexpr std::int64_t alive_every_us = 5'000'000;

}  // namespace

pacs_association::retrieval* pacs_association::find_retrieval(const retrieve_study& command, std::uint64_t& ticket) {
  for (auto& [number, running] : retrievals_)
    if (running.command.project == command.project && running.command.request == command.request &&
        running.command.permit == command.permit) {
      ticket = number;
      return &running;
    }
  return nullptr;
}

caf::result<retrieval_prepared> pacs_association::on_prepare(retrieve_study& command) {
  if (const auto at = pacs_to_call("prepare a retrieval"); !at) return to_caf(at.error());
  if (command.shard >= options_.shards.size())
    return to_caf({errc::internal, "prepare a retrieval: there is no such shard"});
  auto promise = self_->make_response_promise<retrieval_prepared>();
  const auto ticket = ++last_ticket_;
  auto& running = retrievals_[ticket];
  running.command = std::move(command);
  running.prepared = promise;
  self_
      ->request(options_.shards[running.command.shard], local_patience,
                reserve_pack{options_.pacs, running.command.study, running.command.patient, running.command.expected,
                             running.command.series})
      .then([this, ticket](const pack_reserved& place) { plan(ticket, place); },
            [this, ticket](const caf::error& problem) { let_go(ticket, from_caf(problem, "reserve a pack")); });
  return promise;
}

void pacs_association::plan(std::uint64_t ticket, const pack_reserved& place) {
  const auto found = retrievals_.find(ticket);
  if (found == retrievals_.end()) return;
  auto& running = found->second;
  const auto& command = running.command;
  const bool known = !command.expected.empty();
  if (known && place.lacking.empty()) {
    running.prepared->deliver(retrieval_prepared{command.permit, true});
    retrievals_.erase(found);
    return;
  }
  running.plan = plan_retrieval({command.expected, command.series_of}, place.lacking, command.series, command.finest);
  running.here_before = command.expected.size() - place.lacking.size();
  running.watch.expected = known ? running.plan.asked.size() : retrieval_watch::unknown;
  running.outcome.level = running.plan.level;
  running.outcome.asked = running.plan.asked.size();
  expect(ticket, place);
}

void pacs_association::expect(std::uint64_t ticket, const pack_reserved& place) {
  const auto found = retrievals_.find(ticket);
  const auto* at = pacs();
  if (!at) return let_go(ticket, {errc::not_found, "prepare a retrieval: the PACS is no longer in the rules"});
  const auto& command = found->second.command;
  expect_arrivals arrivals{options_.pacs,
                           ticket,
                           at->ae_title,
                           command.study,
                           command.patient,
                           place.directory,
                           place.stem,
                           options_.most_study_bytes,
                           options_.most_study_instances};
  self_->request(options_.listener, local_patience, std::move(arrivals))
      .then([this, ticket](const arrivals_expected&) { associate(ticket); },
            [this, ticket](const caf::error& problem) { let_go(ticket, from_caf(problem, "expect arrivals")); });
}

void pacs_association::associate(std::uint64_t ticket) {
  const auto found = retrievals_.find(ticket);
  const auto* at = pacs();
  if (found == retrievals_.end()) return stop_arriving(ticket);
  if (!at) return let_go(ticket, {errc::not_found, "prepare a retrieval: the PACS is no longer in the rules"});
  found->second.child_runs = true;
  auto& running = found->second;
  const auto job = move_job_for(*at, running.command.study, running.plan);
  running.by_get = job.get;
  tell_child_of(running, start_dimse{options_.pacs, ticket, storage::encode_dimse(job)});
}

void pacs_association::on_ready(std::uint64_t ticket) {
  const auto found = retrievals_.find(ticket);
  if (found == retrievals_.end() || !found->second.prepared) return;
  found->second.let_go_us = now_us() + prepared_patience_us;
  std::exchange(found->second.prepared, std::nullopt)->deliver(retrieval_prepared{found->second.command.permit});
}

/// The order to send. A second one for the same request takes the first one's place: the asker was restarted.
caf::result<study_settled> pacs_association::on_retrieve(const retrieve_study& command) {
  auto promise = self_->make_response_promise<study_settled>();
  std::uint64_t ticket = 0;
  auto* running = find_retrieval(command, ticket);
  const bool late = options_.clocks.boottime_ns() >= command.send_before_boottime_ns;
  if (!running || (!running->settled && (running->prepared || late))) {
    promise.deliver(never_sent(command, running ? "not sent in time" : "the association ended before the request"));
    if (running) let_go(ticket, {errc::conflict, "not sent in time"});
    return promise;
  }
  const bool sent_already = running->settled.has_value();
  running->settled = promise;
  if (sent_already) return promise;
  running->watch.last_sign_us = now_us();
  tell_child_of(*running,
                tell_dimse{options_.pacs, ticket, storage::encode_dimse(go{command.send_before_boottime_ns})});
  return promise;
}

/// A retrieval that was not ordered to be sent: nothing went to the PACS, and nothing will.
void pacs_association::let_go(std::uint64_t ticket, const failure& problem) {
  auto found = retrievals_.find(ticket);
  if (found == retrievals_.end()) return;
  if (found->second.prepared) found->second.prepared->deliver(to_caf(problem));
  if (found->second.child_runs) tell_child_of(found->second, stop_dimse{options_.pacs, ticket});
  retrievals_.erase(found);
  stop_arriving(ticket);
}

void pacs_association::stop_arriving(std::uint64_t ticket) {
  self_->request(options_.listener, local_patience, stop_arrivals{options_.pacs, ticket})
      .then([](const arrivals_stopped&) {}, [](const caf::error&) {});
}

void pacs_association::on_cancel(const cancel_retrieval& which) {
  static_cast<void>(stop_those("cancelled before it was sent", [&](const retrieve_study& one) {
    return one.project == which.project && one.request == which.request;
  }));
}

/// What is prepared and not sent is let go, so that nothing is sent after the answer.
retrievals_stopped pacs_association::on_stop(const stop_retrievals& order) {
  return {stop_those(order.why, [](const retrieve_study&) { return true; })};
}

/// How many of them had been sent.
std::uint64_t pacs_association::stop_those(const std::string& why,
                                           const std::function<bool(const retrieve_study&)>& which) {
  std::vector<std::uint64_t> unsent;
  std::uint64_t sent = 0;
  for (auto& [ticket, running] : retrievals_) {
    if (!which(running.command)) continue;
    running.outcome.cancelled = true;
    if (!running.settled) {
      unsent.push_back(ticket);
      continue;
    }
    ++sent;
    running.stopped_because = why;
    if (running.child_runs) tell_child_of(running, stop_dimse{options_.pacs, ticket});
  }
  for (const auto ticket : unsent) let_go(ticket, {errc::conflict, why});
  return sent;
}

void pacs_association::on_move_sign(std::uint64_t ticket) {
  auto found = retrievals_.find(ticket);
  if (found == retrievals_.end()) return;
  found->second.outcome.sent = true;
  found->second.watch.last_sign_us = now_us();
}

void pacs_association::on_move_done(const dimse_reported& report) {
  auto found = retrievals_.find(report.ticket);
  auto done = storage::decode_dimse<move_done>(report.message);
  if (found == retrievals_.end() || !done) return;
  saw(done->outcome, done->problem);
  auto& running = found->second;
  if (!running.settled)
    return let_go(report.ticket, {errc::pacs_unavailable, "associate with " + options_.pacs + ": " + done->problem});
  running.outcome.sent = done->sent;
  running.outcome.dimse_status = done->dimse_status;
  running.outcome.problem = done->problem;
  move_is_over(report.ticket, running, done->outcome != peer_outcome::answered || done->dimse_status != 0);
}

void pacs_association::move_is_over(std::uint64_t ticket, retrieval& running, bool failed) {
  running.watch.move_over = true;
  running.watch.failed = failed || running.outcome.cancelled;
  running.watch.last_sign_us = now_us();
  look(ticket, running);
}

void pacs_association::on_arrivals(const instances_arrived& seen) {
  auto found = retrievals_.find(seen.ticket);
  if (found == retrievals_.end()) return;
  auto& watch = found->second.watch;
  watch.arrived += seen.instances;
  watch.bytes += seen.bytes;
  watch.refused += seen.refused;
  watch.open_associations = seen.open_associations;
  watch.last_sign_us = watch.last_arrival_us = now_us();
  found->second.changed = true;
  if (watch.move_over) look(seen.ticket, found->second);
}

void pacs_association::on_tick() {
  self_->delayed_send(handle{self_}, look_every, tick{});
  const auto now = now_us();
  std::vector<std::uint64_t> forgotten;
  for (auto& [ticket, running] : retrievals_) {
    if (!running.settled) {
      if (running.let_go_us != 0 && now >= running.let_go_us) forgotten.push_back(ticket);
      continue;
    }
    look(ticket, running);
    if (running.changed) say_progress(running);
    if (running.child_runs && running.watch.arrived != running.told_child) {
      running.told_child = running.watch.arrived;
      tell_child_of(running,
                    tell_dimse{options_.pacs, ticket, storage::encode_dimse(still_arriving{running.watch.arrived})});
    }
    if (now - running.alive_said_us < alive_every_us) continue;
    running.alive_said_us = now;
    self_->send(options_.governor, retrieval_alive{running.command.permit});
  }
  for (const auto ticket : forgotten) let_go(ticket, {errc::conflict, "nobody ordered it to be sent"});
}

void pacs_association::look(std::uint64_t ticket, retrieval& running) {
  const auto* at = pacs();
  const auto quiet_us = at ? std::chrono::microseconds{at->lease_quiet}.count() : retrieval_watch::after_failure_us;
  if (running.child_runs && !running.ending && running.watch.has_enough(now_us(), quiet_us)) {
    running.ending = true;
    tell_child_of(running, stop_dimse{options_.pacs, ticket});
  }
  if (running.stopping || !running.watch.is_over(now_us(), quiet_us)) return;
  running.stopping = true;
  self_->request(options_.listener, local_patience, stop_arrivals{options_.pacs, ticket})
      .then([this, ticket](const arrivals_stopped& stopped) { settle(ticket, stopped.parts); },
            [this, ticket](const caf::error& problem) {
              spdlog::error("pacs {}: {}", options_.pacs, from_caf(problem, "stop arrivals").text());
              settle(ticket, {});
            });
}

/// The shard answers whoever asked for the retrieval.
void pacs_association::settle(std::uint64_t ticket, const std::vector<std::string>& parts) {
  auto found = retrievals_.find(ticket);
  if (found == retrievals_.end()) return;
  auto running = std::move(found->second);
  retrievals_.erase(found);
  auto& command = running.command;
  running.outcome.refused += running.watch.refused;
  if (!running.stopped_because.empty()) running.outcome.problem = running.stopped_because;
  say_progress(running);
  settle_study order{command.project,
                     command.request,
                     command.permit,
                     options_.pacs,
                     command.study,
                     parts,
                     std::move(command.expected),
                     false,
                     running.outcome};
  order.takes_unlisted = running.plan.level == retrieve_level::study && command.series.empty();
  auto promise = *running.settled;
  self_->request(options_.shards[command.shard], settle_patience, std::move(order))
      .then(
          [promise, asked = std::move(running.plan.asked)](study_settled& settled) mutable {
            settled.outcome.asked_missing = compare(settled.missing, asked).present.size();
            promise.deliver(std::move(settled));
          },
          [promise](const caf::error& problem) mutable { promise.deliver(problem); });
}

void pacs_association::say_progress(retrieval& running) {
  running.changed = false;
  const auto& command = running.command;
  const nlohmann::json event{{"kind", "progress"},
                             {"project", command.project},
                             {"request", std::to_string(command.request)},
                             {"state", "processing"},
                             {"counts",
                              {{"expected", command.expected.size()},
                               {"received", running.here_before + running.watch.arrived},
                               {"failed", running.watch.refused}}},
                             {"bytes", running.watch.bytes}};
  self_->send(options_.sink, transient_event{"p/" + command.project + "/progress", event.dump()});
}

}  // namespace penstock::actors
