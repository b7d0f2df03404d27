#pragma once
// The attributes of a DICOM file as text. A sandboxed child reads the file (decoder_child.hpp) and writes them down;
// the parent reads what it wrote, and believes none of it to be more than text.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "messages/result.hpp"

namespace penstock::commands {

constexpr std::size_t most_attributes = 20'000;
constexpr std::size_t most_attribute_text_bytes = 8ULL * 1024 * 1024;
constexpr std::uint32_t deepest_attribute = 64;
/// Of a value; a longer one is cut, and binary ones are only counted.
constexpr std::size_t most_value_bytes = 1024;

struct attribute {
  std::uint32_t depth = 0;  ///< 0 in the data set itself, 1 in an item of one of its sequences, ...
  std::string tag;          ///< "00100010"; "FFFEE000" begins an item
  std::string vr;
  std::string keyword;      ///< "PatientName"; empty for what the dictionary does not know
  std::uint64_t bytes = 0;  ///< of the whole value
  std::string value;        ///< UTF-8 once it was parsed; several values with a backslash between
};

/// In the child only. errc::corrupt when it is no DICOM file.
[[nodiscard]] messages::result<std::string> write_attributes(std::span<const std::uint8_t> part10);
/// errc::corrupt when it is not what `write_attributes` gives.
[[nodiscard]] messages::result<std::vector<attribute>> parse_attributes(std::string_view text);

/// It stands for an item of a sequence.
[[nodiscard]] bool begins_item(const attribute& one);
/// "(0010,0010) PN PatientName: Smith^John", indented by its depth; a long value is cut, of a binary one the size is
/// said.
[[nodiscard]] std::string line_for(const attribute& one);
/// The value at depth 0, else "".
[[nodiscard]] std::string value_of(const std::vector<attribute>& attributes, std::string_view keyword);

}  // namespace penstock::commands
