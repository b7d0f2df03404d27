#include "actors/project_queue.hpp"

#include <spdlog/spdlog.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "actors/permit_policy.hpp"
#include "actors/project_queue_impl.hpp"
#include "actors/queue_entries.hpp"
#include "actors/request_machine.hpp"
#include "conf/calendar.hpp"
#include "conf/rules_queries.hpp"
#include "messages/type_ids.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"

namespace penstock::actors {

using namespace messages;
namespace keys = storage::keys;

namespace {

constexpr std::chrono::seconds tick_every{2};
/// Connecting and associating, each with its own deadline, and a place in the cache.
constexpr std::chrono::seconds prepare_patience{45};
constexpr std::chrono::seconds claim_patience{5};
/// On top of the PACS's total timeout: settling a study of many gigabytes.
constexpr std::chrono::minutes settling_patience{30};

}  // namespace

project_queue::project_queue(handle::pointer self, project_queue_options options)
    : self_(self),
      options_(std::move(options)),
      pen_(self, options_.journal, "queue/" + options_.project),
      ledger_(options_.project, options_.core) {
  take_current_rules(options_);
  if (options_.in_force) meet(options_.in_force->get());
}

project_queue::handle::behavior_type project_queue::make_behavior() {
  pen_.enrol([this] { load(); });
  return {
      [this](submit_requests& command) { return on_submit(command); },
      [this](cancel_requests& command) { return on_cancel(command); },
      [this](prioritise_requests& command) { return on_prioritise(command); },
      [this](retry_requests& command) { return on_retry(command); },
      [this](delete_requests& command) { return on_delete_requests(command); },
      [this](delete_holdings& command) { return on_delete(command); },
      [this](purge_holdings& command) { return on_purge(command); },
      [this](authorise_download& command) { return on_authorise(command); },
      [this](record_download& command) { return on_record(command); },
      [this](const download_ended& ended) { on_download_ended(ended); },
      [this](list_requests& command) { return on_list(command); },
      [this](show_request& command) { return on_show(command); },
      [this](const note_export& command) { return on_exported(command); },
      [this](const describe_usage&) { return on_usage(); },
      [this](const permit_offered& offered) { on_offer(offered); },
      [this](const query_granted& granted) { on_query_granted(granted); },
      [this](const governor_outlook& seen) { on_outlook(seen); },
      [this](const rules_published& published) { on_rules(published); },
      [this](const holding_damaged& lost) { on_damaged(lost); },
      [this](const weigh_rules& question) { return on_weigh(*question.proposed); },
      [this](const describe_actor&) { return on_describe(); },
      [this](const tick& t) { on_tick(t); },
  };
}

/// What was processing when the predecessor ended is asked for again: an association that still runs it takes the new
/// asker, one that knows nothing of it says that it was not sent.
void project_queue::load() {
  auto running = ledger_.load();
  if (!running) return give_up(running.error());
  for (const auto& row : *running) {
    running_[row.number] = row;
    retrieve(row, 0);
  }
  if (auto orphaned = let_go_of_leases(); !orphaned) return give_up(orphaned.error());
  stop_forbidden();
  if (auto summed = sum_suspended(); !summed) return give_up(summed.error());
  self_->delayed_send(handle{self_}, tick_every, tick{});
  pump_all();
}

/// Cancelled while they ran, by a predecessor that nobody can tell any more when they are over: their governor ends
/// them when nothing has arrived for lease_quiet.
result<void> project_queue::let_go_of_leases() {
  std::set<std::uint64_t> mine;
  for (const auto& [number, row] : running_) mine.insert(row.permit);
  for (const auto& [pacs, governor] : options_.governors) {
    auto end = storage::read_rows<lease>(
        *options_.core, {.prefix = keys::leases_at(pacs)}, "lease", [&, at = pacs](std::string_view, lease&& each) {
          if (each.project == options_.project && !mine.contains(each.permit))
            tell_governor(at, retrieval_over{each.permit, false, retrieval_end::nothing, ""});
          return true;
        });
    if (!end) return end.error();
  }
  return {};
}

void project_queue::give_up(const failure& problem) { self_->quit(to_caf(problem)); }

const conf::project* project_queue::project() const { return conf::find_project(*options_.rules, options_.project); }

bool project_queue::expired() const {
  const auto* mine = project();
  if (!mine) return true;
  return conf::is_expired(*mine, conf::local_date(options_.clocks.approval_time(), options_.rules->timezone));
}

std::uint32_t project_queue::shard_for(const dicom_uid& study) const {
  return static_cast<std::uint32_t>(std::hash<dicom_uid>{}(study) % options_.shards.size());
}

/// Told once each, through the journal, to whoever follows the project.
void project_queue::tell_expiry() {
  const auto* mine = project();
  if (!mine || telling_) return;
  auto said = storage::read_row<said_expiry>(*options_.core, keys::expiry_notice(options_.project), "expiry notice");
  if (!said) return give_up(said.error());
  const auto now_us = options_.clocks.approval_time().time_since_epoch().count() * 1'000'000;
  const auto due = due_expiry_notice(options_.project, mine->valid_through, options_.rules->timezone, now_us, *said);
  if (!due) return;
  telling_ = true;
  pen_.append(
      notice_entry(options_.project, *due), [this](const entries_committed&) { telling_ = false; },
      [this](const failure& problem) { give_up(problem); });
}

void project_queue::on_outlook(const governor_outlook& seen) { outlook_[seen.pacs] = seen; }

void project_queue::tell_governor(const std::string& pacs, const permit_answered& answer) {
  if (const auto found = options_.governors.find(pacs); found != options_.governors.end())
    self_->send(found->second, answer);
}

void project_queue::tell_governor(const std::string& pacs, const retrieval_over& over) {
  if (const auto found = options_.governors.find(pacs); found != options_.governors.end())
    self_->send(found->second, over);
}

void project_queue::tell_association(const std::string& pacs, const cancel_retrieval& order) {
  if (const auto found = options_.associations.find(pacs); found != options_.associations.end())
    self_->send(found->second, order);
}

void project_queue::on_tick(const tick&) {
  self_->delayed_send(handle{self_}, tick_every, tick{});
  stop_forbidden();
  tell_expiry();
  say_again();
  for (const auto& [ticket, asking] : tickets_) send_wanted(ticket, asking);
  pump_all();
}

// ---- from permit to holding ----

const request_row* project_queue::next_ready(const std::string& pacs) {
  if (expired()) return nullptr;
  auto heads = ledger_.heads(pacs, options_.clocks.utc_us());
  if (!heads) {
    give_up(heads.error());
    return nullptr;
  }
  for (const auto* row : *heads) {
    const auto quota = ledger_.quota(project()->cache_quota_bytes, row->estimated_bytes);
    if (changing_.contains(row->number)) continue;
    if (row->identity_verified && row->enumerated && has_room(quota) && !forbidden(*row)) return row;
  }
  return nullptr;
}

void project_queue::on_offer(const permit_offered& offered) {
  announced_[offered.pacs] = not_said;
  const auto* row = next_ready(offered.pacs);
  if (row) return prepare(*row, offered.permit);
  tell_governor(offered.pacs, permit_answered{offered.permit, false});
  pump(offered.pacs);
}

/// What takes long comes before the permit is stamped: the association stands, and only the C-MOVE-RQ is missing.
void project_queue::prepare(const request_row& row, std::uint64_t permit) {
  ledger_.set_busy(row.number, true);
  ledger_.reserve(row);
  auto order = order_for(row, permit, 0);
  if (!order) return decline(row, permit, order.error());
  self_->request(options_.associations.at(row.pacs), prepare_patience, prepare_retrieval{std::move(*order)})
      .then(
          [this, row](const retrieval_prepared& ready) {
            ready.nothing_lacks ? look_again(row, ready.permit) : claim(row, ready.permit);
          },
          [this, row, permit](const caf::error& problem) {
            decline(row, permit, from_caf(problem, "prepare a retrieval"));
          });
}

/// Nothing was sent and nothing is counted. The others go first for a while: it may be this study that cannot.
void project_queue::decline(const request_row& row, std::uint64_t permit, const failure& problem) {
  obstacles_[row.pacs] = problem.context;
  tell_governor(row.pacs, permit_answered{permit, false});
  put_off(row, problem);
}

/// Another project's retrieval has brought it meanwhile.
void project_queue::look_again(const request_row& row, std::uint64_t permit) {
  tell_governor(row.pacs, permit_answered{permit, false});
  ledger_.release(row.number);
  auto expected = storage::read_row<instance_list>(*options_.core, keys::expected(row.project, row.number), "expected");
  if (!expected) return give_up(expected.error());
  ++preparing_[row.pacs];
  expected->has_value() ? adopt(row, std::move(**expected))
                        : postpone(row, {errc::internal, "the instance list is gone"});
}

void project_queue::claim(const request_row& row, std::uint64_t permit) {
  obstacles_.erase(row.pacs);
  self_->request(options_.governors.at(row.pacs), claim_patience, claim_permit{permit})
      .then([this, row](permit_granted& granted) { start(row, std::move(granted)); },
            [this, row, permit](const caf::error&) { give_back(row, permit); });
}

/// The request stays where it is in line.
void project_queue::give_back(const request_row& row, std::uint64_t permit) {
  tell_governor(row.pacs, permit_answered{permit, false});
  tell_association(row.pacs, cancel_retrieval{row.project, row.number});
  ledger_.release(row.number);
  ledger_.set_busy(row.number, false);
  pump(row.pacs);
}

/// Reserve, sync, send: the start is on the disk before anything goes to the PACS.
void project_queue::start(request_row row, permit_granted granted) {
  auto stored = ledger_.find(row.number);
  if (!stored) return give_up(stored.error());
  const bool still = *stored && (*stored)->state == request_state::scheduled && !changing_.contains(row.number);
  if (!still || expired() || forbidden(**stored) || options_.clocks.boottime_ns() >= granted.send_before_boottime_ns)
    return give_back(row, granted.permit);
  row = std::move(**stored);
  changing_.insert(row.number);
  row.permit = granted.permit;
  row.started_us = options_.clocks.utc_us();
  row.reason = waiting_reason::none;
  advance(row, request_state::processing, row.started_us, "permit granted");
  ledger_.turn_started(row);
  auto entry = request_entry("request.started", row.user, row, "permit granted");
  entry.rows.push_back(ledger_.counters_row());
  entry.rows.insert(entry.rows.end(), granted.rows.begin(), granted.rows.end());
  pen_.append(
      std::move(entry),
      [this, row, send_before = granted.send_before_boottime_ns](const entries_committed&) {
        changing_.erase(row.number);
        ledger_.set_busy(row.number, false);
        ledger_.committed(row, true, options_.clocks.utc_us());
        running_[row.number] = row;
        tell_governor(row.pacs, permit_answered{row.permit, true});
        // The rules may have changed while this was written: what is prepared is let go, and nothing is sent.
        if (expired() || forbidden(row)) tell_association(row.pacs, cancel_retrieval{options_.project, row.number});
        retrieve(row, send_before);
        pump(row.pacs);
      },
      [this](const failure& problem) { give_up(problem); });
}

result<retrieve_study> project_queue::order_for(const request_row& row, std::uint64_t permit,
                                                std::int64_t send_before_boottime_ns) const {
  auto expected = storage::read_row<instance_list>(*options_.core, keys::expected(row.project, row.number), "expected");
  if (!expected) return expected.error();
  if (!*expected || !options_.associations.contains(row.pacs))
    return fail(errc::internal, "retrieve: the request's PACS or instance list is gone");
  return retrieve_study{row.project,
                        row.number,
                        permit,
                        row.shard,
                        row.study,
                        row.series,
                        row.patient,
                        std::move((*expected)->instances),
                        std::move((*expected)->series_of),
                        row.finest,
                        send_before_boottime_ns};
}

void project_queue::retrieve(const request_row& row, std::int64_t send_before_boottime_ns) {
  auto order = order_for(row, row.permit, send_before_boottime_ns);
  const auto* pacs = conf::find_pacs(*options_.rules, row.pacs);
  if (!order) return on_retrieval_error(row, order.error());
  if (!pacs) return on_retrieval_error(row, {errc::internal, "retrieve: the PACS is no longer in the rules"});
  const auto patience = std::chrono::duration_cast<std::chrono::seconds>(pacs->total_timeout) + settling_patience;
  self_->request(options_.associations.at(row.pacs), patience, std::move(*order))
      .then([this, row](const study_settled& settled) { on_settled(row, settled); },
            [this, row](const caf::error& problem) { on_retrieval_error(row, from_caf(problem, "retrieve a study")); });
}

/// The association or the shard failed, not the PACS: what it left is unknown, so the request goes back in line.
void project_queue::on_retrieval_error(const request_row& row, const failure& problem) {
  spdlog::warn("project {} request {}: {}", row.project, row.number, problem.text());
  study_settled unknown;
  unknown.permit = row.permit;
  unknown.outcome.known = false;
  unknown.outcome.problem = problem.text();
  on_settled(row, unknown);
}

/// `started` as it was when it was sent: since then it may have been cancelled, cleared away, or put in line again.
void project_queue::on_settled(const request_row& started, const study_settled& settled) {
  const auto number = started.number;
  if (const auto ran = running_.find(number); ran != running_.end() && ran->second.permit == started.permit)
    running_.erase(ran);
  auto row = ledger_.find(number);
  if (!row) return give_up(row.error());
  // A cancel on its way to the disk has been promised.
  const bool goes_on = *row && (*row)->permit == started.permit && (*row)->state == request_state::processing &&
                       !changing_.contains(number);
  goes_on ? settle(std::move(**row), settled) : end_cancelled(started, *row, settled);
}

/// Cancelled while it ran: the request is over already. Its lease ends now, unless nobody knows whether it still runs.
/// What arrived is kept; the request, if it is still there as it was cancelled, says how much.
void project_queue::end_cancelled(const request_row& started, std::optional<request_row> now,
                                  const study_settled& settled) {
  const auto permit = started.permit;
  const bool known = settled.outcome.known;
  const bool tells = now && now->permit == permit && is_terminal(now->state) && !changing_.contains(started.number);
  journal_entry entry;
  if (tells) {
    note_arrived(*now, settled);
    entry = request_entry("retrieval.ended", now->user, *now, now->history.back().reason);
    if (settled.outcome.sent) entry.rows.push_back(missing_row(*now, settled));
    changing_.insert(started.number);
  } else {
    entry.kind = "retrieval.ended";
    entry.project = started.project;
    entry.pacs = started.pacs;
    entry.request = std::to_string(started.number);
  }
  if (known) entry.rows.push_back(storage::erase_row(keys::lease(started.pacs, permit)));
  const bool holds = !settled.present.empty() && !forbidden(started);
  std::optional<holding_row> before;
  holding_row after;
  if (holds) add_holding_of(entry, now ? *now : started, settled, before, after);
  pen_.append(
      std::move(entry),
      [this, started, known, tells, holds, before, after](const entries_committed&) {
        if (tells) changing_.erase(started.number);
        if (holds) ledger_.holding_changed(before ? &*before : nullptr, &after);
        tell_governor(started.pacs, retrieval_over{started.permit, known, retrieval_end::nothing, ""});
      },
      [this](const failure& problem) { give_up(problem); });
}

void project_queue::note_arrived(request_row& row, const study_settled& settled) const {
  row.permit = 0;
  if (!settled.outcome.sent) return;
  row.received = settled.present.size();
  row.failed = settled.missing.size();
  row.bytes = settled.bytes;
  row.estimated_bytes = ledger_.estimate_bytes(row.modality, settled.missing.size());
}

state_row project_queue::missing_row(const request_row& row, const study_settled& settled) {
  const auto key = keys::missing(row.project, row.number);
  return settled.missing.empty() ? storage::erase_row(key) : storage::put_row(key, instance_list{settled.missing, {}});
}

void project_queue::settle(request_row row, const study_settled& settled) {
  const auto now_us = options_.clocks.utc_us();
  const auto end = conclude(row, settled, now_us);
  const auto permit = row.permit;
  if (end.burns_attempt) ++row.attempts;
  if (end.burns_offline_try) ++row.offline_tries;
  row.finest = end.finest;
  const bool follows = end.state == request_state::completed && goes_on_following(row, settled.present.size(), now_us);
  const auto state = follows ? request_state::scheduled : end.state;
  note_arrived(row, settled);
  if (!follows) {
    row.reason = end.waits_for;
    row.not_before_us = end.not_before_us;
    row.error = end.state == request_state::completed ? "" : end.reason;
  }
  advance(row, state, now_us, end.reason);
  auto entry = request_entry("request." + std::string{name_of(state)}, row.user, row, end.reason);
  // A lease whose retrieval this server knows nothing of is left from a crash: the governor ends it by its quiet time.
  if (settled.outcome.known) entry.rows.push_back(storage::erase_row(keys::lease(row.pacs, permit)));
  if (settled.outcome.sent) entry.rows.push_back(missing_row(row, settled));
  std::optional<holding_row> before;
  holding_row after;
  const bool holds = !settled.present.empty();
  if (holds) add_holding_of(entry, row, settled, before, after);
  changing_.insert(row.number);
  const retrieval_over over{permit, settled.outcome.known, end.says_of_pacs, end.reason};
  std::vector<journal_entry> entries;
  if (settled.outcome.refused > 0) entries.push_back(objects_refused(row, settled.outcome.refused));
  entries.push_back(std::move(entry));
  pen_.append(
      std::move(entries), {}, {},
      [this, row, holds, before, after, over](const entries_committed&) {
        changing_.erase(row.number);
        ledger_.committed(row, false, options_.clocks.utc_us());
        if (holds) ledger_.holding_changed(before ? &*before : nullptr, &after);
        tell_governor(row.pacs, over);
        pump(row.pacs);
      },
      [this](const failure& problem) { give_up(problem); });
}

void project_queue::add_holding_of(journal_entry& entry, const request_row& row, const study_settled& settled,
                                   std::optional<holding_row>& before, holding_row& after) {
  auto held = ledger_.holding(row.pacs, row.study);
  if (held && !deleting_.contains(keys::holding(row.project, row.pacs, row.study))) before = *held;
  after.project = row.project;
  after.pacs = row.pacs;
  after.study = row.study;
  after.version = ++ledger_.counters.last_version;
  after.shard = row.shard;
  after.patient = settled.patient;
  after.accession = settled.accession;
  after.study_date = settled.study_date;
  after.study_time = settled.study_time;
  after.modality = settled.modality;
  after.bytes = settled.bytes;
  after.series = settled.series;
  after.instances = settled.present.size();
  after.cached_us = options_.clocks.utc_us();
  after.complete = row.state == request_state::completed || row.reason == waiting_reason::following;
  auto& weight = ledger_.counters.weights[settled.modality];
  weight.instances += settled.present.size();
  weight.bytes += settled.bytes;
  add_holding(entry, after, settled.present, before ? before->version : 0);
  entry.rows.push_back(ledger_.counters_row());
}

project_queue_actor start_project_queue(caf::actor_system& system, project_queue_options options,
                                        custodian::observer on_restart) {
  return supervise<project_queue>(system, std::move(on_restart), std::move(options));
}

}  // namespace penstock::actors
