#include "actors/search_view.hpp"

#include <utility>

#include "conf/rules_queries.hpp"

namespace penstock::actors {

using namespace messages;

namespace {

constexpr auto no_such_study = "no such study at this PACS";

}  // namespace

bool search_view::shows(const nlohmann::json& match) const {
  // The series of a study say nothing of its patient: the one unit of the search does.
  if (search_.kind == search_kind::series)
    return !units_.empty() && !conf::is_suspended(rules_, project_, units_.front().pacs, units_.front().mrn);
  if (!match.is_object()) return false;
  const medical_record_number patient{protected_text{match.value("PatientID", "")},
                                      protected_text{match.value("IssuerOfPatientID", "")}};
  return !conf::is_suspended(rules_, project_, match.value("pacs", ""), patient);
}

search_unit search_view::as_seen(search_unit unit, const std::set<std::string>& found_by_accession) const {
  if (unit.pacs.empty() || unit.outcome == search_outcome::pending) return unit;
  const auto become = [&unit](search_outcome outcome, const char* message) {
    unit.mrn = {};
    unit.outcome = outcome;
    unit.message = message;
  };
  if (!conf::may_use_pacs(project_, unit.pacs)) {
    become(search_outcome::unavailable, "the project may not ask this PACS any more");
  } else if (search_.kind != search_kind::studies_by_accession) {
    const bool series = search_.kind == search_kind::series;
    if (conf::is_suspended(rules_, project_, unit.pacs, unit.mrn))
      become(series ? search_outcome::not_found : search_outcome::not_permitted,
             series ? no_such_study : "not in the cohort that the IRB approved for this project");
  } else if (unit.outcome == search_outcome::found || unit.outcome == search_outcome::truncated) {
    const auto key = accession_key(unit.pacs, search_.inputs.at(unit.input).reveal());
    if (!found_by_accession.contains(key)) become(search_outcome::not_found, no_such_study);
  } else if (unit.outcome == search_outcome::not_found) {
    // Whether a filter or the list of patients left it out would tell whose accession number it is.
    become(search_outcome::not_found, no_such_study);
  }
  return unit;
}

}  // namespace penstock::actors
