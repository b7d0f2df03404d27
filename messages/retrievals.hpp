#pragma once
// From a permit to bytes that lie in a pack: what the association, the DIMSE port, the listener and the shard say.

#include <cstdint>
#include <string>
#include <vector>

#include "messages/fields.hpp"
#include "messages/ids.hpp"
#include "messages/requests.hpp"

namespace penstock::messages {

/// Fetch one study under a permit. Answered by `study_settled`, whatever happens after the C-MOVE-RQ was sent. Without
/// a deadline it asks after a retrieval that was sent before the asker was restarted.
struct retrieve_study {
  std::string project;
  std::uint64_t request = 0;
  std::uint64_t permit = 0;
  std::uint32_t shard = 0;
  dicom_uid study;
  std::vector<dicom_uid> series;
  medical_record_number patient;     ///< each arriving object must be of this patient
  std::vector<dicom_uid> expected;   ///< empty: what the study holds is not known
  std::vector<dicom_uid> series_of;  ///< in step with `expected`
  retrieve_level finest = retrieve_level::instance;
  std::int64_t send_before_boottime_ns = 0;
  PENSTOCK_FIELDS(project, request, permit, shard, study, series, patient, expected, series_of, finest,
                  send_before_boottime_ns);
};

/// Make everything ready for a retrieval (place in the cache, arrivals expected, association accepted) but do not send.
/// Answered when only `retrieve_study` is missing, which must come soon; refused when it cannot be.
struct prepare_retrieval {
  retrieve_study what;  ///< without a deadline
  PENSTOCK_FIELDS(what);
};

struct retrieval_prepared {
  std::uint64_t permit = 0;
  bool nothing_lacks = false;  ///< all that is expected has come meanwhile: nothing is prepared
  PENSTOCK_FIELDS(permit, nothing_lacks);
};

/// Ends it in whatever state it is: a prepared one is let go, a sent one gets a C-CANCEL.
struct cancel_retrieval {
  std::string project;
  std::uint64_t request = 0;
  PENSTOCK_FIELDS(project, request);
};

/// How the DIMSE side of a retrieval ended: evidence for the decision what to do next, never proof of completeness.
struct retrieval_outcome {
  bool known = true;  ///< false: left from a crash, nobody here knows whether it was sent
  bool sent = false;  ///< false: the start was wasted (no association, or too late)
  bool cancelled = false;
  std::uint32_t dimse_status = 0;
  std::uint64_t refused = 0;  ///< objects of another patient or study, or that failed their checks
  std::string problem;        ///< in words, empty when the PACS reported plain success
  retrieve_level level = retrieve_level::study;
  std::uint64_t asked = 0;          ///< instances that lacked and that this retrieval asked for
  std::uint64_t asked_missing = 0;  ///< ... and that lack still
  std::uint64_t unlisted = 0;       ///< instances of the study that came and that the PACS had not listed
  PENSTOCK_FIELDS(known, sent, cancelled, dimse_status, refused, problem, level, asked, asked_missing, unlisted);
};

/// Ask a shard for a place to write, and what it lacks. The stem is unused so far; parts are
/// `<directory>/<stem>-<n>.part`.
struct reserve_pack {
  std::string pacs;
  dicom_uid study;
  medical_record_number patient;
  std::vector<dicom_uid> expected;
  std::vector<dicom_uid> series;  ///< of the request; empty: the whole study
  PENSTOCK_FIELDS(pacs, study, patient, expected, series);
};

struct pack_reserved {
  std::string directory;
  std::string stem;
  std::vector<dicom_uid> lacking;  ///< of `expected`; all of it when what is here may not be taken over
  PENSTOCK_FIELDS(directory, stem, lacking);
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
  bool takes_unlisted = false;  ///< the whole study was asked for: what comes beyond `expected` is of it too
  retrieval_outcome outcome;
  PENSTOCK_FIELDS(project, request, permit, pacs, study, parts, expected, takes_unlisted, outcome);
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
  std::vector<dicom_uid> series;  ///< of the request; empty: the whole study
  bool held = false;              ///< the project holds just these already
  PENSTOCK_FIELDS(project, request, pacs, study, patient, expected, series, held);
};

}  // namespace penstock::messages
