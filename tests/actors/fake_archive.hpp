#pragma once
// A PACS and the gateways in front of it, in a few lines and on the test's scheduler: it answers C-FIND, and on C-MOVE
// writes the objects where they are expected, a second later.

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "messages/interfaces.hpp"
#include "messages/type_ids.hpp"
#include "storage/dimse_channel.hpp"
#include "tests/actors/shard_support.hpp"
#include "tests/support/sim_world.hpp"

namespace penstock::tests {

using namespace messages;

struct archive {
  struct study {
    medical_record_number patient;
    std::size_t instances = 2;
  };
  using name = std::pair<std::string, std::uint64_t>;  ///< owner and ticket

  std::map<std::string, study> studies;  ///< by UID
  std::map<std::string, int> moves;      ///< C-MOVEs seen, by study
  std::size_t most_in_flight = 0;
  bool down = false;  ///< takes no connection
  std::size_t refused = 0;
  std::map<name, move_job> waiting;    ///< associations that stand
  std::map<name, move_job> in_flight;  ///< ... whose C-MOVE has come
  std::map<name, expect_arrivals> expected;
  std::map<name, std::vector<std::string>> parts;

  static dicom_uid instance(const std::string& study, std::size_t number) {
    return dicom_uid{study + ".1." + std::to_string(number)};
  }

  [[nodiscard]] std::vector<find_row> answer(std::uint32_t number, const find_query& query) const {
    std::vector<find_row> rows;
    const auto add = [&](std::map<std::string, protected_text> attributes) {
      rows.push_back({number, std::move(attributes), true});
    };
    const auto uid = query.keys.at("StudyInstanceUID").reveal();
    const auto found = studies.find(uid);
    if (found == studies.end()) return rows;
    if (query.level == "STUDY")
      add({{"StudyInstanceUID", protected_text{uid}},
           {"PatientID", found->second.patient.patient_id},
           {"IssuerOfPatientID", found->second.patient.issuer}});
    if (query.level == "SERIES")
      add({{"SeriesInstanceUID", protected_text{uid + ".1"}}, {"Modality", protected_text{"MR"}}});
    for (std::size_t i = 1; query.level == "IMAGE" && i <= found->second.instances; ++i)
      add({{"SOPInstanceUID", protected_text{instance(uid, i).reveal()}}});
    return rows;
  }

  /// False when nobody expects it (any more).
  bool deliver(const name& to, const std::string& uid) {
    const auto where = expected.find(to);
    if (where == expected.end()) return false;
    std::vector<object> objects;
    const auto& held = studies.at(uid);
    for (std::size_t i = 1; i <= held.instances; ++i) {
      object one;
      one.study = uid;
      one.series = uid + ".1";
      one.instance = instance(uid, i).reveal();
      one.instance_number = static_cast<int>(i);
      one.patient_id = held.patient.patient_id.reveal();
      one.issuer = held.patient.issuer.reveal();
      objects.push_back(std::move(one));
    }
    parts[to].push_back(where->second.stem + "-1.part");
    write_part(where->second.directory, parts[to].back(), objects);
    return true;
  }

