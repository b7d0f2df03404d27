#include "actors/settle_policy.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace penstock::actors {
namespace {

using messages::dicom_uid;
using messages::medical_record_number;
using storage::catalogued_instance;

bool is_of(const dicom_uid& study, const arrived_record& record) {
  return record.bytes_sound && record.readable && record.study == study && record.instance == record.recorded_instance;
}

medical_record_number patient_of(const catalogued_instance& instance) {
  return {instance.patient_id, instance.issuer_of_patient_id};
}

template <class Set>
std::string joined(const Set& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

}  // namespace

settle_plan plan_settlement(const dicom_uid& study, const std::vector<arrived_record>& arrived,
                            const catalogued_digests& before) {
  settle_plan plan;
  std::unordered_map<dicom_uid, std::size_t> first_of;
  for (std::size_t i = 0; i < arrived.size(); ++i) {
    const auto& record = arrived[i];
    if (!is_of(study, record)) {
      ++plan.refused;
      continue;
    }
    const auto [first, is_new] = first_of.try_emplace(record.instance, i);
    if (!is_new) {
      ++(arrived[first->second].dataset_sha256 == record.dataset_sha256 ? plan.duplicates : plan.refused);
      continue;
    }
    plan.arrived.push_back(record.instance);
    const auto known = before.find(record.instance);
    if (known != before.end() && known->second == record.dataset_sha256)
      ++plan.duplicates;
    else
      plan.kept.push_back(i);
  }
  return plan;
}

presence compare(const std::vector<dicom_uid>& expected, const std::vector<catalogued_instance>& served) {
  std::vector<dicom_uid> here;
  for (const auto& instance : served) here.push_back(instance.sop_instance);
  return compare(expected, here);
}

presence compare(const std::vector<dicom_uid>& expected, const std::vector<dicom_uid>& present) {
  const std::unordered_set<dicom_uid> here(present.begin(), present.end());
  presence found;
  std::unordered_set<dicom_uid> seen;
  for (const auto& instance : expected)
    if (seen.insert(instance).second) (here.contains(instance) ? found.present : found.missing).push_back(instance);
  return found;
}

void summarise(const std::vector<catalogued_instance>& served, const std::vector<dicom_uid>& present,
               messages::study_settled& into) {
  const std::unordered_set<dicom_uid> counted(present.begin(), present.end());
  std::set<std::string> modalities;
  std::set<dicom_uid> series;
  bool first = true;
  bool one_patient = true;
  for (const auto& instance : served) {
    if (!counted.contains(instance.sop_instance)) continue;
    into.bytes += instance.part10_bytes;
    series.insert(instance.series);
    if (!instance.modality.empty()) modalities.insert(instance.modality);
    if (std::exchange(first, false)) into.patient = patient_of(instance);
    one_patient = one_patient && is_same_patient(into.patient, patient_of(instance));
    if (into.accession.empty()) into.accession = instance.accession_number;
    if (into.study_date.empty()) into.study_date = instance.study_date;
    if (into.study_time.empty()) into.study_time = instance.study_time;
  }
  into.series = series.size();
  into.modality = joined(modalities);
  if (!one_patient && into.outcome.problem.empty())
    into.outcome.problem = "instances of the study name different patients";
}

bool is_same_patient(const medical_record_number& one, const medical_record_number& other) {
  return one.patient_id == other.patient_id &&
         (one.issuer == other.issuer || one.issuer.empty() || other.issuer.empty());
}

presence judge_adoption(const std::vector<dicom_uid>& expected, const medical_record_number& patient,
                        const std::vector<catalogued_instance>& served, const adoption_scope& scope) {
  auto found = compare(expected, served);
  if (!found.missing.empty()) return found;
  const std::unordered_set<dicom_uid> wanted(expected.begin(), expected.end());
  const auto asked_for = [&](const catalogued_instance& instance) {
    return scope.series.empty() || std::ranges::find(scope.series, instance.series) != scope.series.end();
  };
  const bool same = std::ranges::all_of(served, [&](const catalogued_instance& instance) {
    if (wanted.contains(instance.sop_instance)) return is_same_patient(patient, patient_of(instance));
    return scope.held || !asked_for(instance);
  });
  if (!same) found.missing = std::exchange(found.present, {});
  return found;
}

}  // namespace penstock::actors
