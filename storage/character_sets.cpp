#include "storage/character_sets.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include "messages/ids.hpp"

namespace penstock::storage {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";

/// How the bytes of one half of the code table are read.
enum class coding : std::uint8_t { ascii, single_byte, katakana, jis_x_0208, jis_x_0212, double_byte };

/// A character set of PS3.3 tables C.12-2 to C.12-4: what a single-byte half or an escape sequence stands for.
struct code_half {
  coding how = coding::ascii;
  /// iconv's name of a set whose upper half this is.
  const char* iconv_name = "ASCII";
};

constexpr code_half ascii{};
constexpr code_half katakana{coding::katakana, ""};

struct single_byte_set {
  /// The number in "ISO_IR 101" and "ISO 2022 IR 101".
  std::string_view number;
  /// The last byte of ESC 2/13 F (ISO 2022), which calls the set into the upper half.
  char final_byte;
  const char* iconv_name;
};

constexpr std::array single_byte_sets{
    single_byte_set{"100", 'A', "ISO-8859-1"},  single_byte_set{"101", 'B', "ISO-8859-2"},
    single_byte_set{"109", 'C', "ISO-8859-3"},  single_byte_set{"110", 'D', "ISO-8859-4"},
    single_byte_set{"126", 'F', "ISO-8859-7"},  single_byte_set{"127", 'G', "ISO-8859-6"},
    single_byte_set{"138", 'H', "ISO-8859-8"},  single_byte_set{"144", 'L', "ISO-8859-5"},
    single_byte_set{"148", 'M', "ISO-8859-9"},  single_byte_set{"166", 'T', "TIS-620"},
    single_byte_set{"203", 'b', "ISO-8859-15"},
};

/// Converts with iconv; what does not convert becomes one U+FFFD a run.
void convert(const char* iconv_name, std::string_view raw, utf8_text& into) {
  const iconv_t converter = iconv_open("UTF-8", iconv_name);
  if (converter == reinterpret_cast<iconv_t>(-1)) {
    into.text += replacement;
    into.whole = false;
    return;
  }
  std::string copy{raw};
  char* in = copy.data();
  std::size_t in_left = copy.size();
  bool in_fault = false;
  std::array<char, 512> piece{};
  while (in_left > 0) {
    char* out = piece.data();
    std::size_t out_left = piece.size();
    const auto outcome = iconv(converter, &in, &in_left, &out, &out_left);
    const auto written = piece.size() - out_left;
    into.text.append(piece.data(), written);
    if (written > 0) in_fault = false;
    if (outcome != static_cast<std::size_t>(-1) || errno == E2BIG) continue;
    if (!in_fault) into.text += replacement;
    in_fault = true;
    into.whole = false;
    ++in;
    --in_left;
  }
  iconv_close(converter);
}

/// JIS X 0201 katakana: 0xA1 to 0xDF are U+FF61 to U+FF9F.
void convert_katakana(std::string_view raw, utf8_text& into) {
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0xa1 || byte > 0xdf) {
      into.text += replacement;
      into.whole = false;
      continue;
    }
    const unsigned code = 0xff61U + byte - 0xa1U;
    into.text += static_cast<char>(0xe0U | code >> 12);
    into.text += static_cast<char>(0x80U | (code >> 6 & 0x3fU));
    into.text += static_cast<char>(0x80U | (code & 0x3fU));
  }
}

/// JIS X 0208 and 0212 come as 7-bit pairs; EUC-JP is the same with high bits (and 0x8F before each pair of 0212).
void convert_japanese(std::string_view raw, bool supplementary, utf8_text& into) {
  std::string euc;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (supplementary && i % 2 == 0) euc += '\x8f';
    euc += static_cast<char>(static_cast<unsigned char>(raw[i]) | 0x80U);
  }
  convert("EUC-JP", euc, into);
}

void convert_run(const code_half& half, std::string_view run, utf8_text& into) {
  switch (half.how) {
    case coding::katakana:
      return convert_katakana(run, into);
    case coding::jis_x_0208:
      return convert_japanese(run, false, into);
    case coding::jis_x_0212:
      return convert_japanese(run, true, into);
    default:
      return convert(half.iconv_name, run, into);
  }
}

struct escape {
  std::size_t bytes = 0;
  bool upper = false;
  code_half half;
};

