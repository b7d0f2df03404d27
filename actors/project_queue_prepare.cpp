// What must be known before a permit: whose study it is, and which instances it holds.

#include <spdlog/spdlog.h>

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

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

/// Requests of one PACS that are being verified or enumerated at a time.
constexpr std::size_t most_preparing = 4;
/// IMAGE queries, one a series, that one permit of the governor covers: a study of many series leaves turns to others.
constexpr std::size_t most_queries_at_once = 16;
constexpr std::size_t most_instances_of_a_study = 200'000;
constexpr std::chrono::minutes query_patience{10};
constexpr std::chrono::minutes shard_patience{5};
constexpr std::int64_t postponed_us = 15'000'000;

std::string joined(std::vector<std::string> values) {
  std::sort(values.begin(), values.end());
  std::string text;
  for (const auto& value : values) text += (text.empty() ? "" : ",") + value;
  return text;
}

std::string value_of(const query_row& row, const char* keyword) {
  const auto found = row.values.find(keyword);
  return found == row.values.end() ? std::string{} : found->second.reveal();
}

}  // namespace

void project_queue::pump_all() {
  for (const auto& [pacs, governor] : options_.governors) pump(pacs);
  for (const auto& pacs : ledger_.pacs_with_work())
    if (!options_.governors.contains(pacs)) pump(pacs);
}

/// Looks at the first requests in line: those that lack something get it under the query limits, the others are ready,
/// and the governor hears how many there are.
void project_queue::pump(const std::string& pacs) {
  const auto* mine = project();
  const auto governor = options_.governors.find(pacs);
  if (!mine || ledger_.waiting_count(pacs) == 0) return announce(pacs, 0);
  std::uint64_t ready = 0;
  std::vector<std::uint64_t> begin;
  bool room = true;
  auto heads = ledger_.heads(pacs, options_.clocks.utc_us());
  if (!heads) return give_up(heads.error());
  end_forbidden(pacs, *heads);
  if (!expired() && governor != options_.governors.end()) {
    for (const auto* row : *heads) {
      if (changing_.contains(row->number)) continue;
      room = room && has_room(ledger_.quota(mine->cache_quota_bytes, row->estimated_bytes));
      if (row->identity_verified && row->enumerated)
        ready += room ? 1 : 0;
      else if (preparing_[pacs] < most_preparing)
        begin.push_back(row->number);
    }
  }
  for (const auto number : begin) {
    if (preparing_[pacs] >= most_preparing) break;
    ++preparing_[pacs];
    ledger_.set_busy(number, true);
    enumeration asking;
    asking.request = number;
    asking.pacs = pacs;
    want_queries(std::move(asking));
  }
  announce(pacs, ready);
}

/// A governor that was restarted has forgotten what waits; that nothing does needs no word.
void project_queue::say_again() {
  for (auto& [pacs, said] : announced_)
    if (said != nothing_waits) said = not_said;
}

/// What is new to the governor.
void project_queue::announce(const std::string& pacs, std::uint64_t ready) {
  const auto governor = options_.governors.find(pacs);
  const auto* mine = project();
  if (governor == options_.governors.end()) return;
  const announcement now{ready, ledger_.waiting_count(pacs)};
  if (auto& said = announced_.try_emplace(pacs, nothing_waits).first->second; said != now)
    said = now;
  else
    return;
  self_->send(governor->second, work_waiting{options_.project, mine ? mine->weight : 1, now.ready, now.waiting});
}

void project_queue::want_queries(enumeration asking) {
  const auto ticket = ++last_ticket_;
  send_wanted(ticket, asking);
  tickets_.emplace(ticket, std::move(asking));
}

void project_queue::send_wanted(std::uint64_t ticket, const enumeration& asking) {
  self_->send(options_.governors.at(asking.pacs),
              query_wanted{ticket, options_.project, query_purpose::enumeration, asking.queries()});
}

std::uint32_t project_queue::enumeration::queries() const {
  return series.empty() ? 1 : static_cast<std::uint32_t>(std::min(series.size(), most_queries_at_once));
}

