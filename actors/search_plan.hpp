#pragma once
// What a search asks, and what an answer means. Pure: rules and answers in, units, outcomes and matches out.

#include <cstdint>
#include <string>
#include <vector>

#include "conf/rules.hpp"
#include "messages/commands.hpp"
#include "messages/holdings.hpp"
#include "messages/result.hpp"
#include "messages/associations.hpp"
#include "messages/searches.hpp"

namespace penstock::actors {

inline constexpr std::size_t most_search_inputs = 10'000;
inline constexpr std::uint32_t most_accession_rows = 100;

struct search_plan {
  messages::search_row row;
  std::vector<messages::search_unit> units;
};

/// The PACS that are asked: those named, or those of the institution and department, or all of the project; always only
/// those that the project may use. errc::not_found for others, errc::bad_request when nothing is left.
[[nodiscard]] messages::result<std::vector<std::string>> targets(const conf::rules& rules, const conf::project& project,
                                                                 const std::vector<std::string>& pacs,
                                                                 const std::string& institution,
                                                                 const std::string& department);

/// The first gate: every input line gets its units, one for each PACS whose MRNs look like it and whose patient is in
/// the cohort, or its outcome at once.
[[nodiscard]] search_plan plan_by_mrn(const conf::rules& rules, const conf::project& project,
                                      const std::vector<std::string>& pacs,
                                      const std::vector<messages::protected_text>& mrns);
[[nodiscard]] search_plan plan_by_accession(const std::vector<std::string>& pacs,
                                            const std::vector<messages::protected_text>& accessions);

/// The query of one unit. `conf::pacs` gives the limit of rows.
[[nodiscard]] messages::run_query query_of(const messages::search_row& search, const messages::search_unit& unit,
                                           const conf::pacs& pacs);

struct found_study {
  messages::dicom_uid study;
  messages::verified_study facts;
};

struct judged_answer {
  messages::search_outcome outcome = messages::search_outcome::not_found;
  std::string message;
  std::vector<std::string> matches;  ///< JSON objects as clients get them
  std::vector<found_study> verified;
};

/// The second gate: rows are matched again, exactly, patient id with issuer, and against the cohort. A row of a patient
/// outside the cohort is as if it were not there.
[[nodiscard]] judged_answer judge_answer(const conf::rules& rules, const conf::project& project,
                                         const messages::search_row& search, const messages::search_unit& unit,
                                         const messages::query_answered& answer, std::int64_t now_us);

/// The outcome of an input over all its units: the one that says most; `pending` while any is.
[[nodiscard]] messages::search_outcome combined(const std::vector<const messages::search_unit*>& units);

}  // namespace penstock::actors