/// The escape sequence that `rest` starts with (PS3.3 tables C.12-3 and C.12-4); 0 bytes when there is none we know.
escape escape_at(std::string_view rest) {
  struct known {
    std::string_view sequence;
    bool upper;
    code_half half;
  };
  static constexpr std::array others{
      known{"\033(B", false, ascii},
      known{"\033(J", false, ascii},
      known{"\033)I", true, katakana},
      known{"\033$B", false, {coding::jis_x_0208, ""}},
      known{"\033$@", false, {coding::jis_x_0208, ""}},
      known{"\033$(D", false, {coding::jis_x_0212, ""}},
      known{"\033$)C", true, {coding::double_byte, "EUC-KR"}},
      known{"\033$)A", true, {coding::double_byte, "GB2312"}},
  };
  for (const auto& [sequence, upper, half] : others)
    if (rest.starts_with(sequence)) return {sequence.size(), upper, half};
  if (rest.size() >= 3 && rest[1] == '-')
    for (const auto& set : single_byte_sets)
      if (set.final_byte == rest[2]) return {3, true, {coding::single_byte, set.iconv_name}};
  return {};
}

bool is_upper_half(char c) { return static_cast<unsigned char>(c) >= 0x80; }

/// PS3.5 section 6.1.2.5.3: at these the code table returns to what the first value names.
bool resets(char c) { return c == '\\' || c == '^' || c == '=' || c == '\n' || c == '\r' || c == '\f' || c == '\t'; }

/// Reads with code extensions: escape sequences switch the halves.
utf8_text with_extensions(const code_half& first_upper, std::string_view raw) {
  utf8_text into;
  code_half lower = ascii;
  code_half upper = first_upper;
  std::size_t i = 0;
  while (i < raw.size()) {
    if (raw[i] == '\033') {
      const auto found = escape_at(raw.substr(i));
      (found.upper ? upper : lower) = found.bytes > 0 ? found.half : (found.upper ? upper : lower);
      if (found.bytes == 0) into.whole = false;
      i += std::max<std::size_t>(found.bytes, 1);
      continue;
    }
    const bool high = is_upper_half(raw[i]);
    if (!high && lower.how == coding::ascii) {
      if (resets(raw[i])) upper = first_upper;
      into.text += raw[i++];
      continue;
    }
    const auto begin = i;
    while (i < raw.size() && raw[i] != '\033' && is_upper_half(raw[i]) == high) ++i;
    convert_run(high ? upper : lower, raw.substr(begin, i - begin), into);
  }
  return into;
}

std::string_view trimmed(std::string_view text) {
  text = messages::without_padding(text);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

/// The number in "ISO_IR 100" or "ISO 2022 IR 100"; also of the spellings "ISO-IR 100" and "ISO IR 100" that occur.
std::string_view number_of(std::string_view term) {
  const auto at = term.rfind("IR");
  return term.starts_with("ISO") && at != std::string_view::npos ? trimmed(term.substr(std::min(at + 3, term.size())))
                                                                 : std::string_view{};
}

bool upper_half_of(std::string_view term, code_half& into) {
  const auto number = number_of(term);
  if (term.empty() || number == "6") return true;
  if (number == "13") {
    into = katakana;
    return true;
  }
  for (const auto& set : single_byte_sets)
    if (set.number == number) {
      into = {coding::single_byte, set.iconv_name};
      return true;
    }
  return number == "87" || number == "159" || number == "149" || number == "58";
}

}  // namespace

utf8_text to_utf8(std::string_view specific_character_set, std::string_view raw) {
  const auto first = trimmed(specific_character_set.substr(0, specific_character_set.find('\\')));
  utf8_text into;
  const char* whole_text_set = nullptr;
  if (first == "GB18030") whole_text_set = "GB18030";
  if (first == "GBK") whole_text_set = "GBK";
  if (number_of(first) == "192") whole_text_set = "UTF-8";
  if (whole_text_set != nullptr) {
    convert(whole_text_set, raw, into);
    return into;
  }
  code_half upper = ascii;
  if (upper_half_of(first, upper)) return with_extensions(upper, raw);
  convert("ISO-8859-1", raw, into);
  into.whole = std::none_of(raw.begin(), raw.end(), is_upper_half);
  return into;
}

}  // namespace penstock::storage
