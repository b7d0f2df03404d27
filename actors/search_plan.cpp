#include "actors/search_plan.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "actors/json_text.hpp"
#include "conf/rules_queries.hpp"

namespace penstock::actors {

using namespace messages;
using nlohmann::json;

namespace {

const std::vector<std::string> study_keywords{"StudyInstanceUID", "AccessionNumber",   "PatientID",
                                              "IssuerOfPatientID", "PatientName",      "PatientBirthDate",
                                              "PatientSex",        "StudyDate",        "StudyTime",
                                              "StudyDescription",  "ModalitiesInStudy", "NumberOfStudyRelatedInstances",
                                              "InstanceAvailability"};
const std::vector<std::string> series_keywords{"SeriesInstanceUID", "SeriesNumber", "Modality", "SeriesDescription",
                                               "NumberOfSeriesRelatedInstances"};
constexpr std::uint32_t most_series = 1'000;

std::string value_of(const query_row& row, const std::string& keyword) {
  const auto found = row.values.find(keyword);
  return found == row.values.end() ? std::string{} : found->second.reveal();
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> values;
  std::size_t begin = 0;
  while (begin <= text.size() && !text.empty()) {
    const auto end = std::min(text.find('\\', begin), text.size());
    if (end > begin) values.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return values;
}

std::uint64_t number_in(const std::string& text) { return std::strtoull(text.c_str(), nullptr, 10); }

/// `range` is empty, a day, or a DICOM range with either end open.
bool in_date_range(const std::string& date, const std::string& range) {
  if (range.empty()) return true;
  const auto dash = range.find('-');
  if (dash == std::string::npos) return date == range;
  const auto from = range.substr(0, dash);
  const auto to = range.substr(dash + 1);
  return (from.empty() || date >= from) && (to.empty() || date <= to);
}

/// A PACS that does not say which modalities a study has cannot be filtered by them.
bool has_modality(const std::vector<std::string>& in_study, const std::vector<std::string>& wanted) {
  if (wanted.empty() || in_study.empty()) return true;
  return std::any_of(wanted.begin(), wanted.end(), [&](const auto& each) {
    return std::find(in_study.begin(), in_study.end(), each) != in_study.end();
  });
}

json study_match(const conf::rules& rules, const conf::pacs& pacs, const query_row& row,
                 const medical_record_number& patient) {
  const auto* institution = conf::find_institution(rules, pacs.institution);
  return {{"StudyInstanceUID", value_of(row, "StudyInstanceUID")},
          {"AccessionNumber", value_of(row, "AccessionNumber")},
          {"PatientID", patient.patient_id.reveal()},
          {"IssuerOfPatientID", patient.issuer.reveal()},
          {"PatientName", value_of(row, "PatientName")},
          {"StudyDate", value_of(row, "StudyDate")},
          {"StudyTime", value_of(row, "StudyTime")},
          {"StudyDescription", value_of(row, "StudyDescription")},
          {"ModalitiesInStudy", split(value_of(row, "ModalitiesInStudy"))},
          {"NumberOfStudyRelatedInstances", number_in(value_of(row, "NumberOfStudyRelatedInstances"))},
          {"InstanceAvailability", value_of(row, "InstanceAvailability")},
          {"pacs", pacs.id},
          {"institution", institution ? institution->name : pacs.institution},
          {"department", pacs.department}};
}

struct patient_rows {
  query_row first;
  std::uint64_t studies = 0;
};

void add_patients(judged_answer& judged, const conf::rules& rules, const conf::pacs& pacs,
                  const std::map<std::string, patient_rows>& patients) {
  const auto* institution = conf::find_institution(rules, pacs.institution);
  for (const auto& [key, each] : patients) {
    const auto patient =
        conf::mrn_of_answer(pacs, value_of(each.first, "PatientID"), value_of(each.first, "IssuerOfPatientID"));
    judged.matches.push_back(dumped({{"PatientID", patient.patient_id.reveal()},
                                     {"IssuerOfPatientID", patient.issuer.reveal()},
                                     {"PatientName", value_of(each.first, "PatientName")},
                                     {"PatientBirthDate", value_of(each.first, "PatientBirthDate")},
                                     {"PatientSex", value_of(each.first, "PatientSex")},
                                     {"studies", each.studies},
                                     {"pacs", pacs.id},
                                     {"institution", institution ? institution->name : pacs.institution}}));
  }
}

void judge_series(judged_answer& judged, const query_answered& answer) {
  for (const auto& row : answer.rows)
    judged.matches.push_back(
        dumped({{"SeriesInstanceUID", value_of(row, "SeriesInstanceUID")},
                {"SeriesNumber", value_of(row, "SeriesNumber")},
                {"Modality", value_of(row, "Modality")},
                {"SeriesDescription", value_of(row, "SeriesDescription")},
                {"NumberOfSeriesRelatedInstances", number_in(value_of(row, "NumberOfSeriesRelatedInstances"))}}));
}

bool asked_for(const search_row& search, const search_unit& unit, const query_row& row,
               const medical_record_number& patient) {
  if (search.kind == search_kind::studies_by_accession)
    return value_of(row, "AccessionNumber") == search.inputs.at(unit.input).reveal();
  return patient == unit.mrn;
}

}  // namespace

result<std::vector<std::string>> targets(const conf::rules& rules, const conf::project& project,
                                         const std::vector<std::string>& pacs, const std::string& institution,
                                         const std::string& department) {
  std::vector<std::string> chosen;
  for (const auto& id : pacs) {
    if (!conf::may_use_pacs(project, id) || !conf::find_pacs(rules, id))
      return fail(errc::not_found, "pacs: this project may use no PACS of that name; see `pacs list`");
    if (std::find(chosen.begin(), chosen.end(), id) == chosen.end()) chosen.push_back(id);
  }
  if (pacs.empty() && !institution.empty()) {
    for (const auto* each : conf::pacs_of(rules, institution, department))
      if (conf::may_use_pacs(project, each->id)) chosen.push_back(each->id);
    if (chosen.empty())
      return fail(errc::not_found, "institution: this project may use no PACS there; see `pacs list`");
  }
  if (chosen.empty()) chosen = project.pacs;
  return chosen;
}

search_plan plan_by_mrn(const conf::rules& rules, const conf::project& project, const std::vector<std::string>& pacs,
                        const std::vector<protected_text>& mrns) {
  search_plan plan;
  plan.row.inputs = mrns;
  std::set<std::vector<std::pair<std::string, medical_record_number>>> seen;
  for (std::size_t input = 0; input < mrns.size(); ++input) {
    std::vector<std::pair<std::string, medical_record_number>> places;
    for (const auto& id : pacs)
      if (auto mrn = conf::normalise_mrn(*conf::find_pacs(rules, id), mrns[input].reveal()))
        places.emplace_back(id, std::move(*mrn));
    const auto decide = [&](search_outcome outcome, std::string message) {
      plan.units.push_back({plan.units.size(), input, "", {}, outcome, std::move(message)});
    };
    if (places.empty()) {
      decide(search_outcome::invalid, "not an MRN as the chosen PACS write them; wildcards are not allowed");
    } else if (!seen.insert(places).second) {
      decide(search_outcome::duplicate, "the same MRN stands further up");
    } else {
      std::erase_if(places, [&](const auto& each) { return !conf::cohort_has(project, each.second); });
      if (places.empty())
        decide(search_outcome::not_permitted, "not in the cohort that the IRB approved for this project");
      for (auto& [id, mrn] : places)
        plan.units.push_back({plan.units.size(), input, id, std::move(mrn), search_outcome::pending, ""});
    }
  }
  return plan;
}

search_plan plan_by_accession(const std::vector<std::string>& pacs, const std::vector<protected_text>& accessions) {
  search_plan plan;
  plan.row.inputs = accessions;
  plan.row.kind = search_kind::studies_by_accession;
  std::set<std::string> seen;
  for (std::size_t input = 0; input < accessions.size(); ++input) {
    const auto& text = accessions[input].reveal();
    const auto number = plan.units.size();
    if (!is_exact_key(text))
      plan.units.push_back(
          {number, input, "", {}, search_outcome::invalid, "not an accession number; wildcards are not allowed"});
    else if (!seen.insert(text).second)
      plan.units.push_back({number, input, "", {}, search_outcome::duplicate, "the same number stands further up"});
    else
      for (const auto& id : pacs)
        plan.units.push_back({plan.units.size(), input, id, {}, search_outcome::pending, ""});
  }
  return plan;
}

run_query query_of(const search_row& search, const search_unit& unit, const conf::pacs& pacs) {
  run_query query;
  query.level = "STUDY";
  query.wanted = study_keywords;
  query.most_rows = pacs.max_studies_per_patient;
  if (search.kind == search_kind::series) {
    query.level = "SERIES";
    query.wanted = series_keywords;
    query.most_rows = most_series;
    query.keys["StudyInstanceUID"] = search.inputs.at(unit.input);
  } else if (search.kind == search_kind::studies_by_accession) {
    query.keys["AccessionNumber"] = search.inputs.at(unit.input);
    query.most_rows = most_accession_rows;
  } else {
    query.keys["PatientID"] = unit.mrn.patient_id;
  }
  std::erase_if(query.wanted, [&](const auto& keyword) { return query.keys.contains(keyword); });
  return query;
}

judged_answer judge_answer(const conf::rules& rules, const conf::project& project, const search_row& search,
                           const search_unit& unit, const query_answered& answer, std::int64_t now_us) {
  judged_answer judged;
  const auto& pacs = *conf::find_pacs(rules, unit.pacs);
  std::map<std::string, patient_rows> patients;
  if (search.kind == search_kind::series) judge_series(judged, answer);
  for (const auto& row : answer.rows) {
    if (search.kind == search_kind::series) break;
    const auto patient = conf::mrn_of_answer(pacs, value_of(row, "PatientID"), value_of(row, "IssuerOfPatientID"));
    const dicom_uid study{value_of(row, "StudyInstanceUID")};
    if (!asked_for(search, unit, row, patient) || !conf::cohort_has(project, patient) || !is_valid_uid(study.reveal()))
      continue;
    const auto modalities = split(value_of(row, "ModalitiesInStudy"));
    verified_study facts;
    facts.patient = patient;
    facts.in_cohort = true;
    facts.accession = protected_text{value_of(row, "AccessionNumber")};
    facts.study_date = value_of(row, "StudyDate");
    facts.study_time = value_of(row, "StudyTime");
    for (const auto& each : modalities) facts.modality += (facts.modality.empty() ? "" : ",") + each;
    facts.availability = value_of(row, "InstanceAvailability");
    facts.instances = number_in(value_of(row, "NumberOfStudyRelatedInstances"));
    facts.at_us = now_us;
    judged.verified.push_back({study, std::move(facts)});
    auto& of = patients[value_of(row, "PatientName") + "\n" + value_of(row, "PatientBirthDate")];
    if (of.studies++ == 0) of.first = row;
    if (search.kind == search_kind::patients) continue;
    if (!in_date_range(value_of(row, "StudyDate"), search.study_date) || !has_modality(modalities, search.modalities))
      continue;
    judged.matches.push_back(dumped(study_match(rules, pacs, row, patient)));
  }
  if (search.kind == search_kind::patients) add_patients(judged, rules, pacs, patients);
  judged.outcome = judged.matches.empty() ? search_outcome::not_found : search_outcome::found;
  if (judged.matches.empty())
    judged.message =
        judged.verified.empty() ? "no such study at this PACS" : "no study of this patient passes the filter";
  if (search.kind == search_kind::patients && judged.matches.empty()) judged.message = "no such patient at this PACS";
  if (answer.truncated) {
    judged.outcome = search_outcome::truncated;
    judged.message = "the PACS has more than it gave; narrow the search";
  }
  return judged;
}

search_outcome combined(const std::vector<const search_unit*>& units) {
  auto best = search_outcome::invalid;
  for (const auto* unit : units) {
    if (unit->outcome == search_outcome::pending) return search_outcome::pending;
    best = std::max(best, unit->outcome);
  }
  return best;
}

}  // namespace penstock::actors
