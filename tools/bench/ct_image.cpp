#include "tools/bench/ct_image.hpp"

#include <iterator>
#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

namespace penstock::bench {
namespace {

constexpr std::string_view ct_image_storage = "1.2.840.10008.5.1.4.1.1.2";
constexpr std::string_view explicit_little_endian = "1.2.840.10008.1.2.1";
constexpr std::size_t short_head_bytes = 8;  // of an element with a short VR
constexpr std::size_t long_head_bytes = 12;

struct element {
  std::uint16_t group = 0;
  std::uint16_t number = 0;
  std::string_view vr;
  std::string_view value;
};

/// What a scanner writes around the pixels: a receiver that reads data sets has this much to read.
constexpr element scanner_elements[] = {
    {0x0008, 0x0005, "CS", "ISO_IR 100"},
    {0x0008, 0x0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"},
    {0x0008, 0x0012, "DA", "20040119"},
    {0x0008, 0x0013, "TM", "072731"},
    {0x0008, 0x0014, "UI", "1.3.6.1.4.1.5962.3"},
    {0x0008, 0x0020, "DA", "20161006"},
    {0x0008, 0x0021, "DA", "20161006"},
    {0x0008, 0x0022, "DA", "19970430"},
    {0x0008, 0x0023, "DA", "20161006"},
    {0x0008, 0x0030, "TM", "085644"},
    {0x0008, 0x0031, "TM", "085644"},
    {0x0008, 0x0032, "TM", "112936"},
    {0x0008, 0x0033, "TM", "085644"},
    {0x0008, 0x0050, "SH", "G0001008"},
    {0x0008, 0x0060, "CS", "CT"},
    {0x0008, 0x0070, "LO", "INVENTED SYSTEMS"},
    {0x0008, 0x0080, "LO", "INVENTED IMAGING CENTER"},
    {0x0008, 0x0090, "PN", "Referrer^6"},
    {0x0008, 0x0201, "SH", "-0500"},
    {0x0008, 0x1010, "SH", "CT01_OC0"},
    {0x0008, 0x1030, "LO", "CT HEAD"},
    {0x0008, 0x103e, "LO", "AX SOFT"},
    {0x0008, 0x1090, "LO", "INVENTOR"},
    {0x0010, 0x0030, "DA", "19510314"},
    {0x0010, 0x0040, "CS", "F"},
    {0x0010, 0x1010, "AS", "000Y"},
    {0x0010, 0x1030, "DS", "0.000000"},
    {0x0010, 0x21b0, "LT", ""},
    {0x0018, 0x0010, "LO", "ISOVUE300/100"},
    {0x0018, 0x0022, "CS", "HELICAL MODE"},
    {0x0018, 0x0050, "DS", "1.5"},
    {0x0018, 0x0060, "DS", "120"},
    {0x0018, 0x0088, "DS", "5.000000"},
    {0x0018, 0x0090, "DS", "480.000000"},
    {0x0018, 0x1020, "LO", "05"},
    {0x0018, 0x1040, "LO", "IV"},
    {0x0018, 0x1100, "DS", "338.671600"},
    {0x0018, 0x1110, "DS", "1099.3100585938"},
    {0x0018, 0x1111, "DS", "630.000000"},
    {0x0018, 0x1120, "DS", "0.000000"},
    {0x0018, 0x1130, "DS", "133.699997"},
    {0x0018, 0x1150, "IS", "1601"},
    {0x0018, 0x1151, "IS", "170"},
    {0x0018, 0x1152, "IS", "170"},
    {0x0018, 0x1160, "SH", "LARGE BOWTIE FIL"},
    {0x0018, 0x1190, "DS", "0.700000"},
    {0x0018, 0x1210, "SH", "STANDARD"},
    {0x0018, 0x5100, "CS", "FFS"},
    {0x0020, 0x0010, "SH", "754996"},
    {0x0020, 0x0011, "IS", "1"},
    {0x0020, 0x0012, "IS", "2"},
    {0x0020, 0x0013, "IS", "10"},
    {0x0020, 0x0032, "DS", "-122.5\\-122.5\\-66.5"},
    {0x0020, 0x0037, "DS", "1.000000\\0.000000\\0.000000\\0.000000\\1.000000\\0.000000"},
    {0x0020, 0x0052, "UI", "2.25.300000000000001"},
    {0x0020, 0x0060, "CS", ""},
    {0x0020, 0x1040, "LO", "SN"},
    {0x0020, 0x1041, "DS", "-66.5"},
    {0x0020, 0x4000, "LT", "Uncompressed"},
    {0x0028, 0x0002, "US", "1"},
    {0x0028, 0x0004, "CS", "MONOCHROME2"},
    {0x0028, 0x0030, "DS", "0.957031\\0.957031"},
    {0x0028, 0x0100, "US", "16"},
    {0x0028, 0x0101, "US", "16"},
    {0x0028, 0x0102, "US", "15"},
    {0x0028, 0x0103, "US", "1"},
    {0x0028, 0x1050, "DS", "40"},
    {0x0028, 0x1051, "DS", "400"},
    {0x0028, 0x1052, "DS", "0"},
    {0x0028, 0x1053, "DS", "1"},
};

void append_number(std::vector<std::byte>& to, std::size_t value, int count) {
  for (int shift = 0; shift < 8 * count; shift += 8) to.push_back(static_cast<std::byte>(value >> shift));
}

void append_text(std::vector<std::byte>& to, std::string_view text) {
  for (const char c : text) to.push_back(static_cast<std::byte>(c));
}

void append_tag(std::vector<std::byte>& to, const element& of) {
  append_number(to, of.group, 2);
  append_number(to, of.number, 2);
  append_text(to, of.vr);
}

void append_element(std::vector<std::byte>& to, const element& of) {
  const bool is_number = of.vr == "US";
  const auto even_bytes = is_number ? 2 : of.value.size() + of.value.size() % 2;
  append_tag(to, of);
  append_number(to, even_bytes, 2);
  if (is_number) return append_number(to, std::stoul(std::string{of.value}), 2);
  append_text(to, of.value);
  if (of.value.size() < even_bytes) to.push_back(of.vr == "UI" ? std::byte{0} : std::byte{' '});
}

/// Pixel data up to the end of a data set of this size.
void append_pixels(std::vector<std::byte>& to, std::size_t dataset_bytes) {
  append_tag(to, {0x7fe0, 0x0010, "OW", {}});
  append_number(to, 0, 2);
  append_number(to, dataset_bytes - (to.size() + long_head_bytes - short_head_bytes), 4);
  for (std::uint32_t pixel = 1; to.size() < dataset_bytes; pixel = pixel * 1'664'525 + 1'013'904'223)
    append_number(to, pixel >> 20, 2);
}

}  // namespace

dimse::sample_image make_ct_image(const patient_study& of, std::size_t dataset_bytes) {
  constexpr std::size_t columns = 256;
  const auto series_uid = of.study_uid + ".1";
  const auto rows = std::to_string(dataset_bytes / (2 * columns));
  const auto uid = instance_uid(0);
  std::vector<element> elements{std::begin(scanner_elements), std::end(scanner_elements)};
  elements.insert(elements.end(), {{0x0008, 0x0016, "UI", ct_image_storage},
                                   {0x0008, 0x0018, "UI", uid},
                                   {0x0010, 0x0010, "PN", "Bench^Invented"},
                                   {0x0010, 0x0020, "LO", of.patient_id},
                                   {0x0020, 0x000d, "UI", of.study_uid},
                                   {0x0020, 0x000e, "UI", series_uid},
                                   {0x0028, 0x0010, "US", rows},
                                   {0x0028, 0x0011, "US", "256"}});
  std::ranges::sort(elements, {}, [](const element& one) { return std::tuple{one.group, one.number}; });
  dimse::sample_image image{std::string{ct_image_storage}, std::string{explicit_little_endian}, {}, 0, uid.size()};
  for (const auto& one : elements) {
    if (one.value == uid) image.uid_position = image.dataset.size() + short_head_bytes;
    append_element(image.dataset, one);
  }
  append_pixels(image.dataset, dataset_bytes);
  return image;
}

std::string instance_uid(std::size_t number) {
  constexpr std::size_t first = 100'000'000'000'000;  // without leading zeros, PS3.5 section 9.1
  return "2.25." + std::to_string(first + number);
}

}  // namespace penstock::bench
