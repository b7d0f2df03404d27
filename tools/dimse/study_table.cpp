#include "tools/dimse/study_table.hpp"

#include <algorithm>
#include <utility>

#include "storage/file.hpp"

namespace penstock::dimse {
namespace {

using std::chrono::milliseconds;

messages::store_decision not_allowed(const messages::dicom_uid& study, std::string reason) {
  messages::store_decision decision;
  decision.study_uid = study;
  decision.reason = std::move(reason);
  return decision;
}

}  // namespace

known_study* study_table::find(const messages::dicom_uid& study) {
  const auto found = studies_.find(study);
  if (found == studies_.end()) return nullptr;
  found->second.last_use = ++uses_;
  return &found->second;
}

known_study* study_table::find_or_ask(const messages::dicom_uid& study,
                                      const messages::medical_record_number& patient) {
  if (auto* known = find(study)) return known;
  make_room();
  asked_ = study;
  session_.parent.tell(messages::may_store{study, patient, calling_ae_});
  const auto until = steady::now() + milliseconds{job_.decision_timeout_ms};
  while (!stopped_ && !find(study)) {
    if (session_.wait(-1, 0, until, true) != wake::message) stopped_ = true;
    heed_messages();
  }
  asked_.reset();
  return find(study);
}

void study_table::heed_messages() {
  session_.parent.collect();
  while (auto packet = session_.parent.next()) heed(std::move(*packet));
  if (session_.parent.gone()) stopped_ = true;
}

void study_table::heed(storage::dimse_packet packet) {
  if (packet.kind == messages::store_decision::kind) return decide(std::move(packet));
  if (packet.kind == messages::cancel::kind) stopped_ = true;
  if (packet.kind != messages::close_study::kind) return;
  if (const auto message = storage::decode_dimse<messages::close_study>(packet.text)) close(message->study_uid);
}

void study_table::decide(storage::dimse_packet packet) {
  auto decision = storage::decode_dimse<messages::store_decision>(packet.text);
  // An answer to a question that was given up is not heeded; its descriptor closes with the packet.
  if (!decision || !asked_ || decision->study_uid != *asked_) return;
  known_study known{.decision = std::move(decision).value(), .pack = std::nullopt, .last_use = ++uses_};
  if (known.decision.allowed && !packet.attached) known.decision = not_allowed(*asked_, "no pack was given");
  if (known.decision.allowed) {
    auto started = storage::pack_writer::start(storage::adopt_descriptor(packet.attached.release(), "the pack"),
                                               storage::new_pack_id(), {.most_part10_bytes = job_.max_instance_bytes});
    if (started)
      known.pack.emplace(std::move(started).value());
    else
      known.decision = not_allowed(*asked_, started.error().text());
  }
  studies_.insert_or_assign(*asked_, std::move(known));
}

void study_table::let_go(known_study& study, const std::string& problem) {
  if (!study.pack) return;
  report_.flush();
  messages::study_closed closed{study.decision.study_uid, study.pack->records(), study.pack->committed_bytes(),
                                problem};
  if (problem.empty())
    if (auto flushed = study.pack->flush(); !flushed) closed.problem = flushed.error().text();
  study.pack.reset();
  session_.parent.tell(closed);
}

void study_table::give_up(known_study& study, const messages::failure& problem) {
  let_go(study, problem.text());
  study.decision.allowed = false;
  study.decision.reason = "the pack cannot be written";
}

void study_table::close(const messages::dicom_uid& study) {
  const auto found = studies_.find(study);
  if (found == studies_.end() || !found->second.pack) {
    session_.parent.tell(messages::study_closed{study, 0, 0, {}});
    if (found != studies_.end()) studies_.erase(found);
    return;
  }
  let_go(found->second, {});
  studies_.erase(found);
}

void study_table::make_room() {
  while (studies_.size() >= most_studies) {
    const auto oldest = std::min_element(studies_.begin(), studies_.end(), [](const auto& a, const auto& b) {
      return a.second.last_use < b.second.last_use;
    });
    let_go(oldest->second, {});
    studies_.erase(oldest);
  }
}

void study_table::close_all() {
  for (auto& [uid, study] : studies_) let_go(study, {});
  studies_.clear();
}

}  // namespace penstock::dimse