void project_queue::on_query_granted(const query_granted& granted) {
  const auto ticket = tickets_.find(granted.ticket);
  if (ticket == tickets_.end()) return;
  auto asking = std::move(ticket->second);
  tickets_.erase(ticket);
  auto found = ledger_.find(asking.request);
  if (!found) return give_up(found.error());
  if (!*found || (*found)->state != request_state::scheduled || expired() || forbidden(**found)) {
    --preparing_[granted.pacs];
    ledger_.set_busy(asking.request, false);
    return pump(granted.pacs);
  }
  asking.row = std::move(**found);
  const auto& row = asking.row;
  journal_entry entry;
  entry.kind = row.identity_verified ? "query.enumerate" : "query.verify";
  entry.user = row.user;
  entry.project = row.project;
  entry.pacs = row.pacs;
  entry.request = std::to_string(row.number);
  entry.identifiers.push_back({"study_instance_uid", protected_text{row.study.reveal()}});
  entry.rows = granted.rows;
  pen_.append(
      std::move(entry),
      [this, asking, queries = granted.queries](const entries_committed&) {
        // The rules may have changed while this was written: nothing is sent.
        if (expired() || forbidden(asking.row)) return postpone(asking.row, {errc::conflict, "the rules have changed"});
        asking.row.identity_verified ? ask_next(asking, queries) : verify(asking.row);
      },
      [this](const failure& problem) { give_up(problem); });
}

void project_queue::verify(request_row row) {
  run_query query;
  query.level = "STUDY";
  query.keys["StudyInstanceUID"] = protected_text{row.study.reveal()};
  query.wanted = {"PatientID", "IssuerOfPatientID", "AccessionNumber",     "StudyDate",
                  "StudyTime", "ModalitiesInStudy", "InstanceAvailability"};
  query.most_rows = 10;
  self_->request(options_.associations.at(row.pacs), query_patience, std::move(query))
      .then(
          [this, row](const query_answered& answer) { on_verified(row, answer); },
          [this, row](const caf::error& problem) { query_failed(row, from_caf(problem, "verify whose study it is")); });
}

/// The second gate: the answer must be of the study asked for, and its patient in the cohort, exactly.
void project_queue::on_verified(request_row row, const query_answered& answer) {
  const auto* pacs = conf::find_pacs(*options_.rules, row.pacs);
  const auto* mine = project();
  if (!pacs || !mine)
    return postpone(std::move(row), {errc::not_found, "the PACS or project is no longer in the rules"});
  const query_row* match = nullptr;
  for (const auto& each : answer.rows)
    if (value_of(each, "StudyInstanceUID") == row.study.reveal()) match = &each;
  const auto now_us = options_.clocks.utc_us();
  medical_record_number patient;
  if (match) patient = conf::mrn_of_answer(*pacs, value_of(*match, "PatientID"), value_of(*match, "IssuerOfPatientID"));
  if (!match || !conf::cohort_has(*mine, patient)) {
    row.error = "no such study of a patient of this project at this PACS";
    advance(row, request_state::failed, now_us, row.error);
    return commit_row(row, request_entry("request.failed", row.user, row, row.error));
  }
  row.patient = patient;
  row.accession = protected_text{value_of(*match, "AccessionNumber")};
  row.study_date = value_of(*match, "StudyDate");
  row.availability = value_of(*match, "InstanceAvailability");
  row.identity_verified = true;
  row.reason = waiting_reason::not_enumerated;
  auto entry = request_entry("request.verified", row.user, row, "identity verified");
  verified_study seen{patient,
                      true,
                      row.accession,
                      row.study_date,
                      value_of(*match, "StudyTime"),
                      value_of(*match, "ModalitiesInStudy"),
                      value_of(*match, "InstanceAvailability"),
                      0,
                      now_us};
  entry.rows.push_back(storage::put_row(keys::verified(row.project, row.pacs, row.study), seen));
  commit_row(row, std::move(entry));
}

/// SERIES first, then IMAGE for each series, so many as were granted.
void project_queue::ask_next(enumeration asking, std::uint32_t queries) {
  const auto& association = options_.associations.at(asking.pacs);
  const auto on_error = [this, row = asking.row](const caf::error& problem) {
    query_failed(row, from_caf(problem, "list what the study holds"));
  };
  if (!asking.series_known) {
    const list_series question{asking.row.study, asking.row.series};
    self_->request(association, query_patience, question)
        .then([this, asking](const series_listed& listed) { on_series(asking, listed); }, on_error);
    return;
  }
  const auto first = asking.series.end() - std::min<std::ptrdiff_t>(queries, std::ssize(asking.series));
  list_images question{asking.row.study, {first, asking.series.end()}};
  asking.series.erase(first, asking.series.end());
  self_->request(association, query_patience, std::move(question))
      .then([this, asking](const images_listed& listed) { on_images(asking, listed); }, on_error);
}

