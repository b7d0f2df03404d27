// What members ask of a project's queue. Each change is one append to the journal, with its remembered answer.

#include <nlohmann/json.hpp>
#include <utility>

#include "actors/json_text.hpp"
#include "actors/project_queue_impl.hpp"
#include "actors/queue_entries.hpp"
#include "actors/request_machine.hpp"
#include "conf/calendar.hpp"
#include "conf/rules_queries.hpp"
#include "messages/type_ids.hpp"
#include "storage/journal_reader.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"

namespace penstock::actors {

using namespace messages;
namespace keys = storage::keys;
using nlohmann::json;

namespace {

constexpr std::chrono::minutes shard_patience{5};
constexpr std::size_t most_running_operations = 256;

/// The journal takes 5,000 entries in one append.
constexpr std::size_t most_deleted_at_once = 4'500;
/// A purge of more is repeated.
constexpr std::size_t most_purged_at_once = 2'000;

json row_json(const char* key, const std::string& value, std::string_view outcome, const std::string& message) {
  return {{key, value}, {"outcome", outcome}, {"message", message}};
}

json deletion_json(const dicom_uid& study, const std::vector<holding_row>& held) {
  std::uint64_t bytes = 0;
  for (const auto& holding : held) bytes += holding.bytes;
  return held.empty()
             ? row_json("StudyInstanceUID", study.reveal(), "not_found", "this project does not hold that study")
             : row_json("StudyInstanceUID", study.reveal(), "deleted",
                        std::to_string(bytes) + " bytes are free again for this project");
}

}  // namespace

struct project_queue::admitted {
  admission decision;
  std::optional<request_row> row;
  std::string request;
};

std::optional<failure> project_queue::refusal(const std::string& user) const {
  const auto* mine = project();
  const auto* who = conf::find_user(*options_.rules, user);
  submit_facts facts;
  facts.project_exists = mine != nullptr;
  facts.member = mine && conf::is_member(*mine, user);
  facts.project_expired = mine && expired();
  const auto today = conf::local_date(options_.clocks.approval_time(), options_.rules->timezone);
  facts.training_in_force = who && conf::training_in_force(*options_.rules, *who, today);
  return refuse_submit(facts);
}

/// A repeated operation gets its first answer; one that is still running gets it when it is there.
std::optional<caf::result<answered>> project_queue::answered_before(const caller& who) {
  if (who.op.empty()) return std::nullopt;
  const auto key = keys::operation(options_.project, who.user, who.op);
  if (auto running = running_operations_.find(key); running != running_operations_.end()) {
    auto later = self_->make_response_promise<answered>();
    running->second.push_back(later);
    return later;
  }
  auto before = storage::read_operation(*options_.core, key);
  if (!before) return to_caf(before.error());
  if (*before) return answered{(*before)->answer};
  if (running_operations_.size() >= most_running_operations)
    return to_caf({errc::rate_limited, "too many changes are being written; ask again in a moment"});
  return std::nullopt;
}

caf::result<answered> project_queue::commit_command(const caller& who, std::vector<journal_entry> entries,
                                                    std::string answer, std::function<void()> then) {
  const auto key = who.op.empty() ? std::string{} : keys::operation(options_.project, who.user, who.op);
  auto promise = self_->make_response_promise<answered>();
  if (entries.empty() && key.empty()) {
    promise.deliver(answered{std::move(answer)});
    return promise;
  }
  if (!key.empty()) running_operations_[key];
  const auto waiting = [this, key] {
    auto found = running_operations_.find(key);
    if (found == running_operations_.end()) return std::vector<answer_promise>{};
    auto others = std::move(found->second);
    running_operations_.erase(found);
    return others;
  };
  pen_.append(
      std::move(entries), key, answer,
      [promise, answer, then = std::move(then), waiting](const entries_committed&) mutable {
        promise.deliver(answered{answer});
        for (auto& other : waiting()) other.deliver(answered{answer});
        then();
      },
      [this, promise, waiting](const failure& problem) mutable {
        promise.deliver(to_caf(problem));
        for (auto& other : waiting()) other.deliver(to_caf(problem));
        give_up(problem);  // what is on the disk is known to whoever starts again
      });
  return promise;
}

project_queue::admitted project_queue::admit_item(const submit_item& item, const submit_requests& command,
                                                  std::map<std::string, std::string>& in_this_call) {
  item_facts facts;
  facts.well_formed = is_valid_uid(item.study.reveal());
  facts.malformed_field = "StudyInstanceUID";
  const auto* mine = project();
  facts.pacs_of_project = conf::may_use_pacs(*mine, item.pacs) && conf::find_pacs(*options_.rules, item.pacs);
  admitted end;
  const auto named = item.pacs + "/" + item.study.reveal();
  std::optional<verified_study> known;
  if (facts.well_formed && facts.pacs_of_project) {
    auto verified = storage::read_row<verified_study>(
        *options_.core, keys::verified(options_.project, item.pacs, item.study), "verified study");
    if (verified) known = *verified;
    if (known)
      facts.patient =
          conf::cohort_has(*mine, known->patient) ? patient_standing::in_cohort : patient_standing::outside_cohort;
    if (auto open = ledger_.open_request(item.pacs, item.study); open && *open)
      facts.open_request = std::to_string((*open)->number);
    else if (const auto twin = in_this_call.find(named); twin != in_this_call.end())
      facts.open_request = twin->second;
    if (auto held = ledger_.holding(item.pacs, item.study))
      facts.held = *held && (**held).complete && command.follow_every_s == 0;
    facts.quota = ledger_.quota(mine->cache_quota_bytes, 0);
  }
  end.decision = admit(facts);
  end.request = facts.open_request;
  if (end.decision.outcome != submit_outcome::accepted) return end;
  auto& row = end.row.emplace();
  row.number = ++ledger_.counters.last_request;
  row.project = options_.project;
  row.pacs = item.pacs;
  row.user = command.who.user;
  row.study = item.study;
  row.series = item.series;
  row.priority = command.priority;
  row.follow_every_s = command.follow_every_s;
  row.follow_quiet_s = command.follow_quiet_s;
  row.reason = end.decision.waits_for;
  row.identity_verified = end.decision.identity_verified;
  row.submitted_us = options_.clocks.utc_us();
  ledger_.take_turn(row);
  if (known) {
    row.patient = known->patient;
    row.accession = known->accession;
    row.study_date = known->study_date;
    row.modality = known->modality;
    row.availability = known->availability;
  }
  end.request = in_this_call[named] = std::to_string(row.number);
  return end;
}

caf::result<answered> project_queue::on_submit(submit_requests& command) {
  if (auto again = answered_before(command.who)) return std::move(*again);
  if (auto no = refusal(command.who.user)) return to_caf(*no);
  std::vector<journal_entry> entries;
  std::vector<request_row> rows;
  auto outcomes = json::array();
  std::map<std::string, std::string> in_this_call;
  for (std::size_t i = 0; i < command.items.size(); ++i) {
    auto item = admit_item(command.items[i], command, in_this_call);
    outcomes.push_back({{"item", i},
                        {"outcome", name_of(item.decision.outcome)},
                        {"request", item.request},
                        {"message", item.decision.message}});
    if (!item.row) continue;
    auto& row = *item.row;
    const std::string reason{name_of(row.reason)};
    row.history.push_back({request_state::scheduled, row.submitted_us, reason});
    auto entry = request_entry("request.scheduled", command.who.user, row, reason);
    const auto number = std::to_string(row.number);
    entry.rows.push_back({keys::request_for(row.project, row.pacs, row.study), number, false});
    entries.push_back(std::move(entry));
    rows.push_back(std::move(row));
  }
  if (!entries.empty()) entries.back().rows.push_back(ledger_.counters_row());
  return commit_command(command.who, std::move(entries), dumped({{"rows", outcomes}}), [this, rows] {
    for (const auto& row : rows) ledger_.committed(row, false, options_.clocks.utc_us());
    pump_all();
  });
}

caf::result<answered> project_queue::on_delete(delete_holdings& command) {
  if (auto again = answered_before(command.who)) return std::move(*again);
  std::vector<holding_row> gone;
  std::set<std::string> named;
  auto outcomes = json::array();
  for (const auto& study : command.studies) {
    auto held = held_anywhere(study);
    if (!held) return to_caf(held.error());
    std::erase_if(*held, [this](const auto& holding) { return is_suspended(holding); });  // as if there were none
    std::erase_if(*held,
                  [&](const auto& holding) { return !named.insert(holding.pacs + "/" + study.reveal()).second; });
    outcomes.push_back(deletion_json(study, *held));
    gone.insert(gone.end(), held->begin(), held->end());
  }
  return commit_deletion(command.who, "holding.deleted", gone, dumped({{"rows", outcomes}}));
}

caf::result<answered> project_queue::on_purge(purge_holdings& command) {
  if (auto again = answered_before(command.who)) return std::move(*again);
  std::vector<holding_row> gone;
  auto outcomes = json::array();
  auto studies = command.studies;
  std::set<std::string> named;
  bool more = false;
  if (command.suspended) {
    auto end = storage::read_rows<holding_row>(*options_.core, {.prefix = keys::holdings_of(options_.project)},
                                               "holding", [&](std::string_view, holding_row&& row) {
                                                 if (is_suspended(row)) studies.push_back(row.study);
                                                 more = studies.size() >= most_purged_at_once;
                                                 return !more;
                                               });
    if (!end) return to_caf(end.error());
  }
  for (const auto& study : studies) {
    auto held = held_anywhere(study);
    if (!held) return to_caf(held.error());
    if (command.suspended) std::erase_if(*held, [this](const auto& holding) { return !is_suspended(holding); });
    std::erase_if(*held,
                  [&](const auto& holding) { return !named.insert(holding.pacs + "/" + study.reveal()).second; });
    if (command.suspended && held->empty()) continue;
    outcomes.push_back(deletion_json(study, *held));
    gone.insert(gone.end(), held->begin(), held->end());
  }
  return commit_deletion(command.who, "holding.purged", gone, dumped({{"rows", outcomes}, {"more", more}}));
}

bool project_queue::is_suspended(const holding_row& holding) const {
  const auto* mine = project();
  return !mine || conf::is_suspended(*options_.rules, *mine, holding.pacs, holding.patient);
}

/// What the project holds of a study, from whichever PACS; what is about to be deleted is left out.
result<std::vector<holding_row>> project_queue::held_anywhere(const dicom_uid& study) {
  std::vector<holding_row> all;
  for (const auto& pacs : pacs_ever_used()) {
    if (deleting_.contains(keys::holding(options_.project, pacs, study))) continue;
    auto held = ledger_.holding(pacs, study);
    if (!held) return held.error();
    if (*held) all.push_back(std::move(**held));
  }
  return all;
}

/// Those of the rules, and those that were taken out of them since something was fetched.
std::set<std::string> project_queue::pacs_ever_used() const {
  std::set<std::string> all = former_pacs_;
  for (const auto& [pacs, governor] : options_.governors) all.insert(pacs);
  return all;
}

caf::result<answered> project_queue::commit_deletion(const caller& who, const std::string& kind,
                                                     const std::vector<holding_row>& gone, std::string answer) {
  if (gone.size() > most_deleted_at_once)
    return to_caf({errc::too_large, "these are more than " + std::to_string(most_deleted_at_once) +
                                        " holdings; name fewer studies in a call"});
  std::vector<journal_entry> entries;
  for (const auto& holding : gone) {
    deleting_.insert(keys::holding(holding.project, holding.pacs, holding.study));
    entries.push_back(holding_deleted(kind, who.user, holding));
  }
  return commit_command(who, std::move(entries), std::move(answer), [this, gone] {
    for (const auto& holding : gone) {
      deleting_.erase(keys::holding(holding.project, holding.pacs, holding.study));
      ledger_.holding_changed(&holding, nullptr);
      if (is_suspended(holding)) suspended_.leave(holding.bytes);
      release_bytes(holding);
    }
    pump_all();
  });
}

/// The last claim that goes lets the bytes go; if the server dies before, the shard finds them at its next start.
void project_queue::release_bytes(const holding_row& holding) {
  auto claims =
      options_.core->scan(storage::column::rows, {.prefix = keys::claims_on(holding.pacs, holding.study), .limit = 1},
                          [](std::string_view, std::string_view) { return true; });
  if (!claims || claims->visited > 0) return;
  self_->request(options_.shards.at(holding.shard), shard_patience, forget_study{holding.pacs, holding.study})
      .then([](const study_forgotten&) {}, [](const caf::error&) {});
}

std::vector<pacs_outlook> project_queue::outlook() const {
  std::vector<pacs_outlook> all;
  const auto* mine = project();
  for (const auto& [pacs, governor] : options_.governors) {
    const auto* known = conf::find_pacs(*options_.rules, pacs);
    const auto told = outlook_.find(pacs);
    pacs_outlook one;
    one.pacs = pacs;
    one.institution = known ? known->institution : "";
    if (told != outlook_.end()) {
      one.reason = told->second.reason;
      one.forecast = told->second.forecast;
    }
    if (const auto obstacle = obstacles_.find(pacs); one.reason.empty() && obstacle != obstacles_.end())
      one.reason = obstacle->second + "; tried again every few seconds";
    if (mine && !has_room(ledger_.quota(mine->cache_quota_bytes, 0))) {
      one.reason = "quota full: delete studies from the repository to go on";
      one.forecast = {{}, 0, "not before there is room in the project's quota"};
    }
    if (expired()) {
      one.reason = "the project's approval has expired";
      one.forecast = {{}, 0, "not before the project is extended"};
    }
    all.push_back(std::move(one));
  }
  return all;
}

caf::result<answered> project_queue::on_list(list_requests& command) {
  return self_->delegate(options_.reader, read_requests{options_.project, std::move(command.page), outlook()});
}

caf::result<answered> project_queue::on_show(show_request& command) {
  return self_->delegate(options_.reader, read_request{options_.project, std::move(command), outlook()});
}

answered project_queue::on_usage() {
  const auto* mine = project();
  return {dumped({{"quota", mine ? mine->cache_quota_bytes : 0},
                  {"used", ledger_.used_bytes()},
                  {"reserved", ledger_.reserved_bytes()},
                  {"studies", ledger_.studies_held()},
                  {"suspended", {{"studies", suspended_.studies}, {"bytes", suspended_.bytes}}}})};
}

answered project_queue::on_describe() {
  auto waiting = json::object();
  for (const auto& pacs : ledger_.pacs_with_work()) waiting[pacs] = ledger_.waiting_count(pacs);
  return {dumped({{"actor", name},
                  {"of", options_.project},
                  {"state", "running"},
                  {"waiting", waiting},
                  {"studies", ledger_.studies_held()},
                  {"bytes", ledger_.used_bytes()}})};
}

}  // namespace penstock::actors
