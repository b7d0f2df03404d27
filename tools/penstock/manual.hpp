#pragma once
// penstock(1), written from the tree of commands that --help is written from.

#include <CLI/CLI.hpp>
#include <string>

namespace penstock::commands {

/// The whole page for man(1), in the macros of man(7).
[[nodiscard]] std::string manual_page(const CLI::App& program);

/// `text` so that roff shows it as it is.
[[nodiscard]] std::string roff_text(const std::string& text);

}  // namespace penstock::commands
