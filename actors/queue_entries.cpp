#include "actors/queue_entries.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "actors/json_text.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"

namespace penstock::actors {

using namespace messages;
namespace keys = storage::keys;
using nlohmann::json;

namespace {

void identify(journal_entry& entry, const medical_record_number& patient, const protected_text& accession,
              const dicom_uid& study) {
  if (!patient.patient_id.empty()) entry.identifiers.push_back({"patient_id", patient.patient_id});
  if (!patient.issuer.empty()) entry.identifiers.push_back({"issuer_of_patient_id", patient.issuer});
  if (!accession.empty()) entry.identifiers.push_back({"accession_number", accession});
  entry.identifiers.push_back({"study_instance_uid", protected_text{study.reveal()}});
}

json study_json(const std::string& pacs, const dicom_uid& study, const medical_record_number& patient,
                const protected_text& accession, const std::string& date, const std::string& modality) {
  return {{"pacs", pacs},
          {"StudyInstanceUID", study.reveal()},
          {"PatientID", patient.patient_id.reveal()},
          {"IssuerOfPatientID", patient.issuer.reveal()},
          {"AccessionNumber", accession.reveal()},
          {"StudyDate", date},
          {"Modality", modality}};
}

json holding_json(const std::string& kind, const std::string& by, const holding_row& holding) {
  return {{"kind", kind},
          {"project", holding.project},
          {"user", by},
          {"study", study_json(holding.pacs, holding.study, holding.patient, holding.accession, holding.study_date,
                               holding.modality)},
          {"counts", {{"received", holding.instances}}},
          {"bytes", holding.bytes}};
}

/// About a download as a whole, with its row as it now is.
journal_entry download_entry(const std::string& kind, const download_row& download,
                             const std::vector<downloaded_study>& studies) {
  std::uint64_t instances = 0;
  std::uint64_t bytes = 0;
  for (const auto& study : studies) {
    instances += study.what.instances;
    bytes += study.what.bytes;
  }
  journal_entry entry;
  entry.kind = kind;
  entry.user = download.user;
  entry.project = download.project;
  entry.details = dumped(
      {{"download", download.download}, {"studies", studies.size()}, {"instances", instances}, {"bytes", bytes}});
  entry.rows.push_back(storage::put_row(keys::download(download.project, download.download), download));
  return entry;
}

void add_order_rows(journal_entry& entry, const request_row& row) {
  const auto waiting = keys::waiting(row.project, row.pacs, row.priority, row.turn, row.number);
  const auto processing = keys::processing(row.project, row.number);
  if (row.state == request_state::scheduled)
    entry.rows.push_back({waiting, {}, false});
  else
    entry.rows.push_back(storage::erase_row(waiting));
  if (row.state == request_state::processing)
    entry.rows.push_back({processing, {}, false});
  else
    entry.rows.push_back(storage::erase_row(processing));
}

/// About a holding, with the event that tells of it.
journal_entry holding_entry(const std::string& kind, const std::string& by, const holding_row& holding) {
  journal_entry entry;
  entry.kind = kind;
  entry.user = by;
  entry.project = holding.project;
  entry.pacs = holding.pacs;
  entry.details = dumped({{"instances", holding.instances}, {"bytes", holding.bytes}});
  identify(entry, holding.patient, holding.accession, holding.study);
  entry.events.push_back({"p/" + holding.project + "/cache", dumped(holding_json(kind, by, holding))});
  return entry;
}

}  // namespace

journal_entry request_entry(std::string kind, const std::string& by, const request_row& row,
                            const std::string& reason) {
  journal_entry entry;
  entry.kind = std::move(kind);
  entry.user = by;
  entry.project = row.project;
  entry.pacs = row.pacs;
  entry.request = std::to_string(row.number);
  entry.details = dumped({{"state", name_of(row.state)},
                          {"reason", reason},
                          {"attempts", row.attempts},
                          {"expected", row.expected},
                          {"received", row.received},
                          {"bytes", row.bytes}});
  identify(entry, row.patient, row.accession, row.study);
  entry.rows.push_back(storage::put_row(keys::request(row.project, row.number), row));
  add_order_rows(entry, row);
  json event{{"kind", entry.kind},
             {"project", row.project},
             {"user", row.user},
             {"request", entry.request},
             {"state", name_of(row.state)},
             {"reason", reason},
             {"study", study_json(row.pacs, row.study, row.patient, row.accession, row.study_date, row.modality)},
             {"counts", {{"expected", row.expected}, {"received", row.received}, {"failed", row.failed}}},
             {"bytes", row.bytes}};
  entry.events.push_back({"p/" + row.project + "/requests", dumped(event)});
  return entry;
}

void add_holding(journal_entry& entry, const holding_row& holding, const std::vector<dicom_uid>& manifest,
                 std::uint64_t replaced_version) {
  entry.rows.push_back(storage::put_row(keys::holding(holding.project, holding.pacs, holding.study), holding));
  entry.rows.push_back(storage::put_row(keys::manifest(holding.project, holding.pacs, holding.study, holding.version),
                                        instance_list{manifest, {}}));
  entry.rows.push_back({keys::claim(holding.pacs, holding.study, holding.project), {}, false});
  if (replaced_version != 0) {
    const superseded_manifest old{holding.pacs, holding.study, replaced_version, holding.cached_us};
    entry.rows.push_back(storage::put_row(
        keys::superseded(holding.project, old.at_us, holding.pacs, holding.study, replaced_version), old));
  }
  entry.events.push_back(
      {"p/" + holding.project + "/cache", dumped(holding_json("holding.added", entry.user, holding))});
}

journal_entry objects_refused(const request_row& row, std::uint64_t count) {
  journal_entry entry;
  entry.kind = "security.objects_refused";
  entry.user = row.user;
  entry.project = row.project;
  entry.pacs = row.pacs;
  entry.request = std::to_string(row.number);
  entry.details = dumped({{"objects", count}});
  identify(entry, row.patient, row.accession, row.study);
  return entry;
}

journal_entry notice_entry(const std::string& project, const expiry_notice& notice) {
  journal_entry entry;
  entry.kind = "project.notice";
  entry.project = project;
  entry.details = dumped({{"text", notice.text}});
  entry.rows.push_back(storage::put_row(keys::expiry_notice(project), notice.said));
  const json event{{"kind", "project.notice"}, {"project", project}, {"text", notice.text}};
  entry.events.push_back({"p/" + project + "/requests", dumped(event)});
  return entry;
}

journal_entry holding_marked(const std::string& kind, const std::string& by, const holding_row& holding) {
  auto entry = holding_entry(kind, by, holding);
  entry.rows.push_back(storage::put_row(keys::holding(holding.project, holding.pacs, holding.study), holding));
  return entry;
}

journal_entry holding_deleted(const std::string& kind, const std::string& by, const holding_row& holding) {
  auto entry = holding_entry(kind, by, holding);
  entry.rows.push_back(storage::erase_row(keys::holding(holding.project, holding.pacs, holding.study)));
  entry.rows.push_back(
      storage::erase_row(keys::manifest(holding.project, holding.pacs, holding.study, holding.version)));
  entry.rows.push_back(storage::erase_row(keys::claim(holding.pacs, holding.study, holding.project)));
  return entry;
}

std::vector<journal_entry> download_opened(const download_row& download, const std::vector<downloaded_study>& studies) {
  std::vector<journal_entry> entries(1);
  entries.front() = download_entry("download.opened", download, studies);
  for (const auto& [what, holding, in_motion] : studies) {
    auto& entry = entries.emplace_back();
    entry.kind = "download.study";
    entry.user = download.user;
    entry.project = download.project;
    entry.pacs = holding.pacs;
    entry.details = dumped(
        {{"download", download.download}, {"instances", what.instances}, {"bytes", what.bytes}, {"sealed", true}});
    identify(entry, holding.patient, holding.accession, holding.study);
    auto seen = holding;
    seen.last_download_user = download.user;
    seen.last_download_us = download.at_us;
    if (!in_motion) entry.rows.push_back(storage::put_row(keys::holding(seen.project, seen.pacs, seen.study), seen));
    auto event = holding_json("download.opened", download.user, holding);
    event["counts"]["received"] = what.instances;
    event["bytes"] = what.bytes;
    entry.events.push_back({"p/" + holding.project + "/cache", dumped(event)});
  }
  return entries;
}

journal_entry download_resumed(const download_row& download, const std::vector<downloaded_study>& studies) {
  return download_entry("download.resumed", download, studies);
}

journal_entry download_session_ended(const download_row& download, const download_ended& ended) {
  auto entry = download_entry("download.ended", download, {});
  entry.details =
      dumped({{"download", download.download}, {"sealed_bytes", ended.sealed_bytes}, {"complete", ended.complete}});
  return entry;
}

journal_entry download_exported(const std::string& project, const note_export& note) {
  journal_entry entry;
  entry.kind = "download.exported";
  entry.user = note.who.user;
  entry.project = project;
  entry.details = dumped({{"download", note.download}, {"layout", note.layout}, {"objects", note.objects}});
  return entry;
}

}  // namespace penstock::actors
