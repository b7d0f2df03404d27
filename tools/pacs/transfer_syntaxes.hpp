#pragma once
// The transfer syntaxes (PS3.5 section 10) that this program reads and writes itself.

#include <string_view>

#include "tools/pacs/dataset.hpp"

namespace penstock::pacs {

inline constexpr std::string_view implicit_little_endian = "1.2.840.10008.1.2";
inline constexpr std::string_view explicit_little_endian = "1.2.840.10008.1.2.1";

[[nodiscard]] inline bool is_little_endian(std::string_view transfer_syntax) {
  return transfer_syntax == implicit_little_endian || transfer_syntax == explicit_little_endian;
}

/// Whether data sets in it can be read as bytes: all but big endian and deflated.
[[nodiscard]] inline bool is_readable(std::string_view transfer_syntax) {
  return transfer_syntax != "1.2.840.10008.1.2.2" && transfer_syntax != "1.2.840.10008.1.2.1.99";
}

/// All but the implicit one have explicit VRs.
[[nodiscard]] inline encoding encoding_of(std::string_view transfer_syntax) {
  return transfer_syntax == implicit_little_endian ? encoding::implicit_vr : encoding::explicit_vr;
}

}  // namespace penstock::pacs
