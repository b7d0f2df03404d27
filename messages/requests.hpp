#pragma once
// A request is one study that a project asked for. Times are microseconds of UTC since 1970; zero means "not yet".

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "messages/fields.hpp"
#include "messages/ids.hpp"

namespace penstock::messages {

enum class request_state : std::uint8_t { scheduled, processing, completed, incomplete, failed, cancelled };

/// Why a scheduled request does not run yet. `ready` waits for its permit only; the PACS then says what the permit
/// lacks.
enum class waiting_reason : std::uint8_t {
  none,
  identity_unverified,  ///< no C-FIND of this project has shown yet that the patient is in the cohort
  not_enumerated,       ///< what the study holds has not been listed yet
  ready,                ///< prepared, next in turn when the PACS's contract allows
  quota_full,           ///< starts when the project has room again
  retry_later,          ///< a transient or offline failure; `not_before_us` says when
  project_expired,      ///< the IRB approval has ended; resumes when it is extended
  following             ///< all that the PACS lists is here; `not_before_us` says when it is looked at again
};

/// How much one retrieval asks for (PS3.4 section C.6.2.1). Coarse to fine.
enum class retrieve_level : std::uint8_t { study, series, instance };

enum class request_priority : std::uint8_t { low, normal, high };

[[nodiscard]] std::string_view name_of(request_state state);
[[nodiscard]] std::string_view name_of(waiting_reason reason);
[[nodiscard]] std::string_view name_of(request_priority priority);
[[nodiscard]] std::string_view name_of(retrieve_level level);
/// False, leaving `into` alone, when `text` is not the name of a value.
bool parse(std::string_view text, request_state& into);
bool parse(std::string_view text, waiting_reason& into);
bool parse(std::string_view text, request_priority& into);
bool parse(std::string_view text, retrieve_level& into);

[[nodiscard]] constexpr bool is_terminal(request_state state) {
  return state != request_state::scheduled && state != request_state::processing;
}

struct request_step {
  request_state state = request_state::scheduled;
  std::int64_t at_us = 0;
  std::string reason;
  PENSTOCK_FIELDS(state, at_us, reason);
};

/// The durable row of a request, under storage::keys::request.
struct request_row {
  std::uint64_t number = 0;  ///< dense within its project; clients see it as text
  std::string project;
  std::string pacs;
  std::string user;
  dicom_uid study;
  std::vector<dicom_uid> series;  ///< empty: the whole study
  medical_record_number patient;
  protected_text accession;
  std::string modality;  ///< modalities in the study joined by comma, as far as known
  std::string study_date;
  request_priority priority = request_priority::normal;
  std::uint64_t turn = 0;  ///< in the project's line at its PACS: users take turns
  request_state state = request_state::scheduled;
  waiting_reason reason = waiting_reason::none;
  std::int64_t not_before_us = 0;
  std::int64_t submitted_us = 0;
  std::int64_t started_us = 0;
  std::int64_t ended_us = 0;
  std::uint32_t attempts = 0;
  std::uint32_t offline_tries = 0;  ///< while the study was on slow storage; they burn no attempt
  std::string availability;         ///< Instance Availability (0008,0056) as the PACS said it
  std::uint64_t expected = 0;
  std::uint64_t received = 0;
  std::uint64_t failed = 0;
  std::uint64_t bytes = 0;
  std::uint64_t estimated_bytes = 0;  ///< what the quota reserves while it runs
  std::uint64_t permit = 0;           ///< of the retrieval in flight
  std::uint32_t shard = 0;            ///< where its bytes go; recorded, never computed again
  bool identity_verified = false;
  bool enumerated = false;  ///< `expected` says how many instances there are; 0: they cannot be listed
  std::string unproven;     ///< not empty: why what the study holds cannot be listed
  retrieve_level finest = retrieve_level::instance;  ///< that the PACS is not known to refuse
  std::uint32_t follow_every_s = 0;  ///< an exam that is still being acquired: looked at again so often; 0 = no
  std::uint32_t follow_quiet_s = 0;  ///< ... until nothing new has come for so long
  std::int64_t gained_us = 0;        ///< when something new came last
  std::string error;
  std::vector<request_step> history;
  PENSTOCK_FIELDS(number, project, pacs, user, study, series, patient, accession, modality, study_date, priority, turn,
                  state, reason, not_before_us, submitted_us, started_us, ended_us, attempts, offline_tries,
                  availability, expected, received, failed, bytes, estimated_bytes, permit, shard, identity_verified,
                  enumerated, unproven, finest, follow_every_s, follow_quiet_s, gained_us, error, history);
};

/// A list of instances kept beside a request: what the PACS says the study holds, or what is missing of it.
struct instance_list {
  std::vector<dicom_uid> instances;
  std::vector<dicom_uid> series_of;  ///< in step with `instances`; empty where it does not matter
  PENSTOCK_FIELDS(instances, series_of);
};

}  // namespace penstock::messages