  void forget(const std::string& owner) {
    const auto of_owner = [&](const auto& entry) { return entry.first.first == owner; };
    std::erase_if(waiting, of_owner);
    std::erase_if(in_flight, of_owner);
  }
};

inline constexpr const char* archive_delivers = "the objects arrive";

/// What the child of a job says that finds nobody.
inline void take_no_connection(dimse_port_actor::pointer self, const dimse_owner_actor& owner, const start_dimse& start,
                               archive& pacs) {
  ++pacs.refused;
  const auto say = [&](const auto& message) {
    self->send(owner, dimse_reported{start.ticket, storage::encode_dimse(message)});
  };
  const auto kind = storage::dimse_kind(start.job);
  if (kind == move_job::kind) {
    move_done done;
    done.outcome = peer_outcome::unreachable;
    say(done);
  } else if (kind == echo_job::kind) {
    say(echo_done{peer_outcome::unreachable, 0, 1, "connection refused"});
  } else {
    say(find_ended{peer_outcome::unreachable, 1, "connection refused"});
  }
  self->send(owner, dimse_ended{start.ticket, ""});
}

inline dimse_port_actor::behavior_type archive_port(dimse_port_actor::pointer self, std::shared_ptr<archive> pacs) {
  const auto say = [=](const auto& owner, std::uint64_t ticket, const auto& message) {
    self->send(owner, dimse_reported{ticket, storage::encode_dimse(message)});
  };
  const auto finish = [=](const dimse_owner_actor& owner, std::uint64_t ticket, peer_outcome outcome) {
    move_done done;
    done.outcome = outcome;
    done.sent = outcome == peer_outcome::answered;
    say(owner, ticket, done);
    self->send(owner, dimse_ended{ticket, ""});
  };
  auto owners = std::make_shared<std::map<std::string, dimse_owner_actor>>();
  return {[=](const start_dimse& start) {
            const auto owner = (*owners)[start.owner] = caf::actor_cast<dimse_owner_actor>(self->current_sender());
            if (pacs->down) return take_no_connection(self, owner, start, *pacs);
            if (storage::dimse_kind(start.job) == move_job::kind) {
              pacs->waiting[{start.owner, start.ticket}] = *storage::decode_dimse<move_job>(start.job);
              return say(owner, start.ticket, ready{1});
            }
            if (storage::dimse_kind(start.job) == echo_job::kind) {
              say(owner, start.ticket, echo_done{peer_outcome::answered, 0, 1, ""});
              return self->send(owner, dimse_ended{start.ticket, ""});
            }
            const auto job = *storage::decode_dimse<find_job>(start.job);
            for (std::uint32_t i = 0; i < job.queries.size(); ++i) {
              for (const auto& row : pacs->answer(i, job.queries[i])) say(owner, start.ticket, row);
              say(owner, start.ticket, find_done{i, 0, 1, false});
            }
            say(owner, start.ticket, find_ended{peer_outcome::answered, 1, ""});
            self->send(owner, dimse_ended{start.ticket, ""});
          },
          [=](const tell_dimse& told) {
            const archive::name child{told.owner, told.ticket};
            if (storage::dimse_kind(told.message) == go::kind) {
              auto job = pacs->waiting.extract(child);
              if (job.empty()) return;
              ++pacs->moves[job.mapped().study_uid.reveal()];
              pacs->in_flight.insert(std::move(job));
              pacs->most_in_flight = std::max(pacs->most_in_flight, pacs->in_flight.size());
              return self->delayed_send(dimse_port_actor{self}, std::chrono::seconds{1},
                                        tell_dimse{told.owner, told.ticket, archive_delivers});
            }
            const auto moving = pacs->in_flight.find(child);
            if (told.message != archive_delivers || moving == pacs->in_flight.end()) return;
            const auto uid = moving->second.study_uid.reveal();
            pacs->in_flight.erase(moving);
            const auto& owner = (*owners)[told.owner];
            if (pacs->deliver(child, uid))
              self->send(owner, instances_arrived{told.ticket, pacs->studies.at(uid).instances, 100, 0, 0});
            finish(owner, told.ticket, peer_outcome::answered);
          },
          [=](const stop_dimse& stop) {
            const archive::name child{stop.owner, stop.ticket};
            if (pacs->waiting.erase(child) + pacs->in_flight.erase(child) > 0)
              finish((*owners)[stop.owner], stop.ticket, peer_outcome::stopped);
          },
          [=](const disown_dimse& disown) { pacs->forget(disown.owner); },
          [](const describe_actor&) { return answered{"{}"}; }};
}

inline dicom_listener_actor::behavior_type archive_listener(dicom_listener_actor::pointer,
                                                            std::shared_ptr<archive> pacs) {
  return {[=](const expect_arrivals& what) {
            pacs->expected[{what.owner, what.ticket}] = what;
            return arrivals_expected{what.ticket};
          },
          [=](const stop_arrivals& which) {
            const archive::name child{which.owner, which.ticket};
            pacs->expected.erase(child);
            auto parts = pacs->parts.extract(child);
            return arrivals_stopped{which.ticket, parts.empty() ? std::vector<std::string>{} : parts.mapped()};
          },
          [](const start_dimse&) {},
          [](const tell_dimse&) {},
          [](const stop_dimse&) {},
          [=](const disown_dimse& disown) {
            std::erase_if(pacs->expected, [&](const auto& entry) { return entry.first.first == disown.owner; });
          },
          [](const rules_published&) {},
          [](const describe_actor&) { return answered{"{}"}; }};
}

}  // namespace penstock::tests
