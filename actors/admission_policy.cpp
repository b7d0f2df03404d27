#include "actors/admission_policy.hpp"

namespace penstock::actors {

using messages::errc;
using messages::waiting_reason;

std::optional<messages::failure> refuse_submit(const submit_facts& facts) {
  if (!facts.project_exists || !facts.member) return messages::fail(errc::not_found, "project");
  if (!facts.training_in_force) return messages::fail(errc::not_permitted, "training is not recorded or has lapsed");
  if (facts.project_expired) return messages::fail(errc::project_expired, "the approval of this project has ended");
  return std::nullopt;
}

bool has_room(const quota_facts& quota) {
  if (quota.used_bytes >= quota.quota_bytes) return false;
  if (quota.used_bytes == 0 && quota.reserved_bytes == 0) return true;
  const auto left = quota.quota_bytes - quota.used_bytes;
  // Without an estimate at least something must be left beside what others have reserved.
  return quota.reserved_bytes < left && quota.estimated_bytes <= left - quota.reserved_bytes;
}

std::string_view name_of(submit_outcome outcome) {
  switch (outcome) {
    case submit_outcome::accepted:
      return "accepted";
    case submit_outcome::already_requested:
      return "already_requested";
    case submit_outcome::already_cached:
      return "already_cached";
    case submit_outcome::not_permitted:
      return "not_permitted";
    case submit_outcome::not_found:
      return "not_found";
    case submit_outcome::invalid:
      return "invalid";
  }
  return "invalid";
}

waiting_reason waits_for(const waiting_facts& facts) {
  if (facts.project_expired) return waiting_reason::project_expired;
  if (facts.retry_pending) return waiting_reason::retry_later;
  if (!facts.identity_verified) return waiting_reason::identity_unverified;
  if (!facts.enumerated) return waiting_reason::not_enumerated;
  if (!has_room(facts.quota)) return waiting_reason::quota_full;
  return waiting_reason::ready;
}

admission admit(const item_facts& facts) {
  if (!facts.well_formed) return {submit_outcome::invalid, facts.malformed_field + " is malformed"};
  if (!facts.pacs_of_project) return {submit_outcome::not_found, "the project has no such PACS"};
  if (facts.patient == patient_standing::named_outside)
    return {submit_outcome::not_permitted, "the patient is not in the project's cohort"};
  if (facts.patient == patient_standing::outside_cohort)
    return {submit_outcome::not_found, "the project's patients have no such study there"};
  if (facts.held) return {submit_outcome::already_cached, "in the project's repository already"};
  if (!facts.open_request.empty()) return {submit_outcome::already_requested, "requested already"};
  const bool verified = facts.patient == patient_standing::in_cohort;
  admission accepted{submit_outcome::accepted, "", waits_for({false, verified, facts.enumerated, false, facts.quota}),
                     verified};
  if (accepted.waits_for == waiting_reason::identity_unverified)
    accepted.message = "waits until the PACS has confirmed that the patient is in the cohort";
  if (accepted.waits_for == waiting_reason::quota_full) accepted.message = "waits until the project's quota has room";
  return accepted;
}

}  // namespace penstock::actors
