#pragma once
// Takes from a data set, while it arrives, the attributes that the catalogue and the identity check need. It sees only
// top-level elements, never recurses and holds at most one value, so that no data set can exhaust it. PS3.5 section 7.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "messages/fields.hpp"
#include "messages/ids.hpp"
#include "messages/result.hpp"

namespace penstock::storage {

/// Values as received without the padding at their end: not yet converted from their character set (to_utf8), several
/// values parted by backslashes. Empty (or 0) when absent.
struct scanned_dataset {
  messages::dicom_uid study_instance_uid, series_instance_uid, sop_instance_uid, sop_class_uid;
  messages::protected_text patient_id, issuer_of_patient_id, patient_name, patient_birth_date, patient_sex;
  messages::protected_text accession_number;
  std::string specific_character_set, image_type;
  std::string study_date, series_date, acquisition_date, study_time, series_time;
  std::string modality, manufacturer, institution_name, station_name, manufacturer_model_name;
  std::string study_description, series_description;
  std::string body_part_examined, slice_thickness, protocol_name;
  std::string study_id, series_number, instance_number, number_of_frames;
  std::uint32_t rows = 0, columns = 0;

  bool operator==(const scanned_dataset&) const = default;
  PENSTOCK_FIELDS(study_instance_uid, series_instance_uid, sop_instance_uid, sop_class_uid, patient_id,
                  issuer_of_patient_id, patient_name, patient_birth_date, patient_sex, accession_number,
                  specific_character_set, image_type, study_date, series_date, acquisition_date, study_time,
                  series_time, modality, manufacturer, institution_name, station_name, manufacturer_model_name,
                  study_description, series_description, body_part_examined, slice_thickness, protocol_name, study_id,
                  series_number, instance_number, number_of_frames, rows, columns);
};

enum class scan_state : std::uint8_t {
  reading,     ///< the identity is not known yet
  identified,  ///< study, series, instance and patient are known (the patient's id may be empty)
  complete,    ///< all wanted attributes have passed; of what follows only lengths are looked at
  malformed    ///< broken before the identity was known: `fault` says how
};

/// Feed it the data set in pieces of any size, then call `end`. Elements must ascend (PS3.5 section 7.1), so that a
/// second Patient ID further on cannot contradict the first. A fault after the identity is known only ends the scan
/// (`cut_short`). To the end of a data set that is not deflated it follows the lengths, so that one that was cut off is
/// told from a whole one (`truncated`). Work is linear in what is fed; memory is bounded by `longest_value_bytes` and
/// `deepest_nesting`.
class dataset_scanner {
 public:
  static constexpr std::size_t longest_value_bytes = 1024;
  static constexpr std::size_t deepest_nesting = 64;
  /// Of a deflated data set, no more is looked at once inflated.
  static constexpr std::size_t most_inflated_bytes = std::size_t{64} << 20;

  /// `transfer_syntax`: explicit VR little endian is assumed for all but implicit little endian, explicit big endian
  /// and deflated. `dataset_bytes`: the length of the whole when known (not deflated); lengths are checked against it.
  explicit dataset_scanner(std::string_view transfer_syntax, std::optional<std::uint64_t> dataset_bytes = std::nullopt);
  dataset_scanner(dataset_scanner&&) noexcept;
  dataset_scanner& operator=(dataset_scanner&&) noexcept;
  ~dataset_scanner();

  scan_state feed(std::span<const std::byte> bytes);
  /// The data set ended here.
  scan_state end();

  [[nodiscard]] scan_state state() const { return state_; }
  [[nodiscard]] bool cut_short() const { return cut_short_; }
  /// An element reaches beyond the end, or Pixel Data has none. Known after `end`.
  [[nodiscard]] bool truncated() const { return truncated_; }
  [[nodiscard]] std::string_view fault() const { return fault_; }
  [[nodiscard]] const scanned_dataset& found() const { return found_; }
  [[nodiscard]] scanned_dataset&& take() { return std::move(found_); }

 private:
  struct inflater;
  struct level {
    bool is_item = false;
    bool implicit_vr = false;
    bool big_endian = false;
  };
  enum class step : std::uint8_t { header, value, skip };

  void scan(std::span<const std::byte> bytes);
  void inflate_and_scan(std::span<const std::byte> bytes);
  [[nodiscard]] bool ends_within() const;
  [[nodiscard]] std::size_t header_size() const;
  [[nodiscard]] std::uint32_t number(std::size_t position, std::size_t bytes) const;
  void on_header();
  void on_delimiter(std::uint32_t tag, std::uint32_t length);
  void on_element(std::uint32_t tag, std::uint32_t length);
  void on_top_level(std::uint32_t tag);
  void on_value();
  void open_level(level next);
  void skip(std::uint32_t length);
  void check_identity();
  void stop(std::string_view why);

  scan_state state_ = scan_state::reading;
  step step_ = step::header;
  level encoding_;
  std::vector<level> levels_;
  std::array<std::byte, 12> header_{};
  std::size_t header_filled_ = 0;
  std::uint32_t tag_ = 0;
  std::uint32_t last_top_level_tag_ = 0;
  std::uint32_t left_ = 0;
  std::string value_;
  std::uint64_t position_ = 0;
  std::optional<std::uint64_t> dataset_bytes_;
  std::unique_ptr<inflater> inflater_;
  scanned_dataset found_;
  std::string_view fault_;
  bool cut_short_ = false;
  bool stopped_ = false;  ///< nothing more is looked at
  bool truncated_ = false;
};

/// Scans the first bytes of a data set whose whole length is `dataset_bytes`: enough when the identity lies in them.
/// errc::bad_request names the fault and never a value.
[[nodiscard]] messages::result<scanned_dataset> scan_dataset(std::span<const std::byte> head,
                                                             std::string_view transfer_syntax,
                                                             std::uint64_t dataset_bytes);

/// 1 to 64 digits and dots. Wider than PS3.5 section 9.1: archives hold UIDs whose components start with a zero.
[[nodiscard]] bool has_uid_form(std::string_view text);

namespace transfer_syntaxes {
constexpr std::string_view implicit_little_endian = "1.2.840.10008.1.2";
constexpr std::string_view explicit_little_endian = "1.2.840.10008.1.2.1";
constexpr std::string_view deflated_little_endian = "1.2.840.10008.1.2.1.99";
constexpr std::string_view explicit_big_endian = "1.2.840.10008.1.2.2";
}  // namespace transfer_syntaxes

}  // namespace penstock::storage
