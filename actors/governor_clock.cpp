#include "actors/governor_clock.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "actors/governor_outlook.hpp"
#include "actors/journal_pen.hpp"
#include "actors/permit_policy.hpp"
#include "actors/query_line.hpp"
#include "conf/calendar.hpp"
#include "conf/rules_queries.hpp"
#include "messages/type_ids.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"

namespace penstock::actors {
namespace {

using namespace messages;
namespace keys = storage::keys;
using std::chrono::milliseconds;

/// A predecessor's permit may still be on its way to the disk; it is void after its send deadline.
constexpr milliseconds settling_in = send_deadline + network_guard;
/// A queue that has not said what became of a permit is gone or restarting. It may take as long as an association
/// takes.
constexpr std::int64_t permit_patience_ns = 60'000'000'000;
constexpr milliseconds longest_sleep{30'000};
constexpr milliseconds shortest_sleep{5};
constexpr milliseconds first_back_off{5'000};
constexpr milliseconds longest_back_off{300'000};
constexpr milliseconds look_for_room_every{5'000};

class governor_clock {
 public:
  using handle = governor_clock_actor;
  static constexpr const char* name = "governor_clock";

  governor_clock(handle::pointer self, governor_clock_options options)
      : self_(self), options_(std::move(options)), pen_(self, options_.journal, "governor/" + options_.pacs) {}

  handle::behavior_type make_behavior() {
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
        [this](const rules_published& published) { on_rules(published); },
        [this](const tick& t) { on_tick(t); },
    };
  }

 private:
  struct queue {
    project_queue_actor address;
    std::uint32_t weight = 1;
    std::uint64_t ready = 0;
    std::uint64_t waiting = 0;
    std::string told;  ///< the outlook it was last sent
  };

  void on_work(const work_waiting& work) {
    auto& project = queues_[work.project];
    if (auto who = caf::actor_cast<project_queue_actor>(self_->current_sender())) project.address = who;
    project.weight = work.weight;
    project.ready = work.ready;
    project.waiting = work.waiting;
    evaluate();
  }

  /// What was offered is decided anew and stamped: since then a window may have closed, and the send comes at once.
  caf::result<permit_granted> on_claim(const claim_permit& claim) {
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
    return granted(now, offered->second.project, *renewed.stamp);
  }

  void on_answer(const permit_answered& answer) {
    unanswered_.erase(answer.permit);
    if (!answer.started) policy_.withdraw(answer.permit);
    evaluate();
  }

  void on_over(const retrieval_over& over) {
    // A leftover of a crash that nobody runs ends by its quiet time, not by a word: the PACS may still be sending.
    if (!over.known && leftovers_.insert(over.permit).second) policy_.orphan(over.permit, options_.clocks.now());
    if (!leftovers_.contains(over.permit)) policy_.retrieval_ended(over.permit);
    evaluate();
  }

  void on_alive(const retrieval_alive& alive) {
    policy_.arrived(alive.permit, options_.clocks.now());
    leftovers_.erase(alive.permit);
  }

  void on_query(const query_wanted& wanted) {
    auto who = caf::actor_cast<query_line::asker>(self_->current_sender());
    if (!line(wanted.purpose).join(wanted.project, {wanted.ticket, std::max(wanted.queries, 1U), std::move(who)}))
      return;  // the asker asks again; the limit is query_line::most_waiting
    evaluate();
  }

  void on_reachability(const pacs_reachability& seen) {
    if (seen.reachable) {
      back_off_ = first_back_off;
      unreachable_until_ns_ = 0;
    } else {
      const auto now = options_.clocks.now();
      unreachable_until_ns_ = now.boottime_ns + std::chrono::nanoseconds{back_off_}.count();
      unreachable_until_us_ = now.wall_us + std::chrono::microseconds{back_off_}.count();
      problem_ = seen.problem;
      back_off_ = std::min(back_off_ * 2, longest_back_off);
    }
    evaluate();
  }

  void on_rules(const rules_published& published) {
    options_.rules = published.rules;
    contract_ = {};
    evaluate();
  }

  void on_tick(const tick& t) {
    if (t.generation != generation_) return;
    if (!ready_) restore();
    evaluate();
  }

  void restore() {
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
    ready_ = true;
  }

  std::vector<start_stamp> read_stamps(const char* what) {
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

  /// Everything that may go out now goes out; then sleep until something can change by itself.
  void evaluate() {
    if (!ready_) return;
    const auto now = options_.clocks.now();
    drop_unanswered(now);
    auto wake_ns = grant_queries(now, finds_);
    wake_ns = std::min(wake_ns, grant_queries(now, enumerations_));
    permit_decision last;
    while ((last = decide(now)).granted()) offer(now, last.project);
    tell_outlook(last);
    erase_expired_leases();
    if (last.not_before_boottime_ns > 0) wake_ns = std::min(wake_ns, last.not_before_boottime_ns);
    if (contract_.ends_us > 0) wake_ns = std::min(wake_ns, now.boottime_ns + (contract_.ends_us - now.wall_us) * 1000);
    sleep_until(now, wake_ns);
  }

  permit_decision decide(const instant& now) {
    refresh_contract(now);
    std::vector<waiting_project> waiting;
    for (const auto& [project, each] : queues_)
      if (each.ready > 0) waiting.push_back({project, each.weight});
    const bool unreachable = unreachable_until_ns_ > now.boottime_ns;
    full_ = options_.has_room && !options_.has_room();
    // Asked all the same: it ends leases that have been quiet for long enough.
    if (unreachable || full_) waiting.clear();
    auto decision = policy_.decide(now, contract_, waiting);
    if (unreachable) {
      decision.not_before_boottime_ns = unreachable_until_ns_;
      decision.not_before_us = unreachable_until_us_;
    } else if (full_) {
      decision.not_before_boottime_ns = now.boottime_ns + std::chrono::nanoseconds{look_for_room_every}.count();
    }
    return decision;
  }

  void refresh_contract(const instant& now) {
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
    window_name_ = stretch.window ? pacs->windows[*stretch.window].name : "closed";
  }

  /// Counted in memory from here on, so that nobody is offered what this one may take.
  void offer(const instant& now, const std::string& project) {
    auto& to = queues_[project];
    --to.ready;
    const auto permit = ++last_number_;
    static_cast<void>(policy_.reserve(now, permit, project));
    unanswered_[permit] = {project, now.boottime_ns, false};
    self_->send(to.address, permit_offered{permit, options_.pacs});
  }

  permit_granted granted(const instant& now, const std::string& project, const start_stamp& stamp) {
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

  /// A permit nobody answered: if its start was committed, the lease row says so and it stays in flight. One that was
  /// never stamped was never counted.
  void drop_unanswered(const instant& now) {
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
      each = unanswered_.erase(each);
    }
  }

  std::int64_t grant_queries(const instant& now, query_line& of) {
    const auto* pacs = conf::find_pacs(*options_.rules, options_.pacs);
    if (!pacs) return never_ns;
    const bool searching = &of == &finds_;
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

  void tell_outlook(const permit_decision& decision) {
    const auto text = outlook_text(decision);
    for (auto& [project, each] : queues_) {
      if (!each.address || each.told == text) continue;
      each.told = text;
      self_->send(each.address, governor_outlook{options_.pacs, text, decision.not_before_us});
    }
  }

  std::string outlook_text(const permit_decision& decision) const {
    const auto* pacs = conf::find_pacs(*options_.rules, options_.pacs);
    const auto zone = pacs ? pacs->timezone : options_.rules->timezone;
    if (unreachable_until_ns_ > options_.clocks.boottime_ns())
      return "the PACS does not answer; next try at " + local_time(unreachable_until_us_, zone);
    return full_ ? "the disk of the server is nearly full" : explain(decision, zone);
  }

  void erase_expired_leases() {
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

  void sleep_until(const instant& now, std::int64_t wake_ns) {
    const auto wanted = std::chrono::nanoseconds{std::max<std::int64_t>(wake_ns - now.boottime_ns, 0)};
    const auto sleep = std::clamp(std::chrono::ceil<milliseconds>(wanted), shortest_sleep, longest_sleep);
    self_->delayed_send(handle{self_}, sleep, tick{++generation_});
  }

  answered on_describe(const describe_governor& who) {
    const auto now = options_.clocks.now();
    refresh_contract(now);
    nlohmann::json waiting = nlohmann::json::object();
    for (const auto& [project, each] : queues_)
      if (who.all_projects || std::find(who.projects.begin(), who.projects.end(), project) != who.projects.end())
        waiting[project] = each.waiting;
    nlohmann::json limits = nlohmann::json::object();
    if (contract_.limits) {
      limits["concurrent"] = contract_.limits->concurrent;
      if (contract_.limits->per_minute) limits["per_minute"] = *contract_.limits->per_minute;
      if (contract_.limits->per_hour) limits["per_hour"] = *contract_.limits->per_hour;
      if (contract_.limits->per_day) limits["per_day"] = *contract_.limits->per_day;
    }
    const bool down = unreachable_until_ns_ > now.boottime_ns;
    return {
        nlohmann::json{{"pacs", options_.pacs},
                       {"window", window_name_},
                       {"limits", limits},
                       {"started",
                        {{"minute", policy_.started(now, std::chrono::seconds{60})},
                         {"hour", policy_.started(now, std::chrono::seconds{3600})},
                         {"day", policy_.started(now, std::chrono::seconds{86400})}}},
                       {"in_flight", policy_.in_flight()},
                       {"waiting", waiting},
                       {"next_change", rfc3339(contract_.ends_us)},
                       {"paused", policy_.paused() ? nlohmann::json(policy_.pause_reason()) : nlohmann::json(false)},
                       {"state", policy_.paused() ? "paused"
                                 : down           ? "down"
                                                  : "up"},
                       {"problem", down ? problem_ : ""}}
            .dump()};
  }

  query_line& line(query_purpose purpose) { return purpose == query_purpose::search ? finds_ : enumerations_; }

  handle::pointer self_;
  governor_clock_options options_;
  journal_pen<handle::pointer> pen_;
  permit_policy policy_;
  query_line finds_;
  query_line enumerations_;
  contract contract_;
  std::string window_name_ = "closed";
  std::map<std::string, queue> queues_;
  struct unanswered_permit {
    std::string project;
    std::int64_t since_ns = 0;  ///< boottime
    bool stamped = false;
  };
  std::map<std::uint64_t, unanswered_permit> unanswered_;  ///< offered, and nobody has said what became of them
  std::set<std::uint64_t> leftovers_;
  std::uint64_t last_number_ = 0;
  std::uint64_t generation_ = 0;
  bool ready_ = false;
  bool full_ = false;  ///< the disk, when it was last looked at
  milliseconds back_off_ = first_back_off;
  std::int64_t unreachable_until_ns_ = 0;
  std::int64_t unreachable_until_us_ = 0;
  std::string problem_;
};

}  // namespace

governor_clock_actor start_governor_clock(caf::actor_system& system, governor_clock_options options,
                                          custodian::observer on_restart) {
  return supervise<governor_clock>(system, std::move(on_restart), std::move(options));
}

}  // namespace penstock::actors
