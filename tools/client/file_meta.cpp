#include "tools/client/file_meta.hpp"

#include <cstdint>

#include "tools/client/sealed_folder.hpp"

namespace penstock::client {
namespace {

using messages::errc;
using messages::fail;

constexpr std::size_t preamble_and_prefix = 132;
constexpr std::size_t longest_uid = 64;

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) value = value << 8 | static_cast<std::uint8_t>(bytes[i - 1]);
  return value;
}

/// Those whose length has four bytes, behind two that are reserved (PS3.5 section 7.1.2).
bool has_long_length(std::string_view vr) { return vr == "OB" || vr == "OW" || vr == "UN" || vr == "UT"; }

bool is_uid(std::string_view text) {
  return !text.empty() && text.size() <= longest_uid && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

/// Cuts one element off the front; false at the end or where there is no whole one.
bool take_element(std::string_view& from, std::uint32_t& number, std::string_view& value) {
  constexpr std::size_t short_head = 8;
  constexpr std::size_t long_head = 12;
  if (from.size() < short_head || little_endian(from.substr(0, 2)) != 2) return false;
  number = little_endian(from.substr(2, 2));
  const bool is_long = has_long_length(from.substr(4, 2));
  if (is_long && from.size() < long_head) return false;
  const std::size_t length = is_long ? little_endian(from.substr(8, 4)) : little_endian(from.substr(6, 2));
  from.remove_prefix(is_long ? long_head : short_head);
  if (length > from.size()) return false;
  value = from.substr(0, length);
  while (!value.empty() && (value.back() == '\0' || value.back() == ' ')) value.remove_suffix(1);
  from.remove_prefix(length);
  return true;
}

}  // namespace

messages::result<file_meta> read_file_meta(std::string_view part10) {
  file_meta found;
  found.data_set = data_set_of(part10);
  if (found.data_set.empty()) return fail(errc::corrupt, "it does not begin like a DICOM file");
  auto group = part10.substr(preamble_and_prefix, part10.size() - preamble_and_prefix - found.data_set.size());
  std::uint32_t number = 0;
  for (std::string_view value; take_element(group, number, value);) {
    if (number == 0x0002) found.sop_class = value;
    if (number == 0x0003) found.sop_instance = value;
    if (number == 0x0010) found.transfer_syntax = value;
  }
  if (!is_uid(found.sop_class) || !is_uid(found.sop_instance) || !is_uid(found.transfer_syntax))
    return fail(errc::corrupt, "its head does not say what it is");
  return found;
}

}  // namespace penstock::client