void project_queue::on_series(enumeration asking, const series_listed& listed) {
  if (listed.truncated) return cannot_list(std::move(asking), "the PACS held back part of the list of series");
  if (listed.series.empty()) return set_back_for(std::move(asking.row), "the PACS lists no series of this study");
  asking.series_known = true;
  asking.series = listed.series;
  asking.modalities = listed.modalities;
  want_queries(std::move(asking));
}

void project_queue::on_images(enumeration asking, const images_listed& listed) {
  if (!listed.refused.empty()) return cannot_list(std::move(asking), "it lists no instances (" + listed.refused + ")");
  if (listed.truncated) return cannot_list(std::move(asking), "the PACS held back part of the list of instances");
  auto& found = asking.found;
  found.instances.insert(found.instances.end(), listed.instances.begin(), listed.instances.end());
  found.series_of.insert(found.series_of.end(), listed.series_of.begin(), listed.series_of.end());
  if (found.instances.size() > most_instances_of_a_study)
    return set_back_for(std::move(asking.row), "the study has more instances than one study may have");
  asking.series.empty() ? on_enumerated(std::move(asking)) : want_queries(std::move(asking));
}

/// It is fetched all the same; what comes is kept, and never called complete.
void project_queue::cannot_list(enumeration asked, std::string why) {
  auto& row = asked.row;
  row.expected = 0;
  row.unproven = std::move(why);
  if (!asked.modalities.empty()) row.modality = joined(asked.modalities);
  row.estimated_bytes = ledger_.estimate_bytes(row.modality, 1);
  row.enumerated = true;
  row.reason = waiting_reason::ready;
  row.shard = shard_for(row.study);
  auto entry = request_entry("request.enumerated", row.user, row, "ready for a permit, although " + row.unproven);
  entry.rows.push_back(storage::put_row(keys::expected(row.project, row.number), instance_list{}));
  commit_row(row, std::move(entry));
}

void project_queue::on_enumerated(enumeration asked) {
  auto& row = asked.row;
  if (asked.found.instances.empty()) return set_back_for(std::move(row), "the PACS lists no instances of this study");
  row.expected = asked.found.instances.size();
  row.unproven.clear();
  if (!asked.modalities.empty()) row.modality = joined(asked.modalities);
  row.estimated_bytes = ledger_.estimate_bytes(row.modality, row.expected);
  row.enumerated = true;
  row.reason = waiting_reason::ready;
  row.shard = shard_for(row.study);
  adopt(row, std::move(asked.found));
}

result<bool> project_queue::holds_just(const request_row& row, const instance_list& expected) const {
  auto held = ledger_.holding(row.pacs, row.study);
  if (!held) return held.error();
  if (!*held || !(**held).complete || (**held).instances != expected.instances.size()) return false;
  auto manifest = storage::read_row<instance_list>(
      *options_.core, keys::manifest(row.project, row.pacs, row.study, (**held).version), "manifest");
  if (!manifest) return manifest.error();
  if (!*manifest) return false;
  const std::unordered_set<dicom_uid> known((**manifest).instances.begin(), (**manifest).instances.end());
  return std::ranges::all_of(expected.instances, [&](const dicom_uid& each) { return known.contains(each); });
}

void project_queue::adopt(request_row row, instance_list expected) {
  auto held = holds_just(row, expected);
  if (!held) return give_up(held.error());
  adopt_study question{row.project, row.number,         row.pacs,   row.study,
                       row.patient, expected.instances, row.series, *held};
  self_->request(options_.shards.at(row.shard), shard_patience, std::move(question))
      .then([this, row, expected](const study_settled& have) { on_adoption(row, expected, have); },
            [this, row](const caf::error& problem) { postpone(row, from_caf(problem, "look into the cache")); });
}

