#include "actors/pacs_association.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "actors/dimse_jobs.hpp"
#include "actors/query_children.hpp"
#include "actors/retrieval_watch.hpp"
#include "conf/rules_queries.hpp"
#include "messages/actor_errors.hpp"
#include "messages/type_ids.hpp"
#include "storage/dimse_channel.hpp"

namespace penstock::actors {
namespace {

using namespace messages;
using std::chrono::milliseconds;

constexpr std::chrono::seconds local_patience{15};
constexpr std::chrono::minutes settle_patience{60};
/// Between "all is ready" and the order to send: what the queue, the governor and the journal need, amply.
constexpr std::int64_t prepared_patience_us = 30'000'000;
constexpr milliseconds look_every{250};  ///< also the pace of progress events
constexpr std::int64_t alive_every_us = 5'000'000;

class pacs_association {
 public:
  using handle = pacs_association_actor;
  static constexpr const char* name = "pacs_association";

  pacs_association(handle::pointer self, pacs_association_options options)
      : self_(self),
        options_(std::move(options)),
        queries_(options_.pacs, [this](const find_job& job) { return start_query(job); }) {
    take_current_rules(options_);
  }

  /// Whoever waits is told now and need not wait for its own, long deadline.
  ~pacs_association() {
    const caf::error gone = caf::sec::request_receiver_down;
    for (auto& [ticket, running] : retrievals_) {
      if (running.prepared) running.prepared->deliver(gone);
      if (running.settled) running.settled->deliver(gone);
    }
    for (auto& [ticket, promise] : echoes_) promise.deliver(gone);
    queries_.fail_all({errc::internal, "query " + options_.pacs + ": the part that does this is restarting"});
  }

  handle::behavior_type make_behavior() {
    self_->send(options_.port, disown_dimse{options_.pacs});
    self_->send(options_.listener, disown_dimse{options_.pacs});
    self_->delayed_send(handle{self_}, look_every, tick{});
    return {
        [this](const run_query& query) { return on_query(query); },
        [this](const list_series& what) { return on_list_series(what); },
        [this](const list_images& what) { return on_list_images(what); },
        [this](prepare_retrieval& order) { return on_prepare(order.what); },
        [this](const retrieve_study& command) { return on_retrieve(command); },
        [this](const cancel_retrieval& which) { on_cancel(which); },
        [this](const stop_retrievals& order) { return on_stop(order); },
        [this](const echo_pacs&) { return on_echo(); },
        [this](const dimse_reported& report) { on_report(report); },
        [this](const dimse_ended& end) { on_end(end); },
        [this](const instances_arrived& seen) { on_arrivals(seen); },
        [this](const rules_published& published) { options_.rules = published.rules; },
        [this](const describe_actor&) { return on_describe(); },
        [this](const tick&) { on_tick(); },
    };
  }

 private:
  struct retrieval {
    retrieve_study command;
    std::optional<caf::typed_response_promise<retrieval_prepared>> prepared;  ///< until all is ready
    std::optional<caf::typed_response_promise<study_settled>> settled;        ///< since the order to send
    std::int64_t let_go_us = 0;                                               ///< without an order to send by then
    retrieval_watch watch;
    retrieval_outcome outcome;
    bool child_runs = false;
    bool stopping = false;
    bool changed = false;  ///< since the last progress event
    std::int64_t alive_said_us = 0;
    std::uint64_t told_child = 0;
    std::string stopped_because;
  };

  [[nodiscard]] const conf::pacs* pacs() const { return conf::find_pacs(*options_.rules, options_.pacs); }
  [[nodiscard]] std::int64_t now_us() const { return options_.clocks.boottime_ns() / 1000; }

  // ---- queries ----

  void ask(std::vector<find_query> queries, query_children::asker who) {
    const auto* at = pacs();
    if (!at) return who(fail(errc::not_found, "query: the PACS is no longer in the rules"));
    queries_.ask(find_job_for(*at, std::move(queries)), std::move(who));
  }

  std::uint64_t start_query(const find_job& job) {
    const auto ticket = ++last_ticket_;
    self_->send(options_.port, start_dimse{options_.pacs, ticket, storage::encode_dimse(job)});
    return ticket;
  }

