#pragma once
// Text of a DICOM value as UTF-8. PS3.3 section C.12.1.1.2 (Specific Character Set), PS3.5 section 6.1 and annexes H to
// K.

#include <string>
#include <string_view>

namespace penstock::storage {

struct utf8_text {
  std::string text;
  /// False when some bytes could not be converted: each run of them stands as U+FFFD, or, for a set that nobody knows,
  /// the text was read as ISO_IR 100.
  bool whole = true;
};

/// `specific_character_set` is the value of (0008,0005), backslashes between several; empty means ISO_IR 6. Knows
/// ISO_IR 6, 13, 100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 192, 203, GB18030 and GBK, and the ISO 2022 sets.
/// Safe from every thread.
[[nodiscard]] utf8_text to_utf8(std::string_view specific_character_set, std::string_view raw);

}  // namespace penstock::storage
