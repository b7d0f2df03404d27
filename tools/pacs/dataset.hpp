#pragma once
// Data sets without a library between us and the bytes: this PACS must be able to send what no library would.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/pacs/attributes.hpp"
#include "tools/pacs/bytes.hpp"

namespace penstock::pacs {

/// The two little-endian encodings of PS3.5 annex A; whatever else there is passes through as bytes.
enum class encoding : std::uint8_t { implicit_vr, explicit_vr };

/// `value` as in the data set, of any length; encoding pads it.
struct element {
  std::string vr;
  std::string value;
};

/// The top level of a data set, by tag. Sequences are not kept.
using dataset = std::map<std::uint32_t, element>;

void put(dataset& into, const attribute& which, std::string_view value);
void put_number(dataset& into, const attribute& which, std::uint32_t value);

/// Without padding; "" when absent or empty.
[[nodiscard]] std::string text(const dataset& in, const attribute& which);
/// The values between backslashes, each without padding; none when absent or empty.
[[nodiscard]] std::vector<std::string> values(const dataset& in, const attribute& which);
[[nodiscard]] std::optional<std::uint32_t> number(const dataset& in, const attribute& which);

[[nodiscard]] bytes encode(const dataset& set, encoding as);
/// Only the header of an element, for a value that follows.
void append_header(bytes& to, const attribute& of, std::size_t value_bytes, encoding as);
/// Nothing when it does not end where an element ends.
[[nodiscard]] std::optional<dataset> decode(byte_view from, encoding as);

/// The encoded data set with other values of some attributes (added when they are not there) and without others.
/// Nothing when it cannot be read.
[[nodiscard]] std::optional<bytes> altered(byte_view from, encoding as, const dataset& set,
                                           const std::vector<std::uint32_t>& absent);

/// Whether (0008,0005) governs the value's bytes.
[[nodiscard]] bool has_character_set(std::string_view vr);
/// UTF-8 in the bytes of a Specific Character Set; what it lacks becomes '?'. Nothing for a set that is not known.
[[nodiscard]] std::optional<std::string> from_utf8(std::string_view specific_character_set, std::string_view text);

/// Attribute for a keyword of PS3.6, "PatientID".
[[nodiscard]] std::optional<std::pair<std::uint32_t, std::string>> attribute_named(const std::string& keyword);
/// Keyword, or the tag as 8 hexadecimal digits.
[[nodiscard]] std::string keyword_of(std::uint32_t tag);

}  // namespace penstock::pacs
