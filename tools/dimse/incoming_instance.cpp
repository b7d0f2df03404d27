#include "tools/dimse/incoming_instance.hpp"

#include <utility>

#include "storage/character_sets.hpp"

namespace penstock::dimse {
namespace {

messages::protected_text converted(const storage::scanned_dataset& found, const messages::protected_text& raw) {
  return messages::protected_text{storage::to_utf8(found.specific_character_set, raw.reveal()).text};
}

/// Exact, but an object that does not name its issuer is taken at the PACS's word.
bool same_patient(const messages::medical_record_number& expected, const messages::medical_record_number& given) {
  return expected.patient_id == given.patient_id &&
         (expected.issuer.empty() || given.issuer.empty() || expected.issuer == given.issuer);
}

bool over_limit(const known_study& study, std::uint64_t instance_bytes) {
  const auto& decision = study.decision;
  return (decision.most_instances != 0 && study.pack->records() >= decision.most_instances) ||
         (decision.most_bytes != 0 && study.pack->committed_bytes() + instance_bytes > decision.most_bytes);
}

}  // namespace

incoming_instance::incoming_instance(study_table& studies, store_report& report, storage::instance_identity named,
                                     std::uint64_t max_instance_bytes)
    : studies_(studies),
      report_(report),
      named_(std::move(named)),
      max_bytes_(max_instance_bytes),
      scanner_(named_.transfer_syntax) {}

void incoming_instance::take(std::span<const std::byte> bytes) {
  bytes_ += bytes.size();
  if (stage_ != stage::refused && bytes_ > max_bytes_)
    refuse(store_status::out_of_resources, "the instance is larger than allowed");
  if (stage_ == stage::writing) {
    scanner_.feed(bytes);
    write(bytes);
  }
  if (stage_ == stage::identifying) identify(bytes);
}

void incoming_instance::identify(std::span<const std::byte> bytes) {
  held_.insert(held_.end(), bytes.begin(), bytes.end());
  const auto state = scanner_.feed(bytes);
  if (state == storage::scan_state::malformed)
    refuse(store_status::cannot_understand, "data set: " + std::string{scanner_.fault()});
  else if (state != storage::scan_state::reading)
    decide();
  else if (held_.size() > most_held_bytes)
    refuse(store_status::cannot_understand, "data set: the identity comes too late");
}

void incoming_instance::decide() {
  const auto& found = scanner_.found();
  study_uid_ = found.study_instance_uid;
  if (found.sop_instance_uid != named_.sop_instance || found.sop_class_uid != named_.sop_class)
    return refuse(store_status::does_not_match, "data set: other UIDs than the command's");
  const messages::medical_record_number patient{converted(found, found.patient_id),
                                                converted(found, found.issuer_of_patient_id)};
  study_ = studies_.find_or_ask(study_uid_, patient);
  if (study_ == nullptr) return refuse(store_status::out_of_resources, "no decision about the study");
  if (!study_->decision.allowed) return refuse(store_status::not_authorised, study_->decision.reason);
  if (!same_patient(study_->decision.patient, patient))
    return refuse(store_status::other_patient, "the object is of another patient");
  if (over_limit(*study_, bytes_)) return refuse(store_status::out_of_resources, "the study is larger than allowed");
  if (auto begun = study_->pack->begin_record(named_); !begun) return fail_pack(begun.error());
  stage_ = stage::writing;
  write(held_);
  held_.clear();
}

void incoming_instance::write(std::span<const std::byte> bytes) {
  if (study_->decision.most_bytes != 0 && over_limit(*study_, bytes_))
    return refuse(store_status::out_of_resources, "the study is larger than allowed");
  if (auto written = study_->pack->write(bytes); !written) fail_pack(written.error());
}

void incoming_instance::refuse(std::uint16_t status, std::string reason) {
  if (stage_ == stage::writing)
    if (auto undone = study_->pack->abandon_record(); !undone) studies_.give_up(*study_, undone.error());
  stage_ = stage::refused;
  status_ = status;
  reason_ = std::move(reason);
  held_ = {};
}

void incoming_instance::fail_pack(const messages::failure& problem) {
  stage_ = stage::refused;
  studies_.give_up(*study_, problem);
  refuse(store_status::out_of_resources, "the pack cannot be written");
}

std::uint16_t incoming_instance::finish() {
  if (stage_ == stage::identifying) {
    if (scanner_.end() == storage::scan_state::malformed)
      refuse(store_status::cannot_understand, "data set: " + std::string{scanner_.fault()});
    else
      decide();
  }
  if (stage_ == stage::writing) {
    scanner_.end();
    if (scanner_.truncated()) refuse(store_status::cannot_understand, "data set: it ends within an element");
  }
  if (stage_ == stage::writing) {
    auto record = study_->pack->finish_record();
    messages::result<void> synced;
    if (record && study_->decision.sync_before_answer) synced = study_->pack->sync();
    if (!record)
      fail_pack(record.error());
    else if (!synced)
      fail_pack(synced.error());
    else
      report_.add_stored(study_uid_, named_.sop_instance, record->part10_bytes);
  }
  if (stage_ == stage::refused) report_.add_refused(study_uid_, reason_, status_);
  return status_;
}

void incoming_instance::abandon() {
  if (stage_ == stage::writing) refuse(store_status::out_of_resources, {});
}

}  // namespace penstock::dimse
