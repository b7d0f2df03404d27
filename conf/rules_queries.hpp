#pragma once
// Questions that many ask of the rules in force. All are pure; pointers live as long as the rules object.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "conf/rules.hpp"
#include "messages/ids.hpp"
#include "messages/result.hpp"

namespace penstock::conf {

/// Null when there is none of that id.
[[nodiscard]] const project* find_project(const rules& in, std::string_view id);
[[nodiscard]] const pacs* find_pacs(const rules& in, std::string_view id);
[[nodiscard]] const user* find_user(const rules& in, std::string_view id);
[[nodiscard]] const institution* find_institution(const rules& in, std::string_view id);
/// The user whose public key (Z85) this is.
[[nodiscard]] const user* user_of_key(const rules& in, std::string_view public_key);

[[nodiscard]] bool is_member(const project& in, std::string_view user_id);
[[nodiscard]] bool has_role(const user& who, user_role role);
[[nodiscard]] bool may_use_pacs(const project& in, std::string_view pacs_id);
/// The projects that the user is a member of, by id.
[[nodiscard]] std::vector<const project*> projects_of(const rules& in, std::string_view user_id);

/// The PACS of an institution, by id; of one of its departments when `department` is not empty.
[[nodiscard]] std::vector<const pacs*> pacs_of(const rules& in, std::string_view institution_id,
                                               std::string_view department = {});
/// The names of an institution's departments, sorted, each once.
[[nodiscard]] std::vector<std::string> departments_of(const rules& in, std::string_view institution_id);

/// `valid_through` is the last day, inclusive, and `today` the local date in the zone of the rules.
[[nodiscard]] bool is_expired(const project& in, std::chrono::year_month_day today);
/// False when training is required and the user's has lapsed or was never recorded.
[[nodiscard]] bool training_in_force(const rules& in, const user& who, std::chrono::year_month_day today);

/// Exact: both patient id and issuer, no padding, no case folding.
[[nodiscard]] bool cohort_has(const project& in, const messages::medical_record_number& mrn);

/// A holding that the rules no longer cover: its PACS was taken from the project, or its patient from the list. Nobody
/// may see or take out what it holds until the rules cover it again. `patient` is as its objects say.
[[nodiscard]] bool is_suspended(const rules& in, const project& of, std::string_view pacs_id,
                                const messages::medical_record_number& patient);

/// What a person typed, as that PACS spells it: digits are padded to `input_pad`, the first rule whose pattern matches
/// gives the issuer. errc::bad_request when it is no exact key (wildcard, backslash, control character, over 64 bytes)
/// or matches no rule. White space around the input is dropped.
[[nodiscard]] messages::result<messages::medical_record_number> normalise_mrn(const pacs& at, std::string_view input);

/// The MRN in an answer or an object of that PACS. `issuer` is used as it stands; many PACS leave it empty, then the
/// first rule whose pattern matches the patient id gives it. The patient id is never padded; only the trailing padding
/// that DICOM allows is dropped. A value that matches no rule keeps its empty issuer, so it is in no cohort that names
/// issuers.
[[nodiscard]] messages::medical_record_number mrn_of_answer(const pacs& at, std::string_view patient_id,
                                                            std::string_view issuer);

}  // namespace penstock::conf
