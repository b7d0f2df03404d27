#pragma once
// What an association is asked besides retrievals, and what it says to the gateways that carry DIMSE: the port with the
// children of outbound associations, and the listener.

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

/// One SERIES query; `series` narrows the answer when not empty.
struct list_series {
  dicom_uid study;
  std::vector<dicom_uid> series;
  PENSTOCK_FIELDS(study, series);
};

struct series_listed {
  std::vector<dicom_uid> series;
  std::vector<std::string> modalities;
  bool truncated = false;
  PENSTOCK_FIELDS(series, modalities, truncated);
};

/// One IMAGE query for each series: some PACS answer IMAGE queries only under a series. At most `most_dimse_queries`.
struct list_images {
  dicom_uid study;
  std::vector<dicom_uid> series;
  PENSTOCK_FIELDS(study, series);
};

struct images_listed {
  std::vector<dicom_uid> instances;
  std::vector<dicom_uid> series_of;  ///< in step with `instances`
  bool truncated = false;
  std::string refused;  ///< not empty: the PACS does not answer such a query, in words
  PENSTOCK_FIELDS(instances, series_of, truncated, refused);
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
/// part for each association that brings some. Reported to the sender of this message. Where two PACS send the same
/// study at a time, the calling AE title tells whose objects they are.
struct expect_arrivals {
  std::string owner;
  std::uint64_t ticket = 0;
  std::string ae_title;  ///< of the PACS
  dicom_uid study;
  medical_record_number patient;
  std::string directory;
  std::string stem;
  std::uint64_t most_bytes = 0;
  std::uint64_t most_instances = 0;
  PENSTOCK_FIELDS(owner, ticket, ae_title, study, patient, directory, stem, most_bytes, most_instances);
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
