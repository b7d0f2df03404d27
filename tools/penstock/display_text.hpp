#pragma once
// Text from PACS, servers and files on a terminal: how wide it is, and nothing in it that the terminal would obey.

#include <cstddef>
#include <string>
#include <string_view>

namespace penstock::commands {

/// `text` as UTF-8 that only shows: control characters and what reorders text (bidirectional overrides) become visible
/// escapes such as `\x1b` and `\u202e`; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string printable(std::string_view text);

/// Terminal columns of `printable` text: wide East Asian characters count two, combining marks none.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// At most `columns` wide, ending in U+2026 when something was cut.
[[nodiscard]] std::string fitted(std::string_view text, std::size_t columns);

}  // namespace penstock::commands
