#include "tools/pacs/dataset.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctag.h>
#include <iconv.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace penstock::pacs {
namespace {

constexpr std::uint32_t undefined_length = 0xffffffff;
constexpr std::uint32_t item = 0xfffee000;
constexpr std::uint32_t item_delimitation = 0xfffee00d;
constexpr std::uint32_t sequence_delimitation = 0xfffee0dd;
constexpr std::array long_vrs{"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"};

bool is_long(std::string_view vr) { return std::ranges::find(long_vrs, vr) != long_vrs.end(); }

struct header {
  std::uint32_t tag = 0;
  std::string vr;
  std::size_t bytes = 0;
  std::uint32_t length = 0;
};

std::optional<header> read_header(byte_view from, encoding as) {
  constexpr std::size_t short_header = 8;
  constexpr std::size_t long_header = 12;
  if (from.size() < short_header) return std::nullopt;
  header read{little_endian(from.first(2)) << 16 | little_endian(from.subspan(2, 2)), "UN", short_header, 0};
  if (as == encoding::implicit_vr || read.tag >> 16 == item >> 16) {
    read.length = little_endian(from.subspan(4, 4));
    return read;
  }
  read.vr = text_of(from.subspan(4, 2));
  if (!is_long(read.vr)) {
    read.length = little_endian(from.subspan(6, 2));
    return read;
  }
  if (from.size() < long_header) return std::nullopt;
  read.bytes = long_header;
  read.length = little_endian(from.subspan(8, 4));
  return read;
}

/// Bytes from the first item of a sequence (or of fragments) of undefined length to after its delimiter; iterative, so
/// that no nesting is too deep.
std::optional<std::size_t> bytes_of_undefined(byte_view from, encoding as) {
  std::size_t at = 0;
  for (std::size_t depth = 1; depth > 0;) {
    const auto read = read_header(from.subspan(at), as);
    if (!read) return std::nullopt;
    at += read->bytes;
    if (read->tag == item_delimitation || read->tag == sequence_delimitation)
      --depth;
    else if (read->length == undefined_length)
      ++depth;
    else if (read->length > from.size() - at)
      return std::nullopt;
    else
      at += read->length;
  }
  return at;
}

/// Tells `found` the header, the whole element and its value, for each element of the top level.
template <class Found>
bool for_each_element(byte_view from, encoding as, Found found) {
  for (std::size_t at = 0; at < from.size();) {
    const auto read = read_header(from.subspan(at), as);
    if (!read) return false;
    const auto rest = from.subspan(at + read->bytes);
    const auto length = read->length == undefined_length ? bytes_of_undefined(rest, as) : read->length;
    if (!length || *length > rest.size()) return false;
    found(*read, from.subspan(at, read->bytes + *length), rest.first(*length));
    at += read->bytes + *length;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view padding{" \0", 2};
  const auto begin = text.find_first_not_of(padding);
  return begin == std::string_view::npos ? "" : text.substr(begin, text.find_last_not_of(padding) - begin + 1);
}

void append_element(bytes& to, std::uint32_t tag, const element& of, encoding as) {
  const auto odd = of.value.size() % 2;
  append_header(to, {tag, of.vr}, of.value.size() + odd, as);
  append(to, of.value);
  if (odd != 0) to.push_back(of.vr == "UI" || of.vr == "OB" || of.vr == "UN" ? std::byte{0} : std::byte{' '});
}

}  // namespace

void put(dataset& into, const attribute& which, std::string_view value) {
  into[which.tag] = {std::string{which.vr}, std::string{value}};
}

void put_number(dataset& into, const attribute& which, std::uint32_t value) {
  bytes encoded;
  append_little_endian(encoded, value, which.vr == "US" ? 2 : 4);
  put(into, which, text_of(encoded));
}

std::string text(const dataset& in, const attribute& which) {
  const auto found = in.find(which.tag);
  return found == in.end() ? "" : std::string{trimmed(found->second.value)};
}

std::vector<std::string> values(const dataset& in, const attribute& which) {
  std::vector<std::string> found;
  const auto whole = text(in, which);
  for (std::size_t begin = 0; begin < whole.size();) {
    const auto end = std::min(whole.find('\\', begin), whole.size());
    found.emplace_back(trimmed(std::string_view{whole}.substr(begin, end - begin)));
    begin = end + 1;
  }
  return found;
}

std::optional<std::uint32_t> number(const dataset& in, const attribute& which) {
  const auto found = in.find(which.tag);
  if (found == in.end() || found->second.value.size() < 2) return std::nullopt;
  return little_endian(view_of(found->second.value).first(which.vr == "US" ? 2 : found->second.value.size()));
}

void append_header(bytes& to, const attribute& of, std::size_t value_bytes, encoding as) {
  append_little_endian(to, of.tag >> 16, 2);
  append_little_endian(to, of.tag & 0xffff, 2);
  if (as == encoding::implicit_vr) return append_little_endian(to, value_bytes, 4);
  append(to, of.vr);
  if (!is_long(of.vr)) return append_little_endian(to, value_bytes, 2);
  append_little_endian(to, 0, 2);
  append_little_endian(to, value_bytes, 4);
}

bytes encode(const dataset& set, encoding as) {
  bytes made;
  for (const auto& [tag, of] : set) append_element(made, tag, of, as);
  return made;
}

std::optional<dataset> decode(byte_view from, encoding as) {
  dataset made;
  const bool whole = for_each_element(from, as, [&](const header& read, byte_view, byte_view value) {
    if (read.vr != "SQ" && read.length != undefined_length) made[read.tag] = {read.vr, text_of(value)};
  });
  if (!whole) return std::nullopt;
  return made;
}

std::optional<bytes> altered(byte_view from, encoding as, const dataset& set,
                             const std::vector<std::uint32_t>& absent) {
  bytes made;
  made.reserve(from.size() + 256);
  auto next = set.begin();
  const auto add_until = [&](std::uint64_t tag) {
    for (; next != set.end() && next->first < tag; ++next) append_element(made, next->first, next->second, as);
  };
  const bool read = for_each_element(from, as, [&](const header& of, byte_view whole, byte_view) {
    add_until(std::uint64_t{of.tag} + 1);
    if (!set.contains(of.tag) && std::ranges::find(absent, of.tag) == absent.end()) append(made, whole);
  });
  add_until(std::uint64_t{undefined_length} + 1);
  if (!read) return std::nullopt;
  return made;
}

bool has_character_set(std::string_view vr) {
  constexpr std::array vrs{"LO", "LT", "PN", "SH", "ST", "UC", "UT"};
  return std::ranges::find(vrs, vr) != vrs.end();
}

std::optional<std::string> from_utf8(std::string_view specific_character_set, std::string_view text) {
  struct known {
    std::string_view name;
    const char* iconv_name;
  };
  constexpr std::array sets{known{"", "ASCII"},
                            known{"ISO_IR 6", "ASCII"},
                            known{"ISO_IR 100", "ISO-8859-1"},
                            known{"ISO_IR 101", "ISO-8859-2"},
                            known{"ISO_IR 126", "ISO-8859-7"},
                            known{"ISO_IR 127", "ISO-8859-6"},
                            known{"ISO_IR 138", "ISO-8859-8"},
                            known{"ISO_IR 144", "ISO-8859-5"},
                            known{"ISO_IR 148", "ISO-8859-9"},
                            known{"ISO_IR 192", "UTF-8"},
                            known{"GB18030", "GB18030"},
                            known{"\\ISO 2022 IR 87", "ISO-2022-JP"}};
  const auto set = std::ranges::find(sets, specific_character_set, &known::name);
  if (set == sets.end()) return std::nullopt;
  const auto converter = ::iconv_open(set->iconv_name, "UTF-8");
  std::string made;
  std::string from{text};
  char* at = from.data();
  for (std::size_t left = from.size(); left > 0;) {
    std::array<char, 1024> buffer{};
    char* out = buffer.data();
    std::size_t room = buffer.size();
    const auto converted = ::iconv(converter, &at, &left, &out, &room);
    if (left == 0) ::iconv(converter, nullptr, nullptr, &out, &room);
    made.append(buffer.data(), out);
    if (converted != static_cast<std::size_t>(-1) || errno == E2BIG) continue;
    made += '?';
    do {
      ++at;
      --left;
    } while (left > 0 && (static_cast<unsigned char>(*at) & 0xc0) == 0x80);
  }
  ::iconv_close(converter);
  return made;
}

std::optional<std::pair<std::uint32_t, std::string>> attribute_named(const std::string& keyword) {
  DcmTag tag;
  if (DcmTag::findTagFromName(keyword.c_str(), tag).bad()) return std::nullopt;
  return std::pair{std::uint32_t{tag.getGroup()} << 16 | tag.getElement(), std::string{tag.getVRName()}};
}

std::string keyword_of(std::uint32_t tag) {
  DcmTag known{static_cast<Uint16>(tag >> 16), static_cast<Uint16>(tag)};
  const std::string_view name{known.getTagName()};
  if (name != DcmTag_ERROR_TagName) return std::string{name};
  std::array<char, 9> digits{};
  std::snprintf(digits.data(), digits.size(), "%08x", tag);
  return digits.data();
}

}  // namespace penstock::pacs
