#pragma once
// A holding is a project's claim on a cached study: an immutable version of it, a list of instances.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "messages/fields.hpp"
#include "messages/ids.hpp"

namespace penstock::messages {

/// The durable row of a holding, under storage::keys::holding. Its manifest (an instance_list) lies under
/// storage::keys::manifest with the same version.
struct holding_row {
  std::string project;
  std::string pacs;
  dicom_uid study;
  std::uint64_t version = 0;
  std::uint32_t shard = 0;
  medical_record_number patient;
  protected_text accession;
  std::string study_date;
  std::string study_time;
  std::string modality;
  std::uint64_t bytes = 0;
  std::uint64_t series = 0;
  std::uint64_t instances = 0;
  std::int64_t cached_us = 0;
  bool complete = true;
  std::string last_download_user;
  std::int64_t last_download_us = 0;
  PENSTOCK_FIELDS(project, pacs, study, version, shard, patient, accession, study_date, study_time, modality, bytes,
                  series, instances, cached_us, complete, last_download_user, last_download_us);
};

/// Which bytes on the node's disks are these instances?
struct locate_objects {
  std::string pacs;
  dicom_uid study;
  std::vector<dicom_uid> instances;
  PENSTOCK_FIELDS(pacs, study, instances);
};

/// A complete DICOM Part 10 file is the byte range [offset, offset + bytes) of `pack`.
struct located_object {
  dicom_uid series;
  dicom_uid instance;
  protected_text patient_id;
  std::string pack;  ///< absolute path on `node`
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::string dataset_sha256;  ///< lower-case hex
  std::int64_t series_number = 0;
  std::int64_t instance_number = 0;
  std::string modality;
  std::string problem;  ///< not empty: it cannot be read, and why
  PENSTOCK_FIELDS(series, instance, patient_id, pack, offset, bytes, dataset_sha256, series_number, instance_number,
                  modality, problem);
};

struct objects_located {
  std::string node;
  std::vector<located_object> objects;
  PENSTOCK_FIELDS(node, objects);
};

/// A holding listed at series or instance level: the shard knows what the instances are.
struct list_instances {
  std::string pacs;
  dicom_uid study;
  dicom_uid series;  ///< empty: all
  bool by_series = true;
  std::vector<dicom_uid> instances;  ///< the holding's manifest
  PENSTOCK_FIELDS(pacs, study, series, by_series, instances);
};

/// No holding claims this study any more: unlink its packs and forget it.
struct forget_study {
  std::string pacs;
  dicom_uid study;
  PENSTOCK_FIELDS(pacs, study);
};

struct study_forgotten {
  std::uint64_t bytes = 0;
  PENSTOCK_FIELDS(bytes);
};

struct describe_shard {
  bool with_studies = false;
  PENSTOCK_FIELDS(with_studies);
};

struct shard_described {
  std::uint64_t studies = 0;
  std::uint64_t instances = 0;
  std::uint64_t bytes = 0;
  std::string problem;
  PENSTOCK_FIELDS(studies, instances, bytes, problem);
};

/// What a project's own C-FIND answers have shown of a study: that it exists at that PACS and whose it is. Admission
/// rests on it. Under storage::keys::verified.
struct verified_study {
  medical_record_number patient;
  bool in_cohort = false;
  protected_text accession;
  std::string study_date;
  std::string study_time;
  std::string modality;
  std::string availability;
  std::uint64_t instances = 0;
  std::int64_t at_us = 0;
  PENSTOCK_FIELDS(patient, in_cohort, accession, study_date, study_time, modality, availability, instances, at_us);
};

/// The durable counters of a project, under storage::keys::counters. `weights` is what instances of a modality have
/// weighed so far, for estimates.
struct modality_weight {
  std::uint64_t instances = 0;
  std::uint64_t bytes = 0;
  PENSTOCK_FIELDS(instances, bytes);
};

/// Turns in one line of a project: that of the newest start, and the last one that each user has taken.
struct turns_taken {
  std::uint64_t started = 0;
  std::map<std::string, std::uint64_t> last_of_user;
  PENSTOCK_FIELDS(started, last_of_user);
};

struct project_counters {
  std::uint64_t last_request = 0;
  std::uint64_t last_version = 0;
  std::uint64_t last_download = 0;
  std::map<std::string, modality_weight> weights;
  std::map<std::string, turns_taken> turns;  ///< by PACS and priority
  PENSTOCK_FIELDS(last_request, last_version, last_download, weights, turns);
};

/// The manifest of a holding that was replaced by a newer version, under storage::keys::superseded: it is kept as long
/// as a download that was opened before can be resumed.
struct superseded_manifest {
  std::string pacs;
  dicom_uid study;
  std::uint64_t version = 0;
  std::int64_t at_us = 0;
  PENSTOCK_FIELDS(pacs, study, version, at_us);
};

/// A download that was opened, under storage::keys::download, so that it can be resumed. The server keeps no key.
struct download_row {
  std::string download;
  std::string project;
  std::string user;
  std::string key_check;  ///< storage::data_key_check, opaque text
  std::int64_t at_us = 0;
  std::int64_t active_us = 0;  ///< when it was last opened, resumed, or a session of it ended
  bool complete = false;       ///< a session was sent to its end
  PENSTOCK_FIELDS(download, project, user, key_check, at_us, active_us, complete);
};

/// One study of a download as it is sealed. `contents` (hexadecimal) differs when a line of its manifest or a byte of
/// its objects does, as far as the desk can tell without reading them.
struct sealed_study {
  std::string pacs;
  dicom_uid study;
  std::uint64_t version = 0;  ///< of the holding
  std::uint64_t instances = 0;
  std::uint64_t bytes = 0;  ///< before sealing
  std::string contents;
  PENSTOCK_FIELDS(pacs, study, version, instances, bytes, contents);
};

/// What a download holds, under storage::keys::download_content: never changed, gone with its download_row.
struct download_content {
  std::vector<sealed_study> studies;
  std::vector<dicom_uid> series;
  std::vector<dicom_uid> instances;
  PENSTOCK_FIELDS(studies, series, instances);
};

}  // namespace penstock::messages
