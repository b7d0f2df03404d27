#pragma once
// What of the records that arrived becomes part of the cache, and what a study then holds of what was expected. Pure:
// the shard reads, syncs and catalogues; this decides.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "messages/ids.hpp"
#include "messages/retrievals.hpp"
#include "storage/catalogue_rows.hpp"

namespace penstock::actors {

/// One record of a part, after its bytes were read once.
struct arrived_record {
  bool bytes_sound = false;               ///< the record's checksum agrees
  bool readable = false;                  ///< the data set says what it is; the fields below are empty when not
  messages::dicom_uid recorded_instance;  ///< as the record header says
  messages::dicom_uid instance;           ///< as the data set says
  messages::dicom_uid study;              ///< as the data set says
  std::string dataset_sha256;
};

/// SOP Instance UID to digest of the data set: what the catalogue serves of the study already.
using catalogued_digests = std::map<messages::dicom_uid, std::string>;

/// `kept` are positions in `arrived`.
struct settle_plan {
  std::vector<std::size_t> kept;
  std::uint64_t refused = 0;
  std::uint64_t duplicates = 0;
  std::vector<messages::dicom_uid> arrived;  ///< sound and of the study, each once: kept or here before
};

/// A record is refused when its bytes do not check, when it is of another study or says another instance than its
/// record, and when the same delivery holds the instance twice with different bytes: then the first one counts. The
/// same bytes again are a duplicate, in the delivery or of what is catalogued. Other bytes than the catalogue's are
/// kept: what the PACS says now takes the place of what it said before.
[[nodiscard]] settle_plan plan_settlement(const messages::dicom_uid& study, const std::vector<arrived_record>& arrived,
                                          const catalogued_digests& before);

struct presence {
  std::vector<messages::dicom_uid> present;
  std::vector<messages::dicom_uid> missing;
};

/// What of `expected`, each once and in its order, is among `served`.
[[nodiscard]] presence compare(const std::vector<messages::dicom_uid>& expected,
                               const std::vector<storage::catalogued_instance>& served);
[[nodiscard]] presence compare(const std::vector<messages::dicom_uid>& expected,
                               const std::vector<messages::dicom_uid>& here);

/// Bytes, series, modalities (sorted, joined by comma), patient, accession, date and time of `present` go into `into`.
/// Instances that name different patients are a problem in words: the patient is then that of the first.
void summarise(const std::vector<storage::catalogued_instance>& served, const std::vector<messages::dicom_uid>& present,
               messages::study_settled& into);

/// The same patient id, and the same issuer unless one of the two does not say.
[[nodiscard]] bool is_same_patient(const messages::medical_record_number& one,
                                   const messages::medical_record_number& other);

/// What the list of a request is compared with.
struct adoption_scope {
  std::vector<messages::dicom_uid> series;  ///< that were asked for; empty: the whole study
  bool held = false;                        ///< the project holds just what is expected
};

/// May a project take over what is served, without a C-MOVE? Only when that is exactly what is expected, within the
/// series asked for, and of that patient. When not: what lacks; all of it when nothing lacks but something else
/// differs, since a PACS that lists less than is here has changed the study or cuts its lists. Who holds the list
/// already learns nothing from what is served beyond it.
[[nodiscard]] presence judge_adoption(const std::vector<messages::dicom_uid>& expected,
                                      const messages::medical_record_number& patient,
                                      const std::vector<storage::catalogued_instance>& served,
                                      const adoption_scope& scope);

}  // namespace penstock::actors
