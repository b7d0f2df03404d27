#include "actors/pacs_association.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "actors/dimse_jobs.hpp"
#include "actors/pacs_association_impl.hpp"
#include "messages/actor_errors.hpp"
#include "messages/type_ids.hpp"
#include "storage/dimse_channel.hpp"

namespace penstock::actors {

using namespace messages;

namespace {

constexpr std::chrono::milliseconds first_look{250};

}  // namespace

pacs_association::pacs_association(handle::pointer self, pacs_association_options options)
    : self_(self),
      options_(std::move(options)),
      queries_(options_.pacs, [this](const find_job& job) { return start_query(job); }) {
  take_current_rules(options_);
}

/// Whoever waits is told now and need not wait for its own, long deadline.
pacs_association::~pacs_association() {
  const caf::error gone = caf::sec::request_receiver_down;
  for (auto& [ticket, running] : retrievals_) {
    if (running.prepared) running.prepared->deliver(gone);
    if (running.settled) running.settled->deliver(gone);
  }
  for (auto& [ticket, promise] : echoes_) promise.deliver(gone);
  queries_.fail_all({errc::internal, "query " + options_.pacs + ": the part that does this is restarting"});
}

pacs_association::handle::behavior_type pacs_association::make_behavior() {
  self_->send(options_.port, disown_dimse{options_.pacs});
  self_->send(options_.listener, disown_dimse{options_.pacs});
  self_->delayed_send(handle{self_}, first_look, tick{});
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

result<const conf::pacs*> pacs_association::pacs_to_call(const std::string& operation) const {
  const auto* at = pacs();
  if (!at) return fail(errc::not_found, operation + ": the PACS is no longer in the rules");
  return at;
}

void pacs_association::ask(std::vector<find_query> queries, query_children::asker who) {
  const auto at = pacs_to_call("query");
  if (!at) return who(at.error());
  queries_.ask(find_job_for(**at, std::move(queries)), std::move(who));
}

std::uint64_t pacs_association::start_query(const find_job& job) {
  const auto ticket = ++last_ticket_;
  self_->send(options_.port, start_dimse{options_.pacs, ticket, storage::encode_dimse(job)});
  return ticket;
}

caf::result<query_answered> pacs_association::on_query(const run_query& query) {
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

caf::result<series_listed> pacs_association::on_list_series(const list_series& what) {
  auto promise = self_->make_response_promise<series_listed>();
  ask({series_query(what.study)}, [promise, what](result<std::vector<query_answered>> answers) mutable {
    if (answers)
      promise.deliver(series_of(answers->front(), what));
    else
      promise.deliver(to_caf(answers.error()));
  });
  return promise;
}

caf::result<images_listed> pacs_association::on_list_images(const list_images& what) {
  if (what.series.empty() || what.series.size() > most_dimse_queries)
    return to_caf({errc::too_large, "list images: none or too many series in one question"});
  std::vector<find_query> queries;
  for (const auto& uid : what.series) queries.push_back(image_query(what.study, uid));
  auto promise = self_->make_response_promise<images_listed>();
  ask(std::move(queries), [promise, series = what.series](result<std::vector<query_answered>> answers) mutable {
    images_listed found;
    for (std::size_t i = 0; answers && i < answers->size(); ++i) add_instances((*answers)[i], series[i], found);
    if (!answers && answers.error().code == errc::bad_request) found.refused = answers.error().context;
    if (answers || !found.refused.empty())
      promise.deliver(std::move(found));
    else
      promise.deliver(to_caf(answers.error()));
  });
  return promise;
}

caf::result<echo_answered> pacs_association::on_echo() {
  const auto at = pacs_to_call("echo");
  if (!at) return to_caf(at.error());
  auto promise = self_->make_response_promise<echo_answered>();
  const auto ticket = ++last_ticket_;
  echoes_.emplace(ticket, promise);
  self_->send(options_.port, start_dimse{options_.pacs, ticket, storage::encode_dimse(echo_job{peer_of(**at)})});
  return promise;
}

void pacs_association::on_report(const dimse_reported& report) {
  const auto kind = storage::dimse_kind(report.message);
  if (kind == find_row::kind) return queries_.on_row(report);
  if (kind == find_done::kind) return queries_.on_done(report);
  if (kind == find_ended::kind) return on_find_ended(report);
  if (kind == echo_done::kind) return on_echo_done(report);
  if (kind == ready::kind) return on_ready(report.ticket);
  if (kind == move_sent::kind || kind == move_progress::kind) return on_move_sign(report.ticket);
  if (kind == move_done::kind) return on_move_done(report);
}

void pacs_association::on_find_ended(const dimse_reported& report) {
  auto ended = storage::decode_dimse<find_ended>(report.message);
  if (!ended) return;
  saw(ended->outcome, ended->problem);
  queries_.finish(report.ticket,
                  ended->outcome == peer_outcome::answered
                      ? std::optional<failure>{}
                      : failure{errc::pacs_unavailable, "query " + options_.pacs + ": " + ended->problem});
}

void pacs_association::on_echo_done(const dimse_reported& report) {
  auto done = storage::decode_dimse<echo_done>(report.message);
  auto found = echoes_.find(report.ticket);
  if (!done || found == echoes_.end()) return;
  saw(done->outcome, done->problem);
  found->second.deliver(echo_answered{done->outcome == peer_outcome::answered && done->dimse_status == 0,
                                      done->elapsed_ms, done->problem});
  echoes_.erase(found);
}

void pacs_association::on_end(const dimse_ended& end) {
  if (auto found = retrievals_.find(end.ticket); found != retrievals_.end()) {
    found->second.child_runs = false;
    if (!found->second.settled) {
      let_go(end.ticket, {errc::pacs_unavailable, "associate with " + options_.pacs + ": " + end.problem});
    } else if (!found->second.watch.move_over) {
      found->second.outcome.problem = "the association's process ended: " + end.problem;
      move_is_over(end.ticket, found->second, true);
    }
  }
  queries_.finish(end.ticket, failure{errc::pacs_unavailable,
                                      "query " + options_.pacs + ": the association's process ended: " + end.problem});
  if (auto echo = echoes_.find(end.ticket); echo != echoes_.end()) {
    echo->second.deliver(echo_answered{false, 0, end.problem});
    echoes_.erase(echo);
  }
}

void pacs_association::saw(peer_outcome outcome, const std::string& problem) {
  const bool reachable = outcome == peer_outcome::answered || outcome == peer_outcome::stopped;
  if (reachable && reachable_) return;
  reachable_ = reachable;
  self_->send(options_.governor, pacs_reachability{options_.pacs, reachable, problem});
}

answered pacs_association::on_describe() {
  return {nlohmann::json{{"actor", name},
                         {"of", options_.pacs},
                         {"state", "running"},
                         {"queries", queries_.running()},
                         {"queries_waiting", queries_.waiting()},
                         {"retrievals", retrievals_.size()},
                         {"reachable", reachable_}}
              .dump()};
}

pacs_association_actor start_pacs_association(caf::actor_system& system, pacs_association_options options,
                                              custodian::observer on_restart) {
  return supervise<pacs_association>(system, std::move(on_restart), std::move(options));
}

}  // namespace penstock::actors
