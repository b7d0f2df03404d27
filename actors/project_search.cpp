#include "actors/project_search.hpp"

#include <spdlog/spdlog.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "actors/journal_pen.hpp"
#include "actors/search_store.hpp"
#include "conf/calendar.hpp"
#include "conf/rules_queries.hpp"
#include "messages/type_ids.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"

namespace penstock::actors {
namespace {

using namespace messages;
namespace keys = storage::keys;

constexpr std::size_t most_running = 32;
constexpr std::size_t most_queries_at_pacs = 4;
constexpr std::size_t most_units_in_an_entry = 20'000;
constexpr std::chrono::minutes query_patience{10};
constexpr std::uint32_t longest_wait_ms = 60'000;
constexpr std::chrono::milliseconds tick_every{1'000};
/// The generation of a tick that answers who has waited long enough, and nothing more.
constexpr std::uint64_t only_look = 1;

class project_search {
 public:
  using handle = project_search_actor;
  static constexpr const char* name = "project_search";

  project_search(handle::pointer self, project_search_options options)
      : self_(self),
        options_(std::move(options)),
        pen_(self, options_.journal, "search/" + options_.project),
        store_(options_.project, options_.core) {
    take_current_rules(options_);
    if (options_.in_force) meet(options_.in_force->get());
  }

  handle::behavior_type make_behavior() {
    pen_.enrol([this] { load(); });
    return {
        [this](find_patients& command) { return on_find_patients(command); },
        [this](find_studies& command) { return on_find_studies(command); },
        [this](find_series& command) { return on_find_series(command); },
        [this](const read_search& command) { return on_read(command); },
        [this](const cancel_search& command) { return on_cancel(command); },
        [this](const query_granted& granted) { on_granted(granted); },
        [this](const rules_published& published) { on_rules(published); },
        [this](const describe_actor&) { return on_describe(); },
        [this](const tick& t) { on_tick(t); },
    };
  }

 private:
  using answer_promise = caf::typed_response_promise<answered>;
  struct waiter {
    answer_promise promise;
    std::string search;
    std::string cursor;
    std::int64_t until_ns = 0;
  };
  struct place {
    std::string search;
    std::uint64_t unit = 0;
    std::string pacs = {};
  };

  void load() {
    if (auto loaded = store_.load_unfinished(); !loaded) return self_->quit(to_caf(loaded.error()));
    self_->delayed_send(handle{self_}, tick_every, tick{});
    for (auto& [id, search] : store_.all()) finish_if_done(search);
    ask_more();
  }

  void on_rules(const rules_published& published) {
    options_.rules = published.rules;
    meet(published);
    drop_tickets([this](const running_search& search, const place& where) { return forbidden(search, where); });
    ask_more();
  }

  /// Queries that nobody waits for any more, or that may not go out (`why_not` says why), give their place to others.
  void drop_tickets(const std::function<std::optional<std::string>(const running_search&, const place&)>& why_not) {
    std::vector<std::pair<place, std::string>> forbidden_ones;
    std::vector<std::string> released;
    std::erase_if(tickets_, [&](const auto& entry) {
      const auto* search = running(entry.second);
      if (!search) {
        released.push_back(entry.second.pacs);
        return true;
      }
      auto why = why_not(*search, entry.second);
      if (why) forbidden_ones.emplace_back(entry.second, std::move(*why));
      return why.has_value();
    });
    for (auto& [where, why] : forbidden_ones) record_unasked(where, where.pacs, std::move(why));
    for (const auto& pacs : released) release(pacs);
  }

  void meet(const rules_published& published) {
    if (!published.roster) return;
    options_.governors = published.roster->governors;
    options_.associations = published.roster->associations;
  }

  [[nodiscard]] const conf::project* project() const { return conf::find_project(*options_.rules, options_.project); }

  std::optional<failure> refusal(const std::string& user) const {
    const auto* mine = project();
    const auto* who = conf::find_user(*options_.rules, user);
    if (!mine || !who || !conf::is_member(*mine, user)) return failure{errc::not_found, "no such project"};
    const auto today = conf::local_date(options_.clocks.approval_time(), options_.rules->timezone);
    if (conf::is_expired(*mine, today)) return failure{errc::project_expired, "the project's approval has expired"};
    if (!conf::training_in_force(*options_.rules, *who, today))
      return failure{errc::not_permitted, "training: your training has lapsed; renew it and ask again"};
    if (store_.running() >= most_running)
      return failure{errc::rate_limited, "too many searches of this project are running; wait for one to end"};
    return std::nullopt;
  }

  // ---- commands ----

  caf::result<answered> on_find_patients(find_patients& command) {
    if (auto no = refusal(command.who.user)) return to_caf(*no);
    auto at = targets(*options_.rules, *project(), command.pacs, command.institution, command.department);
    if (!at) return to_caf(at.error());
    auto plan = plan_by_mrn(*options_.rules, *project(), *at, command.mrns);
    plan.row.kind = search_kind::patients;
    return begin(std::move(plan), command.who, command.wait_ms);
  }

  caf::result<answered> on_find_studies(find_studies& command) {
    if (auto no = refusal(command.who.user)) return to_caf(*no);
    auto at = targets(*options_.rules, *project(), command.pacs, command.institution, command.department);
    if (!at) return to_caf(at.error());
    auto plan = command.accessions.empty() ? plan_by_mrn(*options_.rules, *project(), *at, command.mrns)
                                           : plan_by_accession(*at, command.accessions);
    if (command.accessions.empty()) plan.row.kind = search_kind::studies_by_mrn;
    plan.row.study_date = command.study_date;
    plan.row.modalities = command.modalities;
    return begin(std::move(plan), command.who, command.wait_ms);
  }

  /// Only a study that this project's own verified answers have shown: another one is not found.
  caf::result<answered> on_find_series(find_series& command) {
    if (auto no = refusal(command.who.user)) return to_caf(*no);
    auto at = targets(*options_.rules, *project(), {command.pacs}, "", "");
    if (!at) return to_caf(at.error());
    auto known = storage::read_row<verified_study>(
        *options_.core, keys::verified(options_.project, command.pacs, command.study), "verified study");
    if (!known) return to_caf(known.error());
    if (!*known || !conf::cohort_has(*project(), (**known).patient))
      return to_caf({errc::not_found, "StudyInstanceUID: not found; find the study of its patient first"});
    search_plan plan;
    plan.row.kind = search_kind::series;
    plan.row.inputs.push_back(protected_text{command.study.reveal()});
    plan.units.push_back({0, 0, command.pacs, (**known).patient, search_outcome::pending, ""});
    return begin(std::move(plan), command.who, command.wait_ms);
  }

  caf::result<answered> begin(search_plan plan, const caller& who, std::uint32_t wait_ms) {
    if (plan.row.inputs.empty()) return to_caf({errc::bad_request, "mrns: give at least one"});
    if (plan.row.inputs.size() > most_search_inputs || plan.units.size() > most_units_in_an_entry)
      return to_caf({errc::too_large, "more than " + std::to_string(most_search_inputs) +
                                          " lines, or too many PACS for so many; split the list"});
    plan.row.user = who.user;
    plan.row.started_us = options_.clocks.utc_us();
    plan.row.search =
        "s" + keys::sortable(static_cast<std::uint64_t>(std::max(plan.row.started_us, last_search_us_ + 1)));
    last_search_us_ = std::max(plan.row.started_us, last_search_us_ + 1);
    journal_entry entry;
    entry.kind = "search.started";
    entry.user = who.user;
    entry.project = options_.project;
    entry.details = nlohmann::json{{"search", plan.row.search},
                                   {"what", name_of(plan.row.kind)},
                                   {"inputs", plan.row.inputs.size()},
                                   {"queries", plan.units.size()}}
                        .dump();
    entry.rows = store_.rows_of(plan);
    auto promise = self_->make_response_promise<answered>();
    pen_.append(
        std::move(entry),
        [this, promise, plan, wait_ms](const entries_committed&) {
          auto& search = store_.add(plan);
          finish_if_done(search);
          wait_for(promise, search, {}, wait_ms);
          ask_more();
        },
        [promise](const failure& problem) mutable { promise.deliver(to_caf(problem)); });
    return promise;
  }

  caf::result<answered> on_read(const read_search& command) {
    auto search = store_.find(command.search);
    if (!search) return to_caf(search.error());
    if (!*search) return to_caf({errc::not_found, "search: this project has none of that id"});
    auto promise = self_->make_response_promise<answered>();
    wait_for(promise, **search, command.cursor, command.wait_ms);
    return promise;
  }

  caf::result<answered> on_cancel(const cancel_search& command) {
    auto found = store_.find(command.search);
    if (!found) return to_caf(found.error());
    if (!*found) return to_caf({errc::not_found, "search: this project has none of that id"});
    auto& search = **found;
    if (search.row.done) return answered{R"({"cancelled":false})"};
    search.row.cancelled = true;
    for (auto& unit : search.units)
      if (unit.outcome == search_outcome::pending) give_up(unit);
    search.unanswered = 0;
    search.next_unit = search.units.size();
    finish_if_done(search);
    return answered{R"({"cancelled":true})"};
  }

  // ---- queries ----

  void ask_more() {
    for (auto& [id, search] : store_.all()) {
      while (search.next_unit < search.units.size()) {
        const auto& unit = search.units[search.next_unit];
        if (unit.outcome == search_outcome::pending) {
          if (outstanding_[unit.pacs] >= most_queries_at_pacs) break;
          ++outstanding_[unit.pacs];
          if (auto no = forbidden(search, {id, unit.number, unit.pacs})) {
            record_unasked({id, unit.number, unit.pacs}, unit.pacs, std::move(*no));
          } else {
            const auto ticket = ++last_ticket_;
            tickets_[ticket] = {id, unit.number, unit.pacs};
            want(ticket, unit.pacs);
          }
        }
        ++search.next_unit;
      }
    }
  }

  /// Why this query may not go out, by the rules as they are now: they may have changed since it was asked for.
  std::optional<std::string> forbidden(const running_search& search, const place& where) const {
    const auto* mine = project();
    if (!mine || !conf::is_member(*mine, search.row.user)) return "whoever asked is no member of the project any more";
    if (!conf::may_use_pacs(*mine, where.pacs) || !options_.governors.contains(where.pacs))
      return "the project may not ask this PACS any more";
    const auto& patient = search.units[where.unit].mrn;
    if (!patient.patient_id.empty() && !conf::cohort_has(*mine, patient))
      return "the patient is no longer in the project's list of patients";
    if (conf::is_expired(*mine, conf::local_date(options_.clocks.approval_time(), options_.rules->timezone)))
      return "the project's approval has expired";
    return std::nullopt;
  }

  void record_unasked(const place& where, const std::string& pacs, std::string why) {
    judged_answer none;
    none.outcome = search_outcome::unavailable;
    none.message = std::move(why);
    record(where, pacs, std::move(none));
  }

  void want(std::uint64_t ticket, const std::string& pacs) {
    self_->send(options_.governors.at(pacs), query_wanted{ticket, options_.project, query_purpose::search});
  }

  void on_granted(const query_granted& granted) {
    const auto ticket = tickets_.find(granted.ticket);
    if (ticket == tickets_.end()) return;
    const auto where = ticket->second;
    tickets_.erase(ticket);
    auto* search = running(where);
    if (!search) return release(granted.pacs);
    if (auto no = forbidden(*search, where)) return record_unasked(where, granted.pacs, std::move(*no));
    const auto& unit = search->units[where.unit];
    journal_entry entry;
    entry.kind = "query.search";
    entry.user = search->row.user;
    entry.project = options_.project;
    entry.pacs = granted.pacs;
    entry.details = nlohmann::json{{"search", where.search}, {"what", name_of(search->row.kind)}}.dump();
    entry.identifiers.push_back({"input", search->row.inputs.at(unit.input)});
    entry.rows = granted.rows;
    pen_.append(
        std::move(entry), [this, where](const entries_committed&) { send_query(where); },
        [this](const failure& problem) { self_->quit(to_caf(problem)); });
  }

  /// The rules may have changed, or the search been cancelled, while it was written that the query goes out.
  void send_query(const place& where) {
    const auto& id = where.pacs;
    auto* search = running(where);
    if (!search) return release(id);
    if (auto no = forbidden(*search, where)) return record_unasked(where, id, std::move(*no));
    auto query = query_of(search->row, search->units[where.unit], *conf::find_pacs(*options_.rules, id));
    self_->request(options_.associations.at(id), query_patience, std::move(query))
        .then([this, where, id](const query_answered& answer) { on_answer(where, id, answer); },
              [this, where, id](const caf::error& problem) {
                record_unasked(where, id, from_caf(problem, "query").context);
              });
  }

  running_search* running(const place& where) {
    auto found = store_.all().find(where.search);
    if (found == store_.all().end() || found->second.row.done || where.unit >= found->second.units.size())
      return nullptr;
    return &found->second;
  }

  void on_answer(const place& where, const std::string& pacs, const query_answered& answer) {
    auto* search = running(where);
    if (!search) return release(pacs);
    if (auto no = forbidden(*search, where)) return record_unasked(where, pacs, std::move(*no));
    record(where, pacs,
           judge_answer(*options_.rules, *project(), search->row, search->units[where.unit], answer,
                        options_.clocks.utc_us()));
  }

  void record(const place& where, const std::string& pacs, judged_answer judged) {
    auto* search = running(where);
    if (!search) return release(pacs);
    auto unit = search->units[where.unit];
    unit.outcome = judged.outcome;
    unit.message = judged.message;
    journal_entry entry;
    entry.kind = "query.answered";
    entry.user = search->row.user;
    entry.project = options_.project;
    entry.pacs = pacs;
    entry.details =
        nlohmann::json{
            {"search", where.search}, {"outcome", name_of(judged.outcome)}, {"matches", judged.matches.size()}}
            .dump();
    entry.rows.push_back(storage::put_row(keys::search_unit(options_.project, where.search, unit.number), unit));
    auto number = search->matches;
    search->matches += judged.matches.size();
    for (const auto& match : judged.matches)
      entry.rows.push_back({keys::match(options_.project, where.search, number++), match, false});
    for (const auto& each : judged.verified)
      entry.rows.push_back(storage::put_row(keys::verified(options_.project, pacs, each.study), each.facts));
    pen_.append(
        std::move(entry),
        [this, where, pacs, unit, matches = std::move(judged.matches)](const entries_committed&) {
          release(pacs);
          auto* at = running(where);
          if (!at) return;
          at->units[where.unit] = unit;
          --at->unanswered;
          say(*at, unit, forbidden(*at, where) ? std::vector<std::string>{} : matches);
          finish_if_done(*at);
          answer_waiters();
        },
        [this](const failure& problem) { self_->quit(to_caf(problem)); });
  }

  void release(const std::string& pacs) {
    --outstanding_[pacs];
    ask_more();
  }

  void say(const running_search& search, const search_unit& unit, const std::vector<std::string>& matches) {
    nlohmann::json event{
        {"kind", "search.answered"},      {"project", options_.project}, {"user", search.row.user},
        {"search", search.row.search},    {"pacs", unit.pacs},           {"outcome", name_of(unit.outcome)},
        {"unanswered", search.unanswered}};
    for (const auto& match : matches) event["matches"].push_back(nlohmann::json::parse(match, nullptr, false));
    self_->send(options_.sink, transient_event{"p/" + options_.project + "/searches",
                                               event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)});
  }

  void finish_if_done(running_search& search) {
    if (search.row.done || search.unanswered > 0) return;
    search.row.done = true;
    journal_entry entry;
    entry.kind = search.row.cancelled ? "search.cancelled" : "search.done";
    entry.user = search.row.user;
    entry.project = options_.project;
    entry.details = nlohmann::json{{"search", search.row.search}, {"matches", search.matches}}.dump();
    entry.rows.push_back(storage::put_row(keys::search(options_.project, search.row.search), search.row));
    pen_.append(
        std::move(entry), [](const entries_committed&) {},
        [this](const failure& problem) { self_->quit(to_caf(problem)); });
    const nlohmann::json event{{"kind", "search.done"}, {"project", options_.project}, {"search", search.row.search}};
    self_->send(options_.sink, transient_event{"p/" + options_.project + "/searches", event.dump()});
    answer_waiters();
  }

  // ---- answers ----

  void wait_for(answer_promise promise, const running_search& search, const std::string& cursor,
                std::uint32_t wait_ms) {
    wait_ms = std::min(wait_ms, longest_wait_ms);
    waiters_.push_back(
        {promise, search.row.search, cursor, options_.clocks.boottime_ns() + std::int64_t{wait_ms} * 1'000'000});
    answer_waiters();
    if (!waiters_.empty()) self_->delayed_send(handle{self_}, std::chrono::milliseconds{wait_ms}, tick{only_look});
  }

  void answer_waiters() {
    const auto now_ns = options_.clocks.boottime_ns();
    for (auto each = waiters_.begin(); each != waiters_.end();) {
      auto search = store_.find(each->search);
      const bool known = search && *search;
      if (known && !search_store::is_worth_answering(**search, each->cursor) && now_ns < each->until_ns) {
        ++each;
        continue;
      }
      auto part = known ? store_.part(**search, each->cursor, options_.rules)
                        : result<std::string>{fail(errc::not_found, "search")};
      if (part)
        each->promise.deliver(answered{std::move(*part)});
      else
        each->promise.deliver(to_caf(part.error()));
      each = waiters_.erase(each);
    }
  }

  void on_tick(const tick& t) {
    answer_waiters();
    if (t.generation == only_look) return;
    self_->delayed_send(handle{self_}, tick_every, tick{});
    drop_tickets([](const running_search&, const place&) { return std::nullopt; });
    // Asked again, because a governor that was restarted has forgotten it.
    for (const auto& [ticket, where] : tickets_)
      if (const auto* search = running(where)) want(ticket, search->units[where.unit].pacs);
  }

  answered on_describe() {
    return {nlohmann::json{{"actor", name},
                           {"of", options_.project},
                           {"state", "running"},
                           {"searches", store_.running()},
                           {"waiters", waiters_.size()}}
                .dump()};
  }

  handle::pointer self_;
  project_search_options options_;
  journal_pen<handle::pointer> pen_;
  search_store store_;
  std::map<std::uint64_t, place> tickets_;
  std::map<std::string, std::size_t> outstanding_;  ///< queries on their way, by PACS
  std::vector<waiter> waiters_;
  std::uint64_t last_ticket_ = 0;
  std::int64_t last_search_us_ = 0;
};

}  // namespace

project_search_actor start_project_search(caf::actor_system& system, project_search_options options,
                                          custodian::observer on_restart) {
  return supervise<project_search>(system, std::move(on_restart), std::move(options));
}

}  // namespace penstock::actors
