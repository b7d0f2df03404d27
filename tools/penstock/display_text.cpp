#include "tools/penstock/display_text.hpp"

#include <locale.h>
#include <wchar.h>

#include <array>
#include <cstdint>
#include <cstdio>

namespace penstock::commands {
namespace {

constexpr char32_t replacement = 0xfffd;
constexpr std::string_view ellipsis = "\u2026";

/// Takes one character off the front of `text`; malformed, overlong or surrogate sequences give U+FFFD for one byte.
char32_t take_character(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto first = byte(0);
  std::size_t length = 1;
  char32_t value = first;
  if (first >= 0xc2 && first <= 0xdf)
    length = 2, value = first & 0x1f;
  else if (first >= 0xe0 && first <= 0xef)
    length = 3, value = first & 0x0f;
  else if (first >= 0xf0 && first <= 0xf4)
    length = 4, value = first & 0x07;
  else if (first >= 0x80)
    value = replacement;
  constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  bool good = length <= text.size();
  for (std::size_t i = 1; good && i < length; ++i) {
    good = (byte(i) & 0xc0) == 0x80;
    value = value << 6 | (byte(i) & 0x3fU);
  }
  if (length > 1 && (value < smallest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)))
    good = false;
  if (!good) length = 1, value = replacement;
  text.remove_prefix(length);
  return value;
}

bool reorders_text(char32_t c) {
  return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7f && c <= 0x9f); }

std::string escaped(char32_t c) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), c < 0x100 ? "\\x%02x" : "\\u%04x", static_cast<unsigned>(c));
  return text.data();
}

void append_utf8(std::string& to, char32_t c) {
  const auto add = [&](char32_t bits) { to += static_cast<char>(static_cast<std::uint8_t>(bits)); };
  if (c < 0x80) return add(c);
  if (c < 0x800) return add(0xc0 | c >> 6), add(0x80 | (c & 0x3f));
  if (c < 0x10000) return add(0xe0 | c >> 12), add(0x80 | (c >> 6 & 0x3f)), add(0x80 | (c & 0x3f));
  add(0xf0 | c >> 18), add(0x80 | (c >> 12 & 0x3f)), add(0x80 | (c >> 6 & 0x3f)), add(0x80 | (c & 0x3f));
}

/// glibc's table of widths, whatever the user's locale is.
std::size_t width_of(char32_t c) {
  static const locale_t unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (unicode == nullptr) return 1;
  const auto before = uselocale(unicode);
  const int width = wcwidth(static_cast<wchar_t>(c));
  uselocale(before);
  return width < 0 ? 1 : static_cast<std::size_t>(width);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const auto c = take_character(text);
    if (is_control(c) || reorders_text(c))
      shown += escaped(c);
    else
      append_utf8(shown, c);
  }
  return shown;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) width += width_of(take_character(text));
  return width;
}

std::string fitted(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string{text};
  std::string kept;
  std::size_t width = 0;
  while (!text.empty()) {
    const auto c = take_character(text);
    width += width_of(c);
    if (width + 1 > columns) break;
    append_utf8(kept, c);
  }
  return columns == 0 ? std::string{} : kept.append(ellipsis);
}

}  // namespace penstock::commands