  caf::result<query_answered> on_query(const run_query& query) {
    auto promise = self_->make_response_promise<query_answered>();
    ask({{query.level, query.keys, query.wanted, query.most_rows}},
        [promise](result<std::vector<query_answered>> answers) mutable {
          if (answers)
            promise.deliver(std::move(answers->front()));
          else
            promise.deliver(to_caf(answers.error()));
        });
    return promise;
  }

  caf::result<series_listed> on_list_series(const list_series& what) {
    auto promise = self_->make_response_promise<series_listed>();
    ask({series_query(what.study)}, [promise, what](result<std::vector<query_answered>> answers) mutable {
      if (answers)
        promise.deliver(series_of(answers->front(), what));
      else
        promise.deliver(to_caf(answers.error()));
    });
    return promise;
  }

  caf::result<images_listed> on_list_images(const list_images& what) {
    if (what.series.empty() || what.series.size() > most_dimse_queries)
      return to_caf({errc::too_large, "list images: none or too many series in one question"});
    std::vector<find_query> queries;
    for (const auto& uid : what.series) queries.push_back(image_query(what.study, uid));
    auto promise = self_->make_response_promise<images_listed>();
    ask(std::move(queries), [promise](result<std::vector<query_answered>> answers) mutable {
      images_listed found;
      if (answers)
        for (const auto& answer : *answers) add_instances(answer, found);
      if (answers)
        promise.deliver(std::move(found));
      else
        promise.deliver(to_caf(answers.error()));
    });
    return promise;
  }

  caf::result<echo_answered> on_echo() {
    const auto* at = pacs();
    if (!at) return to_caf({errc::not_found, "echo: the PACS is no longer in the rules"});
    auto promise = self_->make_response_promise<echo_answered>();
    const auto ticket = ++last_ticket_;
    echoes_.emplace(ticket, promise);
    self_->send(options_.port, start_dimse{options_.pacs, ticket, storage::encode_dimse(echo_job{peer_of(*at)})});
    return promise;
  }

  // ---- retrievals ----

  retrieval* find_retrieval(const retrieve_study& command, std::uint64_t& ticket) {
    for (auto& [number, running] : retrievals_)
      if (running.command.project == command.project && running.command.request == command.request &&
          running.command.permit == command.permit) {
        ticket = number;
        return &running;
      }
    return nullptr;
  }

  caf::result<retrieval_prepared> on_prepare(retrieve_study& command) {
    if (!pacs()) return to_caf({errc::not_found, "prepare a retrieval: the PACS is no longer in the rules"});
    if (command.shard >= options_.shards.size())
      return to_caf({errc::internal, "prepare a retrieval: there is no such shard"});
    auto promise = self_->make_response_promise<retrieval_prepared>();
    const auto ticket = ++last_ticket_;
    auto& running = retrievals_[ticket];
    running.command = std::move(command);
    running.prepared = promise;
    running.watch.expected = running.command.expected.size();
    self_
        ->request(options_.shards[running.command.shard], local_patience,
                  reserve_pack{options_.pacs, running.command.study})
        .then([this, ticket](const pack_reserved& place) { expect(ticket, place); },
              [this, ticket](const caf::error& problem) { let_go(ticket, from_caf(problem, "reserve a pack")); });
    return promise;
  }

