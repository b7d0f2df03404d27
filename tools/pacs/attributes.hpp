#pragma once
// The attributes that are named in this program (PS3.6 section 6; PS3.7 section E.1 for the command set).

#include <cstdint>
#include <string_view>

namespace penstock::pacs {

struct attribute {
  std::uint32_t tag;
  std::string_view vr;
};

namespace attributes {
inline constexpr attribute command_group_length{0x00000000, "UL"};
inline constexpr attribute affected_sop_class_uid{0x00000002, "UI"};
inline constexpr attribute command_field{0x00000100, "US"};
inline constexpr attribute message_id{0x00000110, "US"};
inline constexpr attribute message_id_being_responded_to{0x00000120, "US"};
inline constexpr attribute move_destination{0x00000600, "AE"};
inline constexpr attribute priority{0x00000700, "US"};
inline constexpr attribute command_data_set_type{0x00000800, "US"};
inline constexpr attribute status{0x00000900, "US"};
inline constexpr attribute affected_sop_instance_uid{0x00001000, "UI"};
inline constexpr attribute number_of_remaining_sub_operations{0x00001020, "US"};
inline constexpr attribute number_of_completed_sub_operations{0x00001021, "US"};
inline constexpr attribute number_of_failed_sub_operations{0x00001022, "US"};
inline constexpr attribute number_of_warning_sub_operations{0x00001023, "US"};
inline constexpr attribute move_originator_ae_title{0x00001030, "AE"};
inline constexpr attribute move_originator_message_id{0x00001031, "US"};

inline constexpr attribute specific_character_set{0x00080005, "CS"};
inline constexpr attribute image_type{0x00080008, "CS"};
inline constexpr attribute sop_class_uid{0x00080016, "UI"};
inline constexpr attribute sop_instance_uid{0x00080018, "UI"};
inline constexpr attribute study_date{0x00080020, "DA"};
inline constexpr attribute series_date{0x00080021, "DA"};
inline constexpr attribute study_time{0x00080030, "TM"};
inline constexpr attribute series_time{0x00080031, "TM"};
inline constexpr attribute accession_number{0x00080050, "SH"};
inline constexpr attribute query_retrieve_level{0x00080052, "CS"};
inline constexpr attribute retrieve_ae_title{0x00080054, "AE"};
inline constexpr attribute instance_availability{0x00080056, "CS"};
inline constexpr attribute failed_sop_instance_uid_list{0x00080058, "UI"};
inline constexpr attribute modality{0x00080060, "CS"};
inline constexpr attribute modalities_in_study{0x00080061, "CS"};
inline constexpr attribute sop_classes_in_study{0x00080062, "UI"};
inline constexpr attribute manufacturer{0x00080070, "LO"};
inline constexpr attribute institution_name{0x00080080, "LO"};
inline constexpr attribute referring_physician_name{0x00080090, "PN"};
inline constexpr attribute study_description{0x00081030, "LO"};
inline constexpr attribute series_description{0x0008103e, "LO"};
inline constexpr attribute patient_name{0x00100010, "PN"};
inline constexpr attribute patient_id{0x00100020, "LO"};
inline constexpr attribute issuer_of_patient_id{0x00100021, "LO"};
inline constexpr attribute patient_birth_date{0x00100030, "DA"};
inline constexpr attribute patient_sex{0x00100040, "CS"};
inline constexpr attribute body_part_examined{0x00180015, "CS"};
inline constexpr attribute slice_thickness{0x00180050, "DS"};
inline constexpr attribute protocol_name{0x00181030, "LO"};
inline constexpr attribute study_instance_uid{0x0020000d, "UI"};
inline constexpr attribute series_instance_uid{0x0020000e, "UI"};
inline constexpr attribute study_id{0x00200010, "SH"};
inline constexpr attribute series_number{0x00200011, "IS"};
inline constexpr attribute instance_number{0x00200013, "IS"};
inline constexpr attribute image_position_patient{0x00200032, "DS"};
inline constexpr attribute image_orientation_patient{0x00200037, "DS"};
inline constexpr attribute frame_of_reference_uid{0x00200052, "UI"};
inline constexpr attribute position_reference_indicator{0x00201040, "LO"};
inline constexpr attribute number_of_patient_related_studies{0x00201200, "IS"};
inline constexpr attribute number_of_study_related_series{0x00201206, "IS"};
inline constexpr attribute number_of_study_related_instances{0x00201208, "IS"};
inline constexpr attribute number_of_series_related_instances{0x00201209, "IS"};
inline constexpr attribute samples_per_pixel{0x00280002, "US"};
inline constexpr attribute photometric_interpretation{0x00280004, "CS"};
inline constexpr attribute rows{0x00280010, "US"};
inline constexpr attribute columns{0x00280011, "US"};
inline constexpr attribute pixel_spacing{0x00280030, "DS"};
inline constexpr attribute bits_allocated{0x00280100, "US"};
inline constexpr attribute bits_stored{0x00280101, "US"};
inline constexpr attribute high_bit{0x00280102, "US"};
inline constexpr attribute pixel_representation{0x00280103, "US"};
inline constexpr attribute rescale_intercept{0x00281052, "DS"};
inline constexpr attribute rescale_slope{0x00281053, "DS"};
inline constexpr attribute pixel_data{0x7fe00010, "OW"};
}  // namespace attributes

}  // namespace penstock::pacs
