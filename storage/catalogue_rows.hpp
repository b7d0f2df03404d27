#pragma once
// What a shard's catalogue knows of each pack and of each instance in it. Everything here can be read again from the
// packs, so the catalogue is an index, not a record.

#include <cstdint>
#include <string>
#include <string_view>

#include "messages/fields.hpp"
#include "messages/ids.hpp"

namespace penstock::storage {

enum class pack_state : std::uint8_t {
  settled,      ///< synced, in its place, all records checked
  quarantined,  ///< a record failed its check later; nothing is served from it
};
[[nodiscard]] std::string_view name_of(pack_state state);
/// An unknown word (of a later version) is false and reads as quarantined.
bool parse(std::string_view text, pack_state& into);

/// `pack_id` names the file; it is ours and holds nothing of the patient.
struct catalogued_pack {
  std::string pack_id;
  std::string pacs;
  messages::dicom_uid study;
  pack_state state = pack_state::settled;
  std::uint64_t pack_bytes = 0;
  std::uint64_t instances = 0;
  PENSTOCK_FIELDS(pack_id, pacs, study, state, pack_bytes, instances);
};

/// One instance, where it lies, and what listings show. The text attributes are UTF-8, without padding, under the names
/// of the DICOM keywords; numbers are 0 when absent. Offsets and sizes are bytes in the pack: `part10` covers a
/// complete Part 10 file (preamble, meta, data set), `dataset` the data set as received.
struct catalogued_instance {
  std::string pacs;
  messages::dicom_uid study;
  messages::dicom_uid series;
  messages::dicom_uid sop_instance;
  std::string pack_id;
  std::uint64_t part10_offset = 0;
  std::uint64_t part10_bytes = 0;
  std::uint64_t dataset_offset = 0;
  std::uint64_t dataset_bytes = 0;
  std::string sop_class;
  std::string transfer_syntax;
  std::string dataset_sha256;  ///< hexadecimal; empty until it was computed
  std::uint32_t crc32c = 0;    ///< of the record, as in its commit block
  std::int64_t series_number = 0;
  std::int64_t instance_number = 0;
  std::string modality;
  messages::protected_text patient_id;
  messages::protected_text issuer_of_patient_id;
  messages::protected_text patient_name;
  std::string study_date;
  std::string study_time;
  messages::protected_text accession_number;
  messages::protected_text study_description;
  messages::protected_text series_description;
  std::uint32_t rows = 0;
  std::uint32_t columns = 0;
  std::uint32_t number_of_frames = 0;
  PENSTOCK_FIELDS(pacs, study, series, sop_instance, pack_id, part10_offset, part10_bytes, dataset_offset,
                  dataset_bytes, sop_class, transfer_syntax, dataset_sha256, crc32c, series_number, instance_number,
                  modality, patient_id, issuer_of_patient_id, patient_name, study_date, study_time, accession_number,
                  study_description, series_description, rows, columns, number_of_frames);
};

/// The sum over a study's packs.
struct catalogued_study {
  std::string pacs;
  messages::dicom_uid study;
  std::uint64_t packs = 0;
  std::uint64_t instances = 0;
  std::uint64_t pack_bytes = 0;
  PENSTOCK_FIELDS(pacs, study, packs, instances, pack_bytes);
};

}  // namespace penstock::storage
