#pragma once
// From a permit to bytes that lie in a pack: what the association, the DIMSE port, the listener and the shard say.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "messages/fields.hpp"
#include "messages/ids.hpp"

namespace penstock::messages {

/// One C-FIND-RQ on the Study Root model. `keys` are exact (is_exact_key was checked); `wanted` are return keys, by
/// DICOM keyword.
struct run_query {
  std::string level;  ///< STUDY, SERIES or IMAGE
  std::map<std::string, protected_text> keys;
  std::vector<std::string> wanted;
  std::uint32_t most_rows = 1000;
  PENSTOCK_FIELDS(level, keys, wanted, most_rows);
};

/// Values by DICOM keyword, UTF-8, several values joined by a backslash.
struct query_row {
  std::map<std::string, protected_text> values;
  PENSTOCK_FIELDS(values);
};

struct query_answered {
  std::vector<query_row> rows;
  bool truncated = false;  ///< the PACS held back rows or there were more than `most_rows`
  PENSTOCK_FIELDS(rows, truncated);
};

/// SERIES and then IMAGE queries that list what a study holds; `series` narrows it when not empty.
struct enumerate_study {
  dicom_uid study;
  std::vector<dicom_uid> series;
  PENSTOCK_FIELDS(study, series);
};

struct study_enumerated {
  std::vector<dicom_uid> instances;
  std::vector<std::string> modalities;
  bool truncated = false;
  PENSTOCK_FIELDS(instances, modalities, truncated);
};

/// Fetch one study under a permit. Answered by `study_settled`, whatever happens after the C-MOVE-RQ was sent.
struct retrieve_study {
  std::string project;
  std::uint64_t request = 0;
  std::uint64_t permit = 0;
  std::uint32_t shard = 0;
  dicom_uid study;
  std::vector<dicom_uid> series;
  medical_record_number patient;  ///< each arriving object must be of this patient
  std::vector<dicom_uid> expected;
  std::int64_t send_before_boottime_ns = 0;
  PENSTOCK_FIELDS(project, request, permit, shard, study, series, patient, expected, send_before_boottime_ns);
};

struct cancel_retrieval {
  std::string project;
  std::uint64_t request = 0;
  PENSTOCK_FIELDS(project, request);
};

/// How the DIMSE side of a retrieval ended: evidence for the decision what to do next, never proof of completeness.
struct retrieval_outcome {
  bool known = true;        ///< false: left from a crash, nobody here knows whether it was sent
  bool sent = false;        ///< false: the start was wasted (no association, or too late)
  bool cancelled = false;
  std::uint32_t dimse_status = 0;
  std::uint64_t refused = 0;  ///< objects of another patient or study, or that failed their checks
  std::string problem;        ///< in words, empty when the PACS reported plain success
  PENSTOCK_FIELDS(known, sent, cancelled, dimse_status, refused, problem);
};

/// Ask a shard for a place to write. The stem is unused so far; parts are `<directory>/<stem>-<n>.part`.
struct reserve_pack {
  std::string pacs;
  dicom_uid study;
  PENSTOCK_FIELDS(pacs, study);
};

struct pack_reserved {
  std::string directory;
  std::string stem;
  PENSTOCK_FIELDS(directory, stem);
};

/// Check, sync, rename and catalogue what arrived. `parts` are file names in the reserved directory.
struct settle_study {
  std::string project;
  std::uint64_t request = 0;
  std::uint64_t permit = 0;
  std::string pacs;
  dicom_uid study;
  std::vector<std::string> parts;
  std::vector<dicom_uid> expected;
  retrieval_outcome outcome;
  PENSTOCK_FIELDS(project, request, permit, pacs, study, parts, expected, outcome);
};

/// What of `expected` is now in packs, checked and synced, and what is not.
struct study_settled {
  std::string project;
  std::uint64_t request = 0;
  std::uint64_t permit = 0;
  std::string pacs;
  dicom_uid study;
  std::vector<dicom_uid> present;
  std::vector<dicom_uid> missing;
  std::uint64_t bytes = 0;  ///< of `present`, as Part 10 files
  medical_record_number patient;
  protected_text accession;
  std::string study_date;
  std::string study_time;
  std::string modality;  ///< joined by comma
  std::uint64_t series = 0;
  retrieval_outcome outcome;
  PENSTOCK_FIELDS(project, request, permit, pacs, study, present, missing, bytes, patient, accession, study_date,
                  study_time, modality, series, outcome);
};

/// Is all of `expected`, and nothing else, already here for this patient? Then a project gets it without a C-MOVE.
struct adopt_study {
  std::string project;
  std::uint64_t request = 0;
  std::string pacs;
  dicom_uid study;
  medical_record_number patient;
  std::vector<dicom_uid> expected;
  PENSTOCK_FIELDS(project, request, pacs, study, patient, expected);
};

struct echo_pacs {
  std::string reason;
  PENSTOCK_FIELDS(reason);
};

struct echo_answered {
  bool reached = false;
  std::uint32_t elapsed_ms = 0;
  std::string problem;
  PENSTOCK_FIELDS(reached, elapsed_ms, problem);
};

// ---- the DIMSE port: one child process per association ----

/// Start a child for the owner who sends this. `job` is a message of messages/dimse.hpp as JSON text.
/// `ticket` is the owner's name for the child, unique for that owner.
struct start_dimse {
  std::string owner;
  std::uint64_t ticket = 0;
  std::string job;
  PENSTOCK_FIELDS(owner, ticket, job);
};

struct tell_dimse {
  std::string owner;
  std::uint64_t ticket = 0;
  std::string message;
  PENSTOCK_FIELDS(owner, ticket, message);
};

/// Cancel politely, then abort, then kill, each after a named deadline.
struct stop_dimse {
  std::string owner;
  std::uint64_t ticket = 0;
  PENSTOCK_FIELDS(owner, ticket);
};

/// A (re)started owner disowns what its predecessor had running: those children are killed, those arrivals closed.
struct disown_dimse {
  std::string owner;
  PENSTOCK_FIELDS(owner);
};

struct dimse_reported {
  std::uint64_t ticket = 0;
  std::string message;
  PENSTOCK_FIELDS(ticket, message);
};

/// The child is gone. `problem` is empty after a clean exit.
struct dimse_ended {
  std::uint64_t ticket = 0;
  std::string problem;
  PENSTOCK_FIELDS(ticket, problem);
};

// ---- the DICOM listener: who may store what, where ----

/// From now on objects of this study and patient may arrive; they are written to `<directory>/<stem>-<n>.part`, one
/// part for each association that brings some. Reported to the sender of this message.
struct expect_arrivals {
  std::string owner;
  std::uint64_t ticket = 0;
  std::string pacs;
  dicom_uid study;
  medical_record_number patient;
  std::string directory;
  std::string stem;
  std::uint64_t most_bytes = 0;
  std::uint64_t most_instances = 0;
  PENSTOCK_FIELDS(owner, ticket, pacs, study, patient, directory, stem, most_bytes, most_instances);
};

struct arrivals_expected {
  std::uint64_t ticket = 0;
  PENSTOCK_FIELDS(ticket);
};

/// Nothing more may be written. Answered when every child has let go of its part, or was killed after a deadline.
struct stop_arrivals {
  std::string owner;
  std::uint64_t ticket = 0;
  PENSTOCK_FIELDS(owner, ticket);
};

struct arrivals_stopped {
  std::uint64_t ticket = 0;
  std::vector<std::string> parts;
  PENSTOCK_FIELDS(ticket, parts);
};

/// Batched and one way. `refused` counts objects of this study that failed a check.
struct instances_arrived {
  std::uint64_t ticket = 0;
  std::uint64_t instances = 0;
  std::uint64_t bytes = 0;
  std::uint64_t refused = 0;
  std::uint64_t open_associations = 0;
  PENSTOCK_FIELDS(ticket, instances, bytes, refused, open_associations);
};

}  // namespace penstock::messages
