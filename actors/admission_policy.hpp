#pragma once
// May these studies be requested, and what does each request wait for first? Pure: facts in, decision out.
// The answers are those of `requests.submit` in the protocol. Nothing here tells an outsider that a project, a study or
// a patient exists: what one may not see looks like what does not exist.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "messages/requests.hpp"
#include "messages/result.hpp"

namespace penstock::actors {

/// About the caller and the project as a whole.
struct submit_facts {
  bool project_exists = false;
  bool member = false;
  bool training_in_force = true;
  bool project_expired = false;
};

/// Why the whole command is refused; nothing when its items may be looked at.
[[nodiscard]] std::optional<messages::failure> refuse_submit(const submit_facts& facts);

/// What the project's own verified answers say of a study's patient.
enum class patient_standing : std::uint8_t {
  unknown,  ///< no verified answer of this project names the study
  in_cohort,
  outside_cohort,
  named_outside  ///< the caller named the patient, and that MRN is not in the cohort
};

/// What a project's quota holds. Sizes are bytes; an estimate of 0 is not known yet.
struct quota_facts {
  std::uint64_t quota_bytes = 0;
  std::uint64_t used_bytes = 0;       ///< of holdings
  std::uint64_t reserved_bytes = 0;   ///< of requests that run or are about to
  std::uint64_t estimated_bytes = 0;  ///< of this study
};

/// Is there room to start one more study of that estimate? One that runs may overshoot; one that is estimated larger
/// than the whole quota starts when it is alone, since only then will it be known.
[[nodiscard]] bool has_room(const quota_facts& quota);

struct item_facts {
  bool well_formed = true;       ///< UIDs are UIDs, lists are in their limits
  std::string malformed_field;   ///< names the field when not
  bool pacs_of_project = false;  ///< the PACS exists and the project may use it
  patient_standing patient = patient_standing::unknown;
  std::string open_request;  ///< id of a request for the same study and series that is not over
  bool held = false;         ///< the project holds all that is asked for
  quota_facts quota;
  bool enumerated = false;  ///< what the study holds is known already
};

enum class submit_outcome : std::uint8_t {
  accepted,
  already_requested,
  already_cached,
  not_permitted,
  not_found,
  invalid
};
[[nodiscard]] std::string_view name_of(submit_outcome outcome);

/// `message` is for the person; `waits_for` and the identity flag are what an accepted request starts with.
struct admission {
  submit_outcome outcome = submit_outcome::invalid;
  std::string message;
  messages::waiting_reason waits_for = messages::waiting_reason::none;
  bool identity_verified = false;
};

[[nodiscard]] admission admit(const item_facts& facts);

/// What a scheduled request of an admitted study waits for now, short of its permit.
struct waiting_facts {
  bool project_expired = false;
  bool identity_verified = false;
  bool enumerated = false;
  bool retry_pending = false;  ///< its `not_before_us` lies ahead
  quota_facts quota;
};
[[nodiscard]] messages::waiting_reason waits_for(const waiting_facts& facts);

}  // namespace penstock::actors
