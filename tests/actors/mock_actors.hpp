#pragma once
// Neighbours of a few lines. Each writes down what it is told in a log that the test reads, and answers as the log
// says.

#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/sliding_log.hpp"
#include "messages/actor_errors.hpp"
#include "messages/interfaces.hpp"
#include "messages/type_ids.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"
#include "tests/actors/mock_sinks.hpp"
#include "tests/support/sim_world.hpp"

namespace penstock::tests {

using namespace messages;

// ---- governor ----

struct governor_log {
  std::vector<work_waiting> work;
  std::vector<permit_answered> answers;
  std::vector<std::uint64_t> claims;
  std::int64_t send_before_boottime_ns = std::numeric_limits<std::int64_t>::max();  ///< of what is claimed
  bool refuses_claims = false;
  std::vector<std::uint64_t> over;
  std::vector<bool> known_over;
  std::vector<std::uint64_t> alive;
  std::vector<query_wanted> queries;
  std::vector<pacs_reachability> reachability;
  caf::actor_addr asker;  ///< who sent work or a query last
  bool grants_queries = true;
};

inline governor_clock_actor::behavior_type mock_governor(governor_clock_actor::pointer self,
                                                         std::shared_ptr<governor_log> log) {
  return {[=](const work_waiting& work) {
            log->work.push_back(work);
            log->asker = caf::actor_cast<caf::actor_addr>(self->current_sender());
          },
          [=](const claim_permit& claim) -> caf::result<permit_granted> {
            log->claims.push_back(claim.permit);
            if (log->refuses_claims) return to_caf({errc::conflict, "the window has closed"});
            return permit_granted{claim.permit,
                                  "gh-rad",
                                  log->send_before_boottime_ns,
                                  {{storage::keys::lease("gh-rad", claim.permit), "{}", false}}};
          },
          [=](const permit_answered& answer) { log->answers.push_back(answer); },
          [=](const retrieval_over& over) {
            log->over.push_back(over.permit);
            log->known_over.push_back(over.known);
          },
          [=](const retrieval_alive& alive) { log->alive.push_back(alive.permit); },
          [=](const query_wanted& wanted) {
            log->queries.push_back(wanted);
            log->asker = caf::actor_cast<caf::actor_addr>(self->current_sender());
            auto who = caf::actor_cast<query_asker_actor>(self->current_sender());
            if (log->grants_queries) self->send(who, query_granted{wanted.ticket, "gh-rad", wanted.queries, {}});
          },
          [=](const pacs_reachability& seen) { log->reachability.push_back(seen); },
          [=](const describe_governor&) { return answered{"{}"}; },
          [=](const simulate_governor&) { return answered{"{}"}; },
          [=](const pause_starts&) { return answered{"{}"}; },
          [=](const resume_starts&) { return answered{"{}"}; },
          [=](const rules_published&) {},
          [=](const tick&) {}};
}

// ---- association ----

struct association_log {
  std::vector<run_query> queries;
  std::vector<list_series> enumerations;
  std::vector<std::size_t> image_queries;  ///< how many in each question
  std::size_t series_of_a_study = 1;
  bool refuses_image_queries = false;
  bool nothing_lacks = false;  ///< of whatever is to be prepared
  std::vector<retrieve_study> prepared;
  std::string preparation_problem;  ///< not empty: no retrieval can be prepared
  std::vector<retrieve_study> retrievals;
  std::vector<cancel_retrieval> cancels;
  std::vector<std::string> stops;
  std::size_t echoes = 0;
  std::uint32_t echo_ms = 1;
  std::map<std::string, std::vector<query_row>>
      studies;  ///< what a STUDY query is answered with, by its first key's value
  std::map<std::string, std::vector<dicom_uid>> instances;  ///< by study
  std::string pacs_problem;                                 ///< not empty: every query fails
  bool holds_queries = false;                               ///< answers no query
  bool knows_nothing = false;                               ///< of retrievals that ran before
  /// What the retrieval of that position is answered with, once the mock is ticked.
  std::vector<std::pair<std::size_t, study_settled>> to_settle;
  std::vector<caf::typed_response_promise<study_settled>> promises;
};

inline caf::result<query_answered> answer_query(association_log& log, const run_query& query) {
  log.queries.push_back(query);
  if (!log.pacs_problem.empty()) return to_caf({errc::pacs_unavailable, log.pacs_problem});
  return query_answered{log.studies[query.keys.begin()->second.reveal()], false};
}

inline series_listed series_in(const association_log& log, const dicom_uid& study) {
  series_listed listed{{}, {"MR"}, false};
  for (std::size_t i = 0; i < log.series_of_a_study; ++i)
    listed.series.push_back(dicom_uid{study.reveal() + ".0." + std::to_string(i)});
  return listed;
}

inline study_settled settled_for(const retrieve_study& command) {
  study_settled none;
  none.project = command.project;
  none.request = command.request;
  none.permit = command.permit;
  none.pacs = "gh-rad";
  none.study = command.study;
  none.patient = command.patient;
  none.modality = "MR";
  none.series = 1;
  none.missing = command.expected;
  return none;
}

inline pacs_association_actor::behavior_type mock_association(pacs_association_actor::pointer self,
                                                              std::shared_ptr<association_log> log) {
  return {[=](const run_query& query) -> caf::result<query_answered> {
            if (log->holds_queries) return self->make_response_promise<query_answered>();
            return answer_query(*log, query);
          },
          [=](const list_series& what) -> caf::result<series_listed> {
            log->enumerations.push_back(what);
            if (!log->pacs_problem.empty()) return to_caf({errc::pacs_unavailable, log->pacs_problem});
            return series_in(*log, what.study);
          },
          // The first series holds all instances.
          [=](const list_images& what) -> caf::result<images_listed> {
            log->image_queries.push_back(what.series.size());
            images_listed listed;
            if (log->refuses_image_queries) listed.refused = "no such query";
            for (const auto& series : what.series)
              if (series.reveal() == what.study.reveal() + ".0.0")
                listed.instances = log->instances[what.study.reveal()];
            return listed;
          },
          [=](const prepare_retrieval& order) -> caf::result<retrieval_prepared> {
            log->prepared.push_back(order.what);
            if (!log->preparation_problem.empty()) return to_caf({errc::pacs_unavailable, log->preparation_problem});
            return retrieval_prepared{order.what.permit, log->nothing_lacks};
          },
          [=](const retrieve_study& command) -> caf::result<study_settled> {
            auto promise = self->make_response_promise<study_settled>();
            if (command.send_before_boottime_ns == 0 && log->knows_nothing) {
              auto none = settled_for(command);
              none.outcome.known = false;
              promise.deliver(std::move(none));
              return promise;
            }
            for (std::size_t i = 0; i < log->retrievals.size(); ++i)
              if (log->retrievals[i].permit == command.permit) {
                log->promises[i] = promise;
                return promise;
              }
            log->retrievals.push_back(command);
            log->promises.push_back(promise);
            return promise;
          },
          [=](const cancel_retrieval& which) { log->cancels.push_back(which); },
          [=](const stop_retrievals& order) {
            log->stops.push_back(order.why);
            return retrievals_stopped{1};
          },
          [=](const echo_pacs&) {
            ++log->echoes;
            return echo_answered{log->pacs_problem.empty(), log->echo_ms, log->pacs_problem};
          },
          [=](const dimse_reported&) {}, [=](const dimse_ended&) {}, [=](const instances_arrived&) {},
          [=](const rules_published&) {}, [=](const describe_actor&) { return answered{"{}"}; },
          [=](const tick&) {
            for (auto& [which, settled] : std::exchange(log->to_settle, {})) log->promises.at(which).deliver(settled);
          }};
}

// ---- cache shard ----

struct shard_log {
  std::vector<adopt_study> adoptions;
  std::vector<forget_study> forgotten;
  std::vector<settle_study> settled;
  std::map<std::string, std::vector<dicom_uid>> cached;  ///< whole studies, by study
  std::uint64_t bytes_of_an_instance = 100;
};

inline study_settled adoption_of(const shard_log& log, const adopt_study& question) {
  study_settled have;
  have.project = question.project;
  have.request = question.request;
  have.pacs = question.pacs;
  have.study = question.study;
  have.patient = question.patient;
  have.modality = "MR";
  const auto found = log.cached.find(question.study.reveal());
  if (found == log.cached.end() || found->second != question.expected)
    have.missing = question.expected;
  else
    have.present = question.expected;
  have.bytes = have.present.size() * log.bytes_of_an_instance;
  return have;
}

inline cache_shard_actor::behavior_type mock_shard(cache_shard_actor::pointer, std::shared_ptr<shard_log> log) {
  return {[=](const reserve_pack& wanted) {
            return pack_reserved{"/packs", "stem", wanted.expected};
          },
          [=](const settle_study& order) {
            log->settled.push_back(order);
            study_settled settled;
            settled.permit = order.permit;
            settled.study = order.study;
            settled.present = order.expected;
            settled.outcome = order.outcome;
            return settled;
          },
          [=](const adopt_study& question) {
            log->adoptions.push_back(question);
            return adoption_of(*log, question);
          },
          [=](const locate_objects&) -> caf::result<objects_located> { return unasked(); },
          [=](const list_instances&) -> caf::result<answered> { return unasked(); },
          [=](const forget_study& which) {
            log->forgotten.push_back(which);
            return study_forgotten{1};
          },
          [=](const examine_cache&) { return cache_examined{}; },
          [=](const describe_shard&) { return shard_described{}; }};
}

}  // namespace penstock::tests
