// Studies that no file holds: the same UIDs and bytes for the same script.

#include <algorithm>
#include <array>
#include <string>

#include "tools/pacs/catalogue.hpp"
#include "tools/pacs/transfer_syntaxes.hpp"

namespace penstock::pacs {
namespace {

constexpr std::string_view ct_image_storage = "1.2.840.10008.5.1.4.1.1.2";
constexpr std::string_view mr_image_storage = "1.2.840.10008.5.1.4.1.1.4";
constexpr std::size_t bytes_of_pixel = 2;

std::uint64_t hash(std::string_view text) {  // FNV-1a: the UIDs stay the same for ever
  std::uint64_t value = 14'695'981'039'346'656'037ULL;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 1'099'511'628'211ULL;
  return value;
}

std::string made_uid(const generated_patient& patient, std::size_t place) {
  return "2.25." +
         std::to_string(hash(patient.mrn + "\\" + patient.issuer + "\\" + patient.name + "\\" + std::to_string(place)));
}

/// The first of several has the name itself, the others a number after it. For UIDs the number comes after ".0.", so
/// that no series and no object has the UID of another study.
std::string numbered(const std::string& name, const char* separator, std::uint32_t number) {
  return number == 0 || name.empty() ? name : name + separator + std::to_string(number + 1);
}

dataset attributes_of(const generated_patient& patient, const generated_study& from) {
  dataset made;
  put(made, attributes::patient_name, patient.name);
  put(made, attributes::patient_id, patient.mrn);
  put(made, attributes::issuer_of_patient_id, patient.issuer);
  put(made, attributes::patient_birth_date, patient.birth_date);
  put(made, attributes::patient_sex, patient.sex);
  put(made, attributes::study_date, from.date);
  put(made, attributes::study_time, from.time);
  put(made, attributes::study_description, from.description);
  put(made, attributes::study_id, "1");
  put(made, attributes::referring_physician_name, "");
  return made;
}

series make_series(const generated_study& from, const std::string& study_uid, std::uint32_t number) {
  series made;
  const auto uid = study_uid + "." + std::to_string(number);
  put(made.attributes, attributes::series_instance_uid, uid);
  put(made.attributes, attributes::series_number, std::to_string(number));
  put(made.attributes, attributes::modality, from.modality);
  put(made.attributes, attributes::series_description, "SERIES " + std::to_string(number));
  put(made.attributes, attributes::manufacturer, "INVENTED");
  made.instances.reserve(from.instances);
  const auto sop_class = from.modality == "MR" ? mr_image_storage : ct_image_storage;
  for (std::uint32_t i = 1; i <= from.instances; ++i)
    made.instances.push_back(
        {uid + "." + std::to_string(i), std::string{sop_class}, std::string{explicit_little_endian}, i, {}, 0});
  return made;
}

struct matrix {
  std::uint32_t columns = 0;
  std::uint32_t rows = 0;
};

matrix matrix_for(std::uint64_t pixel_bytes) {
  constexpr std::uint64_t small = std::uint64_t{32} << 10;
  constexpr std::uint64_t large = std::uint64_t{512} << 10;
  constexpr std::uint64_t huge = std::uint64_t{16} << 20;
  const std::uint32_t columns = pixel_bytes < small ? 16 : pixel_bytes < large ? 128 : pixel_bytes < huge ? 512 : 4096;
  return {columns, static_cast<std::uint32_t>(std::max<std::uint64_t>(1, pixel_bytes / (columns * bytes_of_pixel)))};
}

void put_image(dataset& into, const instance& of, const matrix& size, bool is_mr) {
  put(into, attributes::image_type, "ORIGINAL\\PRIMARY\\AXIAL");
  put(into, attributes::slice_thickness, "1");
  put(into, attributes::image_position_patient, "0\\0\\" + std::to_string(of.number));
  put(into, attributes::image_orientation_patient, "1\\0\\0\\0\\1\\0");
  put(into, attributes::frame_of_reference_uid, "2.25.1");
  put(into, attributes::position_reference_indicator, "");
  put_number(into, attributes::samples_per_pixel, 1);
  put(into, attributes::photometric_interpretation, "MONOCHROME2");
  put_number(into, attributes::rows, size.rows);
  put_number(into, attributes::columns, size.columns);
  put(into, attributes::pixel_spacing, "1\\1");
  put_number(into, attributes::bits_allocated, 16);
  put_number(into, attributes::bits_stored, 16);
  put_number(into, attributes::high_bit, 15);
  put_number(into, attributes::pixel_representation, is_mr ? 0 : 1);
  if (is_mr) return;
  put(into, attributes::rescale_intercept, "0");
  put(into, attributes::rescale_slope, "1");
}

/// Pixels that differ from object to object and do not compress away: parts of one block of noise.
void append_pixels(bytes& to, std::size_t count, std::uint64_t seed) {
  static const bytes noise = [] {
    bytes made;
    constexpr std::size_t noise_bytes = std::size_t{1} << 20;
    made.reserve(noise_bytes);
    for (std::uint32_t value = 1; made.size() < noise_bytes; value = value * 1'664'525 + 1'013'904'223)
      append_little_endian(made, value >> 20, 2);
    return made;
  }();
  auto at = static_cast<std::size_t>(seed % noise.size());
  for (; count > 0; at = 0) {
    const auto part = byte_view{noise}.subspan(at).first(std::min(count, noise.size() - at));
    append(to, part);
    count -= part.size();
  }
}

}  // namespace

void add_generated(const generated_patient& patient, catalogue& to) {
  std::size_t place = 0;
  for (const auto& from : patient.studies) {
    ++place;
    for (std::uint32_t i = 0; i < from.count; ++i) {
      study made;
      const auto uid = numbered(from.study_uid.empty() ? made_uid(patient, place) : from.study_uid, ".0.", i);
      made.attributes = attributes_of(patient, from);
      put(made.attributes, attributes::study_instance_uid, uid);
      put(made.attributes, attributes::accession_number, numbered(from.accession, "-", i));
      made.character_set = from.character_set;
      made.instance_bytes = from.instance_bytes;
      for (std::uint32_t number = 1; number <= from.series; ++number)
        made.members.push_back(make_series(from, uid, number));
      to.add(std::move(made));
    }
  }
}

bytes generate(const object& wanted, encoding as) {
  auto set = wanted.of_study->attributes;
  set.insert(wanted.of_series->attributes.begin(), wanted.of_series->attributes.end());
  for (auto& [tag, of] : set)
    if (has_character_set(of.vr)) of.value = from_utf8(wanted.of_study->character_set, of.value).value_or(of.value);
  put(set, attributes::specific_character_set, wanted.of_study->character_set);
  put(set, attributes::sop_class_uid, wanted.what->sop_class_uid);
  put(set, attributes::sop_instance_uid, wanted.what->sop_instance_uid);
  put(set, attributes::instance_number, std::to_string(wanted.what->number));
  const auto size = matrix_for(wanted.of_study->instance_bytes);
  put_image(set, *wanted.what, size, wanted.what->sop_class_uid == mr_image_storage);
  const auto pixel_bytes = std::size_t{size.rows} * size.columns * bytes_of_pixel;
  constexpr std::size_t room_before_pixels = 2'048;
  bytes made;
  made.reserve(room_before_pixels + pixel_bytes);
  append(made, encode(set, as));
  append_header(made, attributes::pixel_data, pixel_bytes, as);
  append_pixels(made, pixel_bytes, hash(wanted.what->sop_instance_uid));
  return made;
}

}  // namespace penstock::pacs
