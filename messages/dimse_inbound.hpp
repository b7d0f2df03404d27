#pragma once
// The inbound half of the channel: a peer stores objects with us. See messages/dimse.hpp.

#include <cstdint>
#include <string>
#include <vector>

#include "messages/dimse.hpp"

namespace penstock::messages {

// ---- parent to child ----

/// Serves the accepted socket on descriptor 4 as a storage and verification SCP.
struct accept_job {
  std::vector<std::string> our_ae_titles;         ///< empty: any called AE title
  std::vector<std::string> accepted_calling_aes;  ///< empty: the parent decides by `admit`
  std::uint64_t max_instance_bytes = std::uint64_t{4} << 30;
  std::uint64_t max_pack_bytes = std::uint64_t{1} << 40;  ///< of one pack file
  std::uint32_t handshake_timeout_ms = 10'000;
  std::uint32_t instance_idle_ms = 30'000;
  std::uint32_t instance_total_ms = 900'000;
  std::uint32_t association_idle_ms = 60'000;
  std::uint32_t decision_timeout_ms = 10'000;  ///< for `admit` and `store_decision`
  dimse_tls tls{};                             ///< wanted: the peer has begun TLS, and must show a certificate
  PENSTOCK_DIMSE_KIND(accept_job);
  PENSTOCK_FIELDS(our_ae_titles, accepted_calling_aes, max_instance_bytes, max_pack_bytes, handshake_timeout_ms,
                  instance_idle_ms, instance_total_ms, association_idle_ms, decision_timeout_ms, tls);
};

/// Whether the association that `associated` describes is accepted.
struct admit {
  bool admitted = false;
  bool transient = false;  ///< a refusal that says: try later
  std::string reason;      ///< of a refusal; for our own log, the peer does not see it
  PENSTOCK_DIMSE_KIND(admit);
  PENSTOCK_FIELDS(admitted, transient, reason);
};

/// Answers `may_store`. When allowed, an empty file to write the pack to comes with it as a descriptor.
struct store_decision {
  dicom_uid study_uid;
  bool allowed = false;
  std::string reason;
  medical_record_number patient;     ///< every object must be of this patient; the issuer counts when both name one
  std::uint64_t most_bytes = 0;      ///< 0: no limit
  std::uint64_t most_instances = 0;  ///< 0: no limit
  bool sync_before_answer = false;   ///< the sender may delete what it sent
  PENSTOCK_DIMSE_KIND(store_decision);
  PENSTOCK_FIELDS(study_uid, allowed, reason, patient, most_bytes, most_instances, sync_before_answer);
};

struct close_study {
  dicom_uid study_uid;
  PENSTOCK_DIMSE_KIND(close_study);
  PENSTOCK_FIELDS(study_uid);
};

// ---- child to parent ----

struct associated {
  std::string calling_ae;
  std::string called_ae;
  std::string certificate;  ///< whose it is that the peer has shown and that was verified; empty without TLS
  PENSTOCK_DIMSE_KIND(associated);
  PENSTOCK_FIELDS(calling_ae, called_ae, certificate);
};

/// Asked once a study: by the first object of a study that is not open here.
struct may_store {
  dicom_uid study_uid;
  medical_record_number patient;
  std::string calling_ae;
  PENSTOCK_DIMSE_KIND(may_store);
  PENSTOCK_FIELDS(study_uid, patient, calling_ae);
};

struct stored_instance {
  dicom_uid sop_instance_uid;
  std::uint64_t bytes = 0;  ///< Part 10
  PENSTOCK_FIELDS(sop_instance_uid, bytes);
};

/// Batched: at most every 20 ms, or when 32 KiB are gathered. In the pack, not necessarily on the disk.
struct stored {
  dicom_uid study_uid;
  std::vector<stored_instance> instances;
  PENSTOCK_DIMSE_KIND(stored);
  PENSTOCK_FIELDS(study_uid, instances);
};

/// Objects that were not kept, gathered like `stored`: `count` of the same study for the same reason.
struct refused {
  dicom_uid study_uid;  ///< empty when it could not be read
  std::string reason;
  std::uint32_t dimse_status = 0;
  std::uint64_t count = 0;
  PENSTOCK_DIMSE_KIND(refused);
  PENSTOCK_FIELDS(study_uid, reason, dimse_status, count);
};

/// The child holds the pack no more: after `close_study`, at the end, or to make room for another study.
struct study_closed {
  dicom_uid study_uid;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;  ///< of the pack file
  std::string problem;      ///< not empty: the pack must be read to know what it holds
  PENSTOCK_DIMSE_KIND(study_closed);
  PENSTOCK_FIELDS(study_uid, records, bytes, problem);
};

/// Last message of an accept_job.
struct association_ended {
  peer_outcome outcome = peer_outcome::broken;
  std::uint64_t stored = 0;
  std::uint64_t refused = 0;
  std::uint64_t bytes = 0;
  std::string problem;
  PENSTOCK_DIMSE_KIND(association_ended);
  PENSTOCK_FIELDS(outcome, stored, refused, bytes, problem);
};

/// Whether the job is within its limits; errc::bad_request names the field.
[[nodiscard]] result<void> check(const accept_job& job);

}  // namespace penstock::messages
