#include "actors/retrieval_plan.hpp"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "messages/dimse.hpp"

namespace penstock::actors {
namespace {

using messages::dicom_uid;
using messages::retrieve_level;

/// A series of the study, as listed.
struct listed_series {
  std::size_t instances = 0;
  std::vector<dicom_uid> lacking;
};

std::map<dicom_uid, listed_series> by_series(const messages::instance_list& expected,
                                             const std::vector<dicom_uid>& lacking) {
  const std::unordered_set<dicom_uid> lacks(lacking.begin(), lacking.end());
  std::map<dicom_uid, listed_series> found;
  for (std::size_t i = 0; i < expected.instances.size(); ++i) {
    auto& series = found[expected.series_of[i]];
    ++series.instances;
    if (lacks.contains(expected.instances[i])) series.lacking.push_back(expected.instances[i]);
  }
  return found;
}

retrieval_plan whole_request(const std::vector<dicom_uid>& chosen, const std::vector<dicom_uid>& lacking,
                             retrieve_level finest) {
  if (chosen.empty() || finest == retrieve_level::study) return {retrieve_level::study, {}, {}, lacking};
  return {retrieve_level::series, chosen, {}, lacking};
}

retrieval_plan some_series(const std::map<dicom_uid, listed_series>& study, bool also_partly) {
  retrieval_plan plan{retrieve_level::series, {}, {}, {}};
  for (const auto& [uid, series] : study) {
    const bool wholly = series.lacking.size() == series.instances;
    if (series.lacking.empty() || (!wholly && !also_partly)) continue;
    if (plan.series.size() == messages::most_dimse_uids) break;
    plan.series.push_back(uid);
    plan.asked.insert(plan.asked.end(), series.lacking.begin(), series.lacking.end());
  }
  return plan;
}

retrieval_plan some_instances(const std::map<dicom_uid, listed_series>& study) {
  retrieval_plan plan{retrieve_level::instance, {}, {}, {}};
  for (const auto& [uid, series] : study) {
    if (series.lacking.empty()) continue;
    plan.series.push_back(uid);
    plan.instances = series.lacking;
    plan.instances.resize(std::min(plan.instances.size(), messages::most_dimse_uids));
    plan.asked = plan.instances;
    break;
  }
  return plan;
}

}  // namespace

retrieval_plan plan_retrieval(const messages::instance_list& expected, const std::vector<dicom_uid>& lacking,
                              const std::vector<dicom_uid>& chosen, retrieve_level finest) {
  const bool all = lacking.size() >= expected.instances.size();
  const bool series_known = expected.series_of.size() == expected.instances.size();
  if (all || !series_known || finest == retrieve_level::study) return whole_request(chosen, lacking, finest);
  const auto study = by_series(expected, lacking);
  auto plan = some_series(study, finest == retrieve_level::series);
  return plan.series.empty() ? some_instances(study) : plan;
}

}  // namespace penstock::actors
