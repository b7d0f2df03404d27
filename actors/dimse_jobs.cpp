#include "actors/dimse_jobs.hpp"

#include <algorithm>
#include <cstdio>

namespace penstock::actors {

using namespace messages;

namespace {

std::string value_of(const query_row& row, const char* keyword) {
  const auto found = row.values.find(keyword);
  return found == row.values.end() ? std::string{} : found->second.reveal();
}

constexpr std::uint32_t most_series_of_a_study = 1'000;

}  // namespace

dimse_peer peer_of(const conf::pacs& pacs) {
  dimse_peer peer;
  peer.host = pacs.host;
  peer.port = pacs.port;
  peer.called_ae = pacs.ae_title;
  peer.calling_ae = pacs.calling_ae;
  if (const auto& tls = pacs.tls)
    peer.tls = {tls->ca.string(), tls->certificate.string(), tls->key.string(), tls->name};
  return peer;
}

find_job find_job_for(const conf::pacs& pacs, std::vector<find_query> queries) {
  find_job job;
  job.peer = peer_of(pacs);
  job.queries = std::move(queries);
  job.default_charset = pacs.default_charset;
  return job;
}

move_job move_job_for(const conf::pacs& pacs, const dicom_uid& study, const retrieval_plan& plan) {
  move_job job;
  job.peer = peer_of(pacs);
  job.get = pacs.retrieve == conf::retrieve_method::get;
  if (!job.get) job.move_destination = pacs.calling_ae;
  job.study_uid = study;
  job.series_uids = plan.series;
  job.instance_uids = plan.instances;
  job.wait_for_go = true;
  job.idle_timeout_ms = static_cast<std::uint32_t>(pacs.idle_timeout.count());
  job.total_timeout_ms = static_cast<std::uint32_t>(pacs.total_timeout.count());
  return job;
}

find_query series_query(const dicom_uid& study) {
  return {"SERIES",
          {{"StudyInstanceUID", protected_text{study.reveal()}}},
          {"SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDescription", "NumberOfSeriesRelatedInstances"},
          most_series_of_a_study};
}

find_query image_query(const dicom_uid& study, const dicom_uid& series) {
  return {
      "IMAGE",
      {{"StudyInstanceUID", protected_text{study.reveal()}}, {"SeriesInstanceUID", protected_text{series.reveal()}}},
      {"SOPInstanceUID", "InstanceNumber"},
      most_instances_of_a_series};
}

series_listed series_of(const query_answered& answer, const list_series& what) {
  series_listed found;
  auto& series = found.series;
  found.truncated = answer.truncated;
  for (const auto& row : answer.rows) {
    dicom_uid uid{value_of(row, "SeriesInstanceUID")};
    if (!is_valid_uid(uid.reveal())) continue;
    if (!what.series.empty() && std::find(what.series.begin(), what.series.end(), uid) == what.series.end()) continue;
    if (std::find(series.begin(), series.end(), uid) != series.end()) continue;
    series.push_back(std::move(uid));
    const auto modality = value_of(row, "Modality");
    if (!modality.empty() &&
        std::find(found.modalities.begin(), found.modalities.end(), modality) == found.modalities.end())
      found.modalities.push_back(modality);
  }
  return found;
}

void add_instances(const query_answered& answer, const dicom_uid& series, images_listed& found) {
  found.truncated = found.truncated || answer.truncated;
  for (const auto& row : answer.rows) {
    dicom_uid uid{value_of(row, "SOPInstanceUID")};
    if (!is_valid_uid(uid.reveal())) continue;
    found.instances.push_back(std::move(uid));
    found.series_of.push_back(series);
  }
}

std::string hex_status(std::uint32_t status) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%04X", status & 0xffffU);
  return text;
}

study_settled never_sent(const retrieve_study& command, std::string why) {
  study_settled none;
  none.project = command.project;
  none.request = command.request;
  none.permit = command.permit;
  none.study = command.study;
  none.missing = command.expected;
  none.outcome.known = command.send_before_boottime_ns != 0;
  none.outcome.problem = std::move(why);
  return none;
}

}  // namespace penstock::actors
