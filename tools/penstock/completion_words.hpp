#pragma once
// What may follow the words of an unfinished command line, from the tree of commands itself.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace penstock::commands {

enum class wanted {
  nothing,
  words,     ///< those of `words`
  files,     ///< names of files or folders
  projects,  ///< ids, which the server knows
  pacs,
  requests
};

struct completion {
  wanted what = wanted::nothing;
  std::vector<std::string> words;
};

/// `words` without the program's name; the last one is being typed, and may be empty.
[[nodiscard]] completion complete(const CLI::App& program, const std::vector<std::string>& words);

/// Subcommands and options that --help shows.
[[nodiscard]] std::vector<const CLI::App*> shown_commands(const CLI::App& of);
[[nodiscard]] std::vector<const CLI::Option*> shown_options(const CLI::App& of);

/// The value of an option of these names among the words, else "".
[[nodiscard]] std::string value_among(const std::vector<std::string>& words, const std::vector<std::string>& names);

}  // namespace penstock::commands