  void expect(std::uint64_t ticket, const pack_reserved& place) {
    const auto found = retrievals_.find(ticket);
    const auto* at = pacs();
    if (found == retrievals_.end()) return;
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

  void associate(std::uint64_t ticket) {
    const auto found = retrievals_.find(ticket);
    const auto* at = pacs();
    if (found == retrievals_.end()) return stop_arriving(ticket);
    if (!at) return let_go(ticket, {errc::not_found, "prepare a retrieval: the PACS is no longer in the rules"});
    found->second.child_runs = true;
    self_->send(options_.port,
                start_dimse{options_.pacs, ticket, storage::encode_dimse(move_job_for(*at, found->second.command))});
  }

  void on_ready(std::uint64_t ticket) {
    const auto found = retrievals_.find(ticket);
    if (found == retrievals_.end() || !found->second.prepared) return;
    found->second.let_go_us = now_us() + prepared_patience_us;
    std::exchange(found->second.prepared, std::nullopt)->deliver(retrieval_prepared{found->second.command.permit});
  }

  /// The order to send. A second one for the same request takes the first one's place: the asker was restarted.
  caf::result<study_settled> on_retrieve(const retrieve_study& command) {
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
    self_->send(options_.port,
                tell_dimse{options_.pacs, ticket, storage::encode_dimse(go{command.send_before_boottime_ns})});
    return promise;
  }

  /// A retrieval that was not ordered to be sent: nothing went to the PACS, and nothing will.
  void let_go(std::uint64_t ticket, const failure& problem) {
    auto found = retrievals_.find(ticket);
    if (found == retrievals_.end()) return;
    if (found->second.prepared) found->second.prepared->deliver(to_caf(problem));
    if (found->second.child_runs) self_->send(options_.port, stop_dimse{options_.pacs, ticket});
    retrievals_.erase(found);
    stop_arriving(ticket);
  }

  void stop_arriving(std::uint64_t ticket) {
    self_->request(options_.listener, local_patience, stop_arrivals{options_.pacs, ticket})
        .then([](const arrivals_stopped&) {}, [](const caf::error&) {});
  }

  void on_cancel(const cancel_retrieval& which) {
    static_cast<void>(stop_those("cancelled before it was sent", [&](const retrieve_study& one) {
      return one.project == which.project && one.request == which.request;
    }));
  }

  /// What is prepared and not sent is let go, so that nothing is sent after the answer.
  retrievals_stopped on_stop(const stop_retrievals& order) {
    return {stop_those(order.why, [](const retrieve_study&) { return true; })};
  }

  /// How many of them had been sent.
  std::uint64_t stop_those(const std::string& why, const std::function<bool(const retrieve_study&)>& which) {
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
      if (running.child_runs) self_->send(options_.port, stop_dimse{options_.pacs, ticket});
    }
    for (const auto ticket : unsent) let_go(ticket, {errc::conflict, why});
    return sent;
  }

  // ---- what children and the listener say ----

  void on_report(const dimse_reported& report) {
    const auto kind = storage::dimse_kind(report.message);
    if (kind == find_row::kind) return queries_.on_row(report);
    if (kind == find_done::kind) return queries_.on_done(report);
    if (kind == find_ended::kind) return on_find_ended(report);
    if (kind == echo_done::kind) return on_echo_done(report);
    if (kind == ready::kind) return on_ready(report.ticket);
    if (kind == move_sent::kind || kind == move_progress::kind) return on_move_sign(report.ticket);
    if (kind == move_done::kind) return on_move_done(report);
  }

  void on_find_ended(const dimse_reported& report) {
    auto ended = storage::decode_dimse<find_ended>(report.message);
    if (!ended) return;
    saw(ended->outcome, ended->problem);
    queries_.finish(report.ticket,
                    ended->outcome == peer_outcome::answered
                        ? std::optional<failure>{}
                        : failure{errc::pacs_unavailable, "query " + options_.pacs + ": " + ended->problem});
  }

  void on_echo_done(const dimse_reported& report) {
    auto done = storage::decode_dimse<echo_done>(report.message);
    auto found = echoes_.find(report.ticket);
    if (!done || found == echoes_.end()) return;
    saw(done->outcome, done->problem);
    found->second.deliver(echo_answered{done->outcome == peer_outcome::answered && done->dimse_status == 0,
                                        done->elapsed_ms, done->problem});
    echoes_.erase(found);
  }

  void on_move_sign(std::uint64_t ticket) {
    auto found = retrievals_.find(ticket);
    if (found == retrievals_.end()) return;
    found->second.outcome.sent = true;
    found->second.watch.last_sign_us = now_us();
  }