/// One study crosses the PACS once: what is here complete and unchanged becomes a holding without a retrieval.
void project_queue::on_adoption(request_row row, instance_list expected, const study_settled& have) {
  if (expired() || forbidden(row)) return postpone(row, {errc::conflict, "the rules have changed"});
  const auto now_us = options_.clocks.utc_us();
  auto held = ledger_.holding(row.pacs, row.study);
  if (!held) return give_up(held.error());
  if (have.present.empty() || !have.missing.empty()) {
    // What the cache has lost of a holding counts towards the quota already.
    if (*held && (**held).bytes > have.bytes)
      row.estimated_bytes -= std::min(row.estimated_bytes, (**held).bytes - have.bytes);
    auto entry = request_entry("request.enumerated", row.user, row,
                               std::to_string(row.expected) + " instances listed, ready for a permit");
    entry.rows.push_back(storage::put_row(keys::expected(row.project, row.number), expected));
    return commit_row(row, std::move(entry));
  }
  const auto state =
      goes_on_following(row, have.present.size(), now_us) ? request_state::scheduled : request_state::completed;
  row.received = have.present.size();
  row.failed = 0;
  row.bytes = have.bytes;
  const std::string why = "already in the cache, complete and unchanged";
  advance(row, state, now_us, why);
  auto entry = request_entry("request." + std::string{name_of(state)}, row.user, row, why);
  const bool stays = *held && !deleting_.contains(keys::holding(row.project, row.pacs, row.study));
  if (stays && (**held).complete && (**held).instances == have.present.size()) return commit_row(row, std::move(entry));
  std::optional<holding_row> before;
  holding_row after;
  add_holding_of(entry, row, have, before, after);
  commit_row(row, std::move(entry),
             [this, before, after] { ledger_.holding_changed(before ? &*before : nullptr, &after); });
}

/// The PACS has answered, and not well: unlike `postpone`, that is recorded and counted.
void project_queue::set_back_for(request_row row, const std::string& why) {
  const auto now_us = options_.clocks.utc_us();
  const auto end = set_back(row, why, now_us);
  ++row.attempts;
  row.error = end.reason;
  row.reason = end.waits_for;
  row.not_before_us = end.not_before_us;
  advance(row, end.state, now_us, end.reason);
  auto entry = request_entry("request." + std::string{name_of(end.state)}, row.user, row, end.reason);
  commit_row(row, std::move(entry));
}

/// A PACS that does not answer is waited for; one that answers and refuses is asked a few times.
void project_queue::query_failed(const request_row& row, const failure& problem) {
  const bool answered = problem.code == errc::bad_request || problem.code == errc::conflict;
  answered ? set_back_for(row, problem.context) : postpone(row, problem);
}

/// Tried again later, without a record: nothing was decided. The order of the others goes on.
void project_queue::postpone(const request_row& row, const failure& problem) {
  --preparing_[row.pacs];
  put_off(row, problem);
}

void project_queue::put_off(const request_row& row, const failure& problem) {
  spdlog::info("project {} request {}: {}", row.project, row.number, problem.text());
  ledger_.release(row.number);
  ledger_.set_busy(row.number, false);
  auto stored = ledger_.find(row.number);
  if (stored && *stored && (*stored)->state == request_state::scheduled) {
    auto later = std::move(**stored);
    later.not_before_us = options_.clocks.utc_us() + postponed_us;
    ledger_.committed(later, true, options_.clocks.utc_us());
  }
  pump(row.pacs);
}

/// Ends a step of preparation. A request that was cancelled meanwhile keeps its end state.
void project_queue::commit_row(request_row row, journal_entry entry, std::function<void()> then) {
  const auto end = [this, pacs = row.pacs, number = row.number] {
    --preparing_[pacs];
    ledger_.set_busy(number, false);
    pump(pacs);
  };
  auto stored = ledger_.find(row.number);
  if (!stored) return give_up(stored.error());
  const bool as_it_was = *stored && (*stored)->state == request_state::scheduled && (*stored)->turn == row.turn;
  if (!as_it_was || changing_.contains(row.number)) return end();
  changing_.insert(row.number);
  pen_.append(
      std::move(entry),
      [this, row, end, then = std::move(then)](const entries_committed&) {
        changing_.erase(row.number);
        if (then) then();
        ledger_.committed(row, true, options_.clocks.utc_us());
        end();
      },
      [this](const failure& problem) { give_up(problem); });
}

}  // namespace penstock::actors
