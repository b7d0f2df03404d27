#include "actors/governor_clock.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "actors/governor_clock_impl.hpp"
#include "conf/calendar.hpp"
#include "conf/rules_queries.hpp"
#include "messages/type_ids.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"

namespace penstock::actors {

using namespace messages;
namespace keys = storage::keys;
using std::chrono::milliseconds;

namespace {

/// A predecessor's permit may still be on its way to the disk; it is void after its send deadline.
constexpr milliseconds settling_in = send_deadline + network_guard;
/// A queue that has not said what became of a permit is gone or restarting. It may take as long as an association
/// takes.
constexpr std::int64_t permit_patience_ns = 60'000'000'000;
constexpr milliseconds longest_sleep{30'000};
constexpr milliseconds shortest_sleep{5};
constexpr milliseconds look_again_every{5'000};
constexpr milliseconds look_for_pause_file_every{500};
/// What fails over TLS or a certificate has been answered; its words stand for themselves.
std::string trip_text(const std::string& problem) {
  return problem.starts_with("TLS: ") ? problem : "the PACS does not answer: " + problem;
}

}  // namespace

governor_clock::governor_clock(handle::pointer self, governor_clock_options options)
    : self_(self), options_(std::move(options)), pen_(self, options_.journal, "governor/" + options_.pacs) {
  take_current_rules(options_);
  take_breaker_limits();
}

void governor_clock::take_breaker_limits() {
  if (const auto* pacs = conf::find_pacs(*options_.rules, options_.pacs)) breaker_.set_limits(pacs->breaker);
}

governor_clock::handle::behavior_type governor_clock::make_behavior() {
  pen_.enrol([this] { self_->delayed_send(handle{self_}, settling_in, tick{generation_}); });
  return {
      [this](const work_waiting& work) { on_work(work); },
      [this](const claim_permit& claim) { return on_claim(claim); },
      [this](const permit_answered& answer) { on_answer(answer); },
      [this](const retrieval_over& over) { on_over(over); },
      [this](const retrieval_alive& alive) { on_alive(alive); },
      [this](const query_wanted& wanted) { on_query(wanted); },
      [this](const pacs_reachability& seen) { on_reachability(seen); },
      [this](const describe_governor& who) { return on_describe(who); },
      [this](const simulate_governor& question) { return on_simulate(question); },
      [this](const pause_starts& order) { return on_pause(order); },
      [this](const resume_starts& order) { return on_resume(order); },
      [this](const rules_published& published) { on_rules(published); },
      [this](const tick& t) { on_tick(t); },
  };
}

void governor_clock::on_work(const work_waiting& work) {
  auto& project = queues_[work.project];
  if (auto who = caf::actor_cast<project_queue_actor>(self_->current_sender())) project.address = who;
  project.weight = work.weight;
  project.ready = work.ready;
  project.waiting = work.waiting;
  evaluate();
}

caf::result<permit_granted> governor_clock::on_claim(const claim_permit& claim) {
  const auto offered = unanswered_.find(claim.permit);
  if (offered == unanswered_.end()) return to_caf({errc::conflict, "claim a permit: it is no longer kept"});
  const auto now = options_.clocks.now();
  refresh_contract(now);
  const auto renewed = policy_.renew(now, contract_, claim.permit);
  if (!renewed.stamp) {
    unanswered_.erase(offered);
    evaluate();
    return to_caf({errc::conflict, "claim a permit: " + outlook_text(renewed.decision)});
  }
  offered->second.since_ns = now.boottime_ns;
  offered->second.stamped = true;
  running_[claim.permit] = {offered->second.project, now.boottime_ns};
  return granted(now, offered->second.project, *renewed.stamp);
}

void governor_clock::on_answer(const permit_answered& answer) {
  unanswered_.erase(answer.permit);
  if (!answer.started) {
    policy_.withdraw(answer.permit);
    running_.erase(answer.permit);
  }
  evaluate();
}

void governor_clock::on_over(const retrieval_over& over) {
  const auto now = options_.clocks.now();
  // A leftover of a crash that nobody runs ends by its quiet time, not by a word: the PACS may still be sending.
  if (!over.known && leftovers_.insert(over.permit).second) policy_.orphan(over.permit, now);
  if (!leftovers_.contains(over.permit)) policy_.retrieval_ended(over.permit, over.end == retrieval_end::well);
  if (const auto ran = running_.find(over.permit); ran != running_.end()) {
    const auto took_us = (now.boottime_ns - ran->second.since_ns) / 1000;
    if (over.end == retrieval_end::well) mean_retrieval_us_ += (took_us - mean_retrieval_us_) / 8;
    running_.erase(ran);
  }
  judge_pacs(over);
  evaluate();
}

void governor_clock::judge_pacs(const retrieval_over& over) {
  switch (over.end) {
    case retrieval_end::nothing:
      return;
    case retrieval_end::well:
      return breaker_.retrieval_ended_well();
    case retrieval_end::failed:
      return changed(breaker_.retrieval_failed(options_.clocks.boottime_ns(), over.problem));
    case retrieval_end::misconfigured:
      // Kept over restarts, and ended by an administrator only: what a pause is.
      if (!paused_) pause({over.problem, name, options_.clocks.utc_us()}, {}, [](const result<std::string>&) {});
      return;
  }
}

/// A trip and its end are told to administrators.
void governor_clock::changed(breaker_change change) {
  if (change == breaker_change::none) return;
  const bool tripped = change == breaker_change::tripped;
  if (!tripped) policy_.begin_slow_start();
  const auto why = tripped ? breaker_.state(options_.clocks.boottime_ns(), true).reason : "it answers again";
  spdlog::warn("pacs {}: {}", options_.pacs, why);
  pen_.append(
      switch_entry(tripped ? "pacs.tripped" : "pacs.returned", "", why), [](const entries_committed&) {},
      [this](const failure& problem) { self_->quit(to_caf(problem)); });
}

pacs_association_actor governor_clock::association() const {
  const auto roster = options_.in_force ? options_.in_force->get().roster : nullptr;
  if (!roster) return {};
  const auto found = roster->associations.find(options_.pacs);
  return found == roster->associations.end() ? pacs_association_actor{} : found->second;
}

bool governor_clock::in_use() const {
  return policy_.in_flight() > 0 || std::any_of(queues_.begin(), queues_.end(), [this](const auto& each) {
           return each.second.waiting > 0 && may_use(each.first);
         });
}

/// What waits of a project that has expired, or may not use this PACS any more, is no reason to ask how the PACS is.
bool governor_clock::may_use(const std::string& project_id) const {
  const auto* project = conf::find_project(*options_.rules, project_id);
  return project && conf::may_use_pacs(*project, options_.pacs) &&
         !conf::is_expired(*project, conf::local_date(options_.clocks.approval_time(), options_.rules->timezone));
}

/// One C-ECHO.
void governor_clock::probe(const instant& now) {
  const auto whom = association();
  if (!whom || paused_ || !breaker_.state(now.boottime_ns, in_use()).probe_due) return;
  breaker_.probe_sent(now.boottime_ns);
  self_->request(whom, probe_patience, echo_pacs{"probe"})
      .then(
          [this](const echo_answered& echo) {
            const auto now_ns = options_.clocks.boottime_ns();
            changed(echo.reached ? breaker_.echo_answered(now_ns, milliseconds{echo.elapsed_ms})
                                 : breaker_.no_answer(now_ns, trip_text(echo.problem)));
            evaluate();
          },
          [](const caf::error&) {});  // our own part failed; the policy asks again after probe_patience
}

/// A window that says so ends what still runs when it begins.
void governor_clock::end_with_window(const instant& now) {
  const auto& limits = contract_.limits;
  if (!limits || limits->concurrent > 0 || !limits->abort || policy_.in_flight() == 0) return;
  if (now.clock_in_doubt || aborted_in_us_ == contract_.begins_us) return;
  aborted_in_us_ = contract_.begins_us;
  stop_what_runs("the window \"" + window_name_ + "\" allows no retrieval", [](std::uint64_t) {});
}

void governor_clock::on_alive(const retrieval_alive& alive) {
  policy_.arrived(alive.permit, options_.clocks.now());
  leftovers_.erase(alive.permit);
}

void governor_clock::on_query(const query_wanted& wanted) {
  auto who = caf::actor_cast<query_line::asker>(self_->current_sender());
  if (!line(wanted.purpose).join(wanted.project, {wanted.ticket, std::max(wanted.queries, 1U), std::move(who)}))
    return;  // the asker asks again; the limit is query_line::most_waiting
  evaluate();
}

void governor_clock::on_reachability(const pacs_reachability& seen) {
  if (!seen.reachable) changed(breaker_.no_answer(options_.clocks.boottime_ns(), trip_text(seen.problem)));
  evaluate();
}

void governor_clock::on_rules(const rules_published& published) {
  options_.rules = published.rules;
  take_breaker_limits();
  contract_ = {};
  aborted_in_us_ = 0;
  forecasts_.clear();
  evaluate();
}

void governor_clock::on_tick(const tick& t) {
  if (t.generation != generation_) return;
  if (!ready_) restore();
  evaluate();
}

void governor_clock::restore() {
  const auto now = options_.clocks.now();
  std::vector<lease> leases;
  auto seen = storage::read_rows<lease>(*options_.core, {.prefix = keys::leases_at(options_.pacs)}, "lease",
                                        [&](std::string_view, lease&& each) {
                                          leftovers_.insert(each.permit);
                                          last_number_ = std::max(last_number_, each.permit);
                                          leases.push_back(std::move(each));
                                          return true;
                                        });
  if (!seen) return self_->quit(to_caf(seen.error()));
  policy_.restore(read_stamps("start"), leases, now);
  finds_.policy.restore(read_stamps("find"), now);
  enumerations_.policy.restore(read_stamps("enumerate"), now);
  if (options_.assume_full_at) {
    policy_.assume_full(*options_.assume_full_at);
    finds_.policy.assume_full(*options_.assume_full_at);
    enumerations_.policy.assume_full(*options_.assume_full_at);
  }
  last_number_ = std::max(last_number_, static_cast<std::uint64_t>(std::max<std::int64_t>(now.wall_us, 0)));
  auto paused = storage::read_row<pause_row>(*options_.core, keys::pause(options_.pacs), "pause");
  if (!paused) return self_->quit(to_caf(paused.error()));
  if (*paused && !paused_) paused_ = std::move(**paused);
  if (paused_) policy_.pause(pause_text());
  ready_ = true;
}

std::vector<start_stamp> governor_clock::read_stamps(const char* what) {
  std::vector<start_stamp> stamps;
  auto seen = storage::read_rows<start_stamp>(*options_.core, {.prefix = keys::stamps_at(options_.pacs, what)},
                                              "start stamp", [&](std::string_view, start_stamp&& each) {
                                                last_number_ = std::max(last_number_, each.number);
                                                stamps.push_back(std::move(each));
                                                return true;
                                              });
  if (!seen) self_->quit(to_caf(seen.error()));
  return stamps;
}

void governor_clock::evaluate() {
  if (!ready_) return;
  const auto now = options_.clocks.now();
  look_for_pause_file(now);
  drop_unanswered(now);
  full_ = options_.has_room && !options_.has_room();
  auto wake_ns = grant_queries(now, finds_);
  wake_ns = std::min(wake_ns, grant_queries(now, enumerations_));
  permit_decision last;
  while ((last = decide(now)).granted()) offer(now, last.project);
  end_with_window(now);
  probe(now);
  look_ahead(now);
  tell_outlook(last);
  erase_expired_leases();
  if (last.not_before_boottime_ns > 0) wake_ns = std::min(wake_ns, last.not_before_boottime_ns);
  if (contract_.ends_us > 0) wake_ns = std::min(wake_ns, now.boottime_ns + (contract_.ends_us - now.wall_us) * 1000);
  sleep_until(now, wake_ns);
}

permit_decision governor_clock::decide(const instant& now) {
  refresh_contract(now);
  std::vector<waiting_project> waiting;
  for (const auto& [project, each] : queues_)
    if (each.ready > 0) waiting.push_back({project, each.weight});
  const auto breaker = breaker_.state(now.boottime_ns, in_use());
  // Asked all the same: it ends leases that have been quiet for long enough.
  if (!breaker.may_start || full_) waiting.clear();
  auto decision = policy_.decide(now, contract_, waiting);
  const auto look_again_ns = looks_again_at(now);
  if (!breaker.may_start) {
    decision.not_before_boottime_ns = std::min(breaker.next_probe_at_ns, look_again_ns);
    decision.not_before_us = 0;
  } else if (full_) {
    decision.not_before_boottime_ns = look_again_ns;
  }
  return decision;
}

void governor_clock::refresh_contract(const instant& now) {
  if (now.wall_us >= contract_.begins_us && now.wall_us < contract_.ends_us) return;
  const auto* pacs = conf::find_pacs(*options_.rules, options_.pacs);
  contract_ = {};
  if (!pacs) return;
  const std::chrono::sys_seconds at{std::chrono::seconds{now.wall_us / 1'000'000}};
  const auto stretch = conf::stretch_at(pacs->windows, pacs->timezone, at);
  contract_.limits = conf::limits_of(pacs->windows, stretch);
  contract_.begins_us = stretch.begins.time_since_epoch().count() * 1'000'000;
  contract_.ends_us = stretch.ends.time_since_epoch().count() * 1'000'000;
  contract_.lease_quiet = pacs->lease_quiet;
  window_changes_ = stretch.ends - at < conf::calendar_reach;
  window_name_ = stretch.window ? pacs->windows[*stretch.window].name : "closed";
}

void governor_clock::offer(const instant& now, const std::string& project) {
  auto& to = queues_[project];
  --to.ready;
  const auto permit = ++last_number_;
  static_cast<void>(policy_.reserve(now, permit, project));
  unanswered_[permit] = {project, now.boottime_ns, false};
  self_->send(to.address, permit_offered{permit, options_.pacs});
}

permit_granted governor_clock::granted(const instant& now, const std::string& project, const start_stamp& stamp) {
  const auto permit = stamp.number;
  permit_granted granted;
  granted.permit = permit;
  granted.pacs = options_.pacs;
  granted.send_before_boottime_ns = stamp.boottime_ns + std::chrono::nanoseconds{send_deadline}.count();
  granted.rows.push_back(storage::put_row(keys::stamp(options_.pacs, "start", permit), stamp));
  granted.rows.push_back(storage::put_row(keys::lease(options_.pacs, permit), lease{permit, project}));
  for (const auto old : policy_.prune(now))
    granted.rows.push_back(storage::erase_row(keys::stamp(options_.pacs, "start", old)));
  return granted;
}

void governor_clock::drop_unanswered(const instant& now) {
  for (auto each = unanswered_.begin(); each != unanswered_.end();) {
    if (now.boottime_ns - each->second.since_ns < permit_patience_ns) {
      ++each;
      continue;
    }
    auto row = options_.core->get(storage::column::rows, keys::lease(options_.pacs, each->first));
    if (!each->second.stamped)
      policy_.withdraw(each->first);
    else if (row && !row->has_value())
      policy_.waste(each->first);
    if (!policy_.is_in_flight(each->first)) running_.erase(each->first);
    each = unanswered_.erase(each);
  }
}

std::int64_t governor_clock::looks_again_at(const instant& now) {
  return now.boottime_ns + std::chrono::nanoseconds{look_again_every}.count();
}

std::int64_t governor_clock::grant_queries(const instant& now, query_line& of) {
  const auto* pacs = conf::find_pacs(*options_.rules, options_.pacs);
  if (!pacs) return never_ns;
  const bool searching = &of == &finds_;
  // A query writes its stamp, its entry and what it found: on a full disk that is the journal's room. Requests can wait
  // for a PACS that is down or paused; whoever searches is to hear it.
  const bool left_alone = !searching && (paused_ || !breaker_.state(now.boottime_ns, in_use()).may_start);
  if ((full_ || left_alone) && !of.empty()) return looks_again_at(now);
  const auto per_minute = searching ? pacs->find_per_minute : pacs->enumerate_per_minute;
  const char* what = searching ? "find" : "enumerate";
  while (!of.empty()) {
    const auto queries = std::min(of.front().queries, std::max(per_minute, 1U));
    if (const auto at = of.policy.not_before(now, per_minute, queries); at > now.boottime_ns) return at;
    const auto next = of.take();
    query_granted granted{next.ticket, options_.pacs, queries, {}};
    for (std::uint32_t i = 0; i < queries; ++i) {
      const auto number = ++last_number_;
      granted.rows.push_back(
          storage::put_row(keys::stamp(options_.pacs, what, number), of.policy.reserve(now, number)));
    }
    for (const auto old : of.policy.prune(now))
      granted.rows.push_back(storage::erase_row(keys::stamp(options_.pacs, what, old)));
    self_->send(next.who, std::move(granted));
  }
  return never_ns;
}

void governor_clock::erase_expired_leases() {
  const auto expired = policy_.take_expired_leases();
  if (expired.empty()) return;
  journal_entry entry;
  entry.kind = "lease.ended";
  entry.pacs = options_.pacs;
  entry.details = nlohmann::json{{"permits", expired}, {"why", "nothing arrived for lease_quiet"}}.dump();
  for (const auto permit : expired) {
    leftovers_.erase(permit);
    entry.rows.push_back(storage::erase_row(keys::lease(options_.pacs, permit)));
  }
  pen_.append(
      std::move(entry), [](const entries_committed&) {},
      [this](const failure& problem) { self_->quit(to_caf(problem)); });
}

void governor_clock::sleep_until(const instant& now, std::int64_t wake_ns) {
  const auto wanted = std::chrono::nanoseconds{std::max<std::int64_t>(wake_ns - now.boottime_ns, 0)};
  const auto longest = options_.pause_file.empty() ? longest_sleep : look_for_pause_file_every;
  const auto sleep = std::clamp(std::chrono::ceil<milliseconds>(wanted), shortest_sleep, longest);
  self_->delayed_send(handle{self_}, sleep, tick{++generation_});
}

governor_clock_actor start_governor_clock(caf::actor_system& system, governor_clock_options options,
                                          custodian::observer on_restart) {
  return supervise<governor_clock>(system, std::move(on_restart), std::move(options));
}

}  // namespace penstock::actors
