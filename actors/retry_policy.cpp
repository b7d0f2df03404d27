#include "actors/retry_policy.hpp"

namespace penstock::actors {
namespace {

constexpr std::uint16_t status_cancelled = 0xfe00;
constexpr std::uint16_t unknown_move_destination = 0xa801;
constexpr std::uint16_t sub_operations_failed = 0xb000;

std::string hex_of(std::uint16_t status) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text = "0x";
  for (int shift = 12; shift >= 0; shift -= 4) text += digits[(status >> shift) & 0xfU];
  return text;
}

bool is_stored_away(std::string_view availability) { return availability == "NEARLINE" || availability == "OFFLINE"; }

verdict permanent(std::string text) { return {failure_class::permanent, false, std::move(text)}; }
verdict transient(std::string text) { return {failure_class::transient, false, std::move(text)}; }
verdict parked(std::string text) { return {failure_class::transient, true, std::move(text)}; }

/// A park is no fault of the request: it tries again once a person has let the PACS go on.
verdict judge_status(std::uint16_t status) {
  const auto code = " (" + hex_of(status) + ")";
  switch (status) {
    case unknown_move_destination:
      return parked("the PACS does not know us as a move destination" + code);
    case 0x0110:
      return transient("the PACS reports a fault of its own" + code);
    case 0x0210:
    case 0x0213:
      return transient("the PACS could not take the request now" + code);
    case 0x0112:
    case 0x0117:
      return permanent("the PACS has no such object" + code);
    case 0x0118:
    case 0x0119:
      return permanent("the PACS does not know this class of objects" + code);
    case 0x0105:
    case 0x0106:
    case 0x0115:
    case 0x0120:
    case 0x0121:
      return permanent("the PACS refuses the attributes of the query" + code);
    case 0x0122:
    case 0x0211:
    case 0x0212:
      return permanent("the PACS does not offer this operation" + code);
    case 0x0124:
      return parked("the PACS does not permit us to do this" + code);
    case 0xa701:
      return transient("the PACS is out of resources" + code);
    case 0xa702:
      return transient("the PACS could not send" + code);
    case 0xa900:
      return permanent("the query does not match the service" + code);
    case sub_operations_failed:
      return transient("the PACS could not send all instances" + code);
    case status_cancelled:
      return transient("the PACS cancelled by itself" + code);
    default:
      break;
  }
  if ((status & 0xff00U) == 0xa700U) return transient("the PACS is out of resources" + code);
  // Cxxx is "unable to process". Some PACS answer it for everything, an unknown move destination among it.
  if ((status & 0xf000U) == 0xc000U) return transient("the PACS was unable to process the request" + code);
  return transient("the PACS answered with an unexpected status" + code);
}

verdict judge_kind(const retrieval_failure& failure) {
  switch (failure.kind) {
    case failure_kind::none:
      return {};
    case failure_kind::status:
      return judge_status(failure.dimse_status);
    case failure_kind::unreachable:
      return transient("the PACS does not answer");
    case failure_kind::rejected:
      return failure.rejected_for_good ? parked("the PACS rejects our association for good")
                                       : transient("the PACS rejects our association for now");
    case failure_kind::no_presentation_context:
      return parked("the PACS does not offer the service that we need");
    case failure_kind::lost:
      return transient("the association was lost");
    case failure_kind::timed_out:
      return transient("nothing came from the PACS for too long");
    case failure_kind::not_sent:
      return transient("the request could not be sent in time");
    case failure_kind::instances_missing:
      return transient("instances are missing");
    case failure_kind::identity_mismatch:
      return permanent("the PACS sent what belongs to another patient or study");
    case failure_kind::truncated:
      return permanent("the PACS held back answers: what the study holds is not known");
  }
  return transient("unknown failure");
}

/// On tape, these mean "not yet".
bool may_mean_offline(const retrieval_failure& failure) {
  switch (failure.kind) {
    case failure_kind::lost:
    case failure_kind::timed_out:
    case failure_kind::instances_missing:
      return true;
    case failure_kind::status:
      return failure.dimse_status != unknown_move_destination;
    default:
      return false;
  }
}

std::optional<std::chrono::seconds> offline_delay(std::uint32_t tries) {
  if (tries == 0) return std::nullopt;
  for (const auto& [times, wait] : offline_ladder) {
    if (tries <= times) return wait;
    tries -= times;
  }
  return std::nullopt;
}

}  // namespace

std::string_view name_of(failure_class which) {
  switch (which) {
    case failure_class::none:
      return "none";
    case failure_class::permanent:
      return "permanent";
    case failure_class::transient:
      return "transient";
    case failure_class::offline:
      return "offline";
  }
  return "none";
}

verdict judge(const retrieval_failure& failure) {
  if (failure.kind != failure_kind::none && failure.availability == "UNAVAILABLE")
    return permanent("the PACS says that the study is not available");
  auto found = judge_kind(failure);
  if (found.which == failure_class::transient && !found.park_pacs && is_stored_away(failure.availability) &&
      may_mean_offline(failure))
    return {failure_class::offline, false, "the study is on slow storage: " + found.text};
  return found;
}

std::optional<std::chrono::seconds> next_delay(failure_class which, std::uint32_t attempts,
                                               std::uint32_t offline_tries) {
  switch (which) {
    case failure_class::transient:
      if (attempts == 0 || attempts > transient_ladder.size()) return std::nullopt;
      return transient_ladder[attempts - 1];
    case failure_class::offline:
      return offline_delay(offline_tries);
    default:
      return std::nullopt;
  }
}

}  // namespace penstock::actors