  void on_move_done(const dimse_reported& report) {
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

  void on_end(const dimse_ended& end) {
    if (auto found = retrievals_.find(end.ticket); found != retrievals_.end()) {
      found->second.child_runs = false;
      if (!found->second.settled) {
        let_go(end.ticket, {errc::pacs_unavailable, "associate with " + options_.pacs + ": " + end.problem});
      } else if (!found->second.watch.move_over) {
        found->second.outcome.problem = "the association's process ended: " + end.problem;
        move_is_over(end.ticket, found->second, true);
      }
    }
    queries_.finish(end.ticket,
                    failure{errc::pacs_unavailable,
                            "query " + options_.pacs + ": the association's process ended: " + end.problem});
    if (auto echo = echoes_.find(end.ticket); echo != echoes_.end()) {
      echo->second.deliver(echo_answered{false, 0, end.problem});
      echoes_.erase(echo);
    }
  }

  void move_is_over(std::uint64_t ticket, retrieval& running, bool failed) {
    running.watch.move_over = true;
    running.watch.failed = failed || running.outcome.cancelled;
    running.watch.last_sign_us = now_us();
    look(ticket, running);
  }

  void on_arrivals(const instances_arrived& seen) {
    auto found = retrievals_.find(seen.ticket);
    if (found == retrievals_.end()) return;
    auto& watch = found->second.watch;
    watch.arrived += seen.instances;
    watch.bytes += seen.bytes;
    watch.refused += seen.refused;
    watch.open_associations = seen.open_associations;
    watch.last_sign_us = now_us();
    found->second.changed = true;
    if (watch.move_over) look(seen.ticket, found->second);
  }

  void on_tick() {
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
        self_->send(options_.port,
                    tell_dimse{options_.pacs, ticket, storage::encode_dimse(still_arriving{running.watch.arrived})});
      }
      if (now - running.alive_said_us < alive_every_us) continue;
      running.alive_said_us = now;
      self_->send(options_.governor, retrieval_alive{running.command.permit});
    }
    for (const auto ticket : forgotten) let_go(ticket, {errc::conflict, "nobody ordered it to be sent"});
  }

  void look(std::uint64_t ticket, retrieval& running) {
    const auto* at = pacs();
    const auto quiet_us = at ? std::chrono::microseconds{at->lease_quiet}.count() : retrieval_watch::after_failure_us;
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
  void settle(std::uint64_t ticket, const std::vector<std::string>& parts) {
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
                       running.outcome};
    auto promise = *running.settled;
    self_->request(options_.shards[command.shard], settle_patience, std::move(order))
        .then([promise](study_settled& settled) mutable { promise.deliver(std::move(settled)); },
              [promise](const caf::error& problem) mutable { promise.deliver(problem); });
  }

  void say_progress(retrieval& running) {
    running.changed = false;
    const auto& command = running.command;
    const nlohmann::json event{{"kind", "progress"},
                               {"project", command.project},
                               {"request", std::to_string(command.request)},
                               {"state", "processing"},
                               {"counts",
                                {{"expected", running.watch.expected},
                                 {"received", running.watch.arrived},
                                 {"failed", running.watch.refused}}},
                               {"bytes", running.watch.bytes}};
    self_->send(options_.sink, transient_event{"p/" + command.project + "/progress", event.dump()});
  }

  void saw(peer_outcome outcome, const std::string& problem) {
    const bool reachable = outcome == peer_outcome::answered || outcome == peer_outcome::stopped;
    if (reachable && reachable_) return;
    reachable_ = reachable;
    self_->send(options_.governor, pacs_reachability{options_.pacs, reachable, problem});
  }

  answered on_describe() {
    return {nlohmann::json{{"actor", name},
                           {"of", options_.pacs},
                           {"state", "running"},
                           {"queries", queries_.running()},
                           {"queries_waiting", queries_.waiting()},
                           {"retrievals", retrievals_.size()},
                           {"reachable", reachable_}}
                .dump()};
  }

  handle::pointer self_;
  pacs_association_options options_;
  query_children queries_;
  std::map<std::uint64_t, caf::typed_response_promise<echo_answered>> echoes_;
  std::map<std::uint64_t, retrieval> retrievals_;
  std::uint64_t last_ticket_ = 0;
  bool reachable_ = true;
};

}  // namespace

pacs_association_actor start_pacs_association(caf::actor_system& system, pacs_association_options options,
                                              custodian::observer on_restart) {
  return supervise<pacs_association>(system, std::move(on_restart), std::move(options));
}

}  // namespace penstock::actors
