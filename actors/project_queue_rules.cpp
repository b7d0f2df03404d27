// What the rules in force mean for what is already there: requests that must stop, holdings that nobody may see.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "actors/project_queue_impl.hpp"
#include "actors/queue_entries.hpp"
#include "actors/request_machine.hpp"
#include "conf/rules_queries.hpp"
#include "messages/type_ids.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"

namespace penstock::actors {

using namespace messages;
namespace keys = storage::keys;

namespace {

/// Proposed rules are weighed against so many requests; of more, only "at least" is told.
constexpr std::size_t most_weighed = 20'000;
constexpr const char* by_the_rules = "";  ///< nobody's command

}  // namespace

void project_queue::meet(const rules_published& published) {
  if (!published.roster) return;
  options_.governors = published.roster->governors;
  options_.associations = published.roster->associations;
}

void project_queue::on_rules(const rules_published& published) {
  options_.rules = published.rules;
  meet(published);
  stop_forbidden();
  if (auto summed = sum_suspended(); !summed) return give_up(summed.error());
  drop_forbidden_tickets();
  say_again();
  pump_all();
}

/// Queries that a governor may never grant any more; the pump then ends their requests.
void project_queue::drop_forbidden_tickets() {
  std::erase_if(tickets_, [this](const auto& entry) {
    const auto& [ticket, asking] = entry;
    auto row = ledger_.find(asking.request);
    const bool waits = row && *row && (*row)->state == request_state::scheduled && !forbidden(**row);
    if (waits && options_.governors.contains(asking.pacs)) return false;
    --preparing_[asking.pacs];
    ledger_.set_busy(asking.request, false);
    return true;
  });
}

/// Why this request may not go on, whatever the clock says.
std::optional<std::string> project_queue::forbidden(const request_row& row) const {
  const auto* mine = project();
  if (!mine) return std::nullopt;  // expired() holds it back
  if (!conf::may_use_pacs(*mine, row.pacs)) return "the project may not use this PACS any more";
  if (row.identity_verified && !conf::cohort_has(*mine, row.patient))
    return "the patient is no longer in the project's list of patients";
  return std::nullopt;
}

/// What runs and may not is stopped; it goes back in line, where it waits for an extension or ends.
void project_queue::stop_forbidden() {
  const bool over = expired();
  std::erase_if(running_, [&](const auto& each) {
    const bool stops = over || forbidden(each.second);
    if (stops) tell_association(each.second.pacs, cancel_retrieval{options_.project, each.first});
    return stops;
  });
}

/// Requests that will never be allowed again end; whoever asked may ask again when the rules have changed.
void project_queue::end_forbidden(const std::string& pacs, const std::vector<const request_row*>& heads) {
  std::vector<journal_entry> entries;
  std::vector<request_row> ended;
  for (const auto* row : heads) {
    const auto why = changing_.contains(row->number) ? std::nullopt : forbidden(*row);
    if (!why) continue;
    auto gone = *row;
    gone.error = *why;
    advance(gone, request_state::cancelled, options_.clocks.utc_us(), *why);
    entries.push_back(request_entry("request.cancelled", by_the_rules, gone, *why));
    changing_.insert(gone.number);
    ended.push_back(std::move(gone));
  }
  if (ended.empty()) return;
  pen_.append(
      std::move(entries), {}, {},
      [this, pacs, ended = std::move(ended)](const entries_committed&) {
        for (const auto& row : ended) {
          changing_.erase(row.number);
          ledger_.committed(row, true, options_.clocks.utc_us());
        }
        pump(pacs);
      },
      [this](const failure& problem) { give_up(problem); });
}

result<void> project_queue::sum_suspended() {
  suspended_ = {};
  former_pacs_.clear();
  const auto* mine = project();
  auto end =
      storage::read_rows<holding_row>(*options_.core, {.prefix = keys::holdings_of(options_.project)}, "holding",
                                      [&](std::string_view, holding_row&& row) {
                                        if (!options_.governors.contains(row.pacs)) former_pacs_.insert(row.pacs);
                                        if (mine && !conf::is_suspended(*options_.rules, *mine, row.pacs, row.patient))
                                          return true;
                                        ++suspended_.studies;
                                        suspended_.bytes += row.bytes;
                                        return true;
                                      });
  return end ? result<void>{} : result<void>{end.error()};
}

answered project_queue::on_weigh(const conf::rules& proposed) {
  const auto* now = project();
  const auto* then = conf::find_project(proposed, options_.project);
  if (!now || (then && *then == *now)) return {"{}"};
  nlohmann::json felt = nlohmann::json::object();
  const auto count = [&felt](const char* what, std::uint64_t more) {
    if (more > 0) felt[what] = felt.value(what, std::uint64_t{0}) + more;
  };
  if (then)
    for (const auto& user : now->members)
      if (!conf::is_member(*then, user)) felt["leaving"].push_back(user);
  std::size_t looked_at = 0;
  const auto weigh = [&](const request_row& row) {
    if (is_terminal(row.state)) return;
    const bool stops = !then || !conf::may_use_pacs(*then, row.pacs) ||
                       (row.identity_verified && !conf::cohort_has(*then, row.patient));
    count("requests_stopped", stops ? 1 : 0);
    count("requests_of_leaving_members", then && !conf::is_member(*then, row.user) ? 1 : 0);
  };
  for (const auto& [number, row] : running_) weigh(row);
  static_cast<void>(options_.core->scan(storage::column::rows, {.prefix = keys::waiting_of(options_.project)},
                                        [&](std::string_view key, auto) {
                                          auto row = ledger_.find(queue_ledger::number_of_waiting_key(key));
                                          if (row && *row) weigh(**row);
                                          return ++looked_at < most_weighed;
                                        }));
  if (looked_at == most_weighed) felt["at_least"] = true;
  static_cast<void>(storage::read_rows<holding_row>(
      *options_.core, {.prefix = keys::holdings_of(options_.project), .limit = most_weighed}, "holding",
      [&](std::string_view, holding_row&& row) {
        const bool hidden = !then || conf::is_suspended(proposed, *then, row.pacs, row.patient);
        count("holdings_suspended", hidden ? 1 : 0);
        count("bytes_suspended", hidden ? row.bytes : 0);
        return true;
      }));
  return {felt.dump()};
}

}  // namespace penstock::actors
