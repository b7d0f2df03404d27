#pragma once
// A project's queue among mocks, and what the tests of it do again and again.

#include <algorithm>
#include <string>
#include <vector>

#include "actors/project_queue.hpp"
#include "tests/actors/actor_fixture.hpp"
#include "tests/actors/mock_actors.hpp"

namespace penstock::tests {

using nlohmann::json;
namespace keys = storage::keys;

inline retrieval_outcome outcome_of(bool sent, const std::string& problem = "") {
  retrieval_outcome outcome;
  outcome.sent = sent;
  outcome.problem = problem;
  return outcome;
}

struct queue_site : actor_fixture {
  std::shared_ptr<governor_log> governor = std::make_shared<governor_log>();
  std::shared_ptr<association_log> pacs = std::make_shared<association_log>();
  std::shared_ptr<shard_log> shard = std::make_shared<shard_log>();
  governor_clock_actor governor_handle = spawn_function(mock_governor, governor);
  pacs_association_actor association_handle = spawn_function(mock_association, pacs);
  cache_shard_actor shard_handle = spawn_function(mock_shard, shard);
  list_reader_actor reader_handle = spawn_function(mock_reader);
  project_queue_actor queue = start_queue("alz");
  std::uint64_t last_permit = 100;
  int last_op = 0;

  project_queue_actor start_queue(const std::string& project) {
    actors::project_queue_options options;
    options.project = project;
    options.rules = site;
    options.journal = journal;
    options.governors["gh-rad"] = governor_handle;
    options.associations["gh-rad"] = association_handle;
    options.shards = {shard_handle};
    options.reader = reader_handle;
    options.core = core;
    options.clocks = clocks();
    auto started = keep(actors::start_project_queue(sys, std::move(options), nullptr));
    settle();
    return started;
  }

  /// All actors anew on the same store; the association knows nothing of what ran.
  void restart_process() {
    end(queue);
    end(journal);
    pacs->knows_nothing = true;
    start_journal();
    queue = start_queue("alz");
  }
  void kill_queue() {
    kill(governor->asker);
    advance(100ms);
  }
  void change_rules(const std::function<void(conf::rules&)>& change) {
    auto changed = std::make_shared<conf::rules>(*site);
    change(*changed);
    site = changed;
    self->send(queue, rules_published{changed, nullptr});
    settle();
  }

  /// The PACS has that study of that patient with so many instances.
  void study_at_pacs(const std::string& uid, const medical_record_number& patient = jane, std::size_t instances = 2) {
    query_row found;
    found.values["StudyInstanceUID"] = protected_text{uid};
    found.values["PatientID"] = patient.patient_id;
    found.values["IssuerOfPatientID"] = patient.issuer;
    found.values["StudyDate"] = protected_text{"20260301"};
    pacs->studies[uid] = {found};
    auto& all = pacs->instances[uid] = {};
    for (std::size_t i = 1; i <= instances; ++i) all.push_back(dicom_uid{uid + "." + std::to_string(i)});
  }
  /// This project's own search has shown it already.
  void verified_by_search(const std::string& uid, const medical_record_number& patient = jane) {
    journal_entry entry;
    entry.kind = "query.answered";
    verified_study facts;
    facts.patient = patient;
    facts.in_cohort = true;
    entry.rows.push_back(storage::put_row(keys::verified("alz", "gh-rad", dicom_uid{uid}), facts));
    auto generation = ask<writer_enrolled>(journal, enrol_writer{"search/alz"});
    BOOST_REQUIRE(
        ask<entries_committed>(journal, append_entries{"search/alz", generation->generation, {entry}, {}, {}}).ok());
  }

  submit_requests submission(const std::vector<std::string>& studies, const std::string& op = "") {
    submit_requests command;
    command.who = {"amy", op};
    for (const auto& uid : studies) command.items.push_back({"gh-rad", dicom_uid{uid}, {}});
    return command;
  }
  json answer_of(const result<answered>& answer) {
    BOOST_REQUIRE_MESSAGE(answer.ok(), (answer.ok() ? "" : answer.error().text()));
    return json::parse(answer->json);
  }
  std::vector<std::string> outcomes(const json& answer) {
    std::vector<std::string> all;
    for (const auto& each : answer.at("rows")) all.push_back(each.at("outcome"));
    return all;
  }
  /// Submits studies, all of which must be accepted; what each lacks is asked for at once.
  void submit(const std::vector<std::string>& studies) {
    const auto answer = answer_of(ask<answered>(queue, submission(studies, "submit-" + std::to_string(++last_op))));
    for (const auto& outcome : outcomes(answer)) BOOST_REQUIRE_EQUAL(outcome, "accepted");
  }
  json cancel(std::uint64_t number, const std::string& op = "") {
    return answer_of(ask<answered>(queue, cancel_requests{{"amy", op}, {number}})).at("rows").at(0);
  }

  /// A study that lies at the PACS, submitted and prepared.
  void prepared(const std::string& uid, std::size_t instances = 2) {
    study_at_pacs(uid, jane, instances);
    submit({uid});
  }

  permit_offered offer() { return {++last_permit, "gh-rad"}; }
  void grant() {
    self->send(queue, offer());
    settle();
  }

  /// The retrieval ends: so many of the expected instances are here.
  void settle_retrieval(std::size_t which, std::size_t present, const retrieval_outcome& outcome = outcome_of(true)) {
    const auto& command = pacs->retrievals.at(which);
    auto settled = settled_for(command);
    settled.present.assign(command.expected.begin(), command.expected.begin() + static_cast<std::ptrdiff_t>(present));
    settled.missing.assign(command.expected.begin() + static_cast<std::ptrdiff_t>(present), command.expected.end());
    settled.bytes = present * shard->bytes_of_an_instance;
    settled.outcome = outcome;
    pacs->to_settle.emplace_back(which, settled);
    self->send(association_handle, tick{});
    settle();
  }
  void retrieve_all() {
    grant();
    settle_retrieval(pacs->retrievals.size() - 1, pacs->retrievals.back().expected.size());
  }

  [[nodiscard]] std::uint64_t ready() const { return governor->work.empty() ? 0 : governor->work.back().ready; }
  json usage() { return answer_of(ask<answered>(queue, describe_usage{{"amy", ""}})); }
};

inline std::ostream& operator<<(std::ostream& out, const std::vector<std::string>& texts) {
  for (const auto& text : texts) out << text << ' ';
  return out;
}

}  // namespace penstock::tests

namespace penstock::messages {
inline std::ostream& operator<<(std::ostream& out, request_state state) { return out << name_of(state); }
inline std::ostream& operator<<(std::ostream& out, waiting_reason reason) { return out << name_of(reason); }
inline std::ostream& operator<<(std::ostream& out, errc code) { return out << name_of(code); }
}  // namespace penstock::messages
