#pragma once
// What to look for, as flags say it, and following a search of the server to its end.

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "messages/ids.hpp"
#include "tools/penstock/context.hpp"

namespace penstock::commands {

/// The flags that `patients find`, `studies find` and `request` share.
struct search_flags {
  std::vector<std::string> mrns;
  std::string mrn_file;
  std::vector<std::string> accessions;
  std::string accession_file;
  std::string column;
  std::string outcome_file;
  std::string pacs;
  std::string institution;
  std::string department;
  std::string modalities;
  std::string study_date;

  [[nodiscard]] bool name_patients_or_studies() const {
    return !mrns.empty() || !mrn_file.empty() || !accessions.empty() || !accession_file.empty();
  }
};

void add_place_flags(CLI::App& command, search_flags& flags);
void add_study_flags(CLI::App& command, search_flags& flags);

/// The args of `patients.find` or `studies.find`. Without a PACS or an institution, all PACS of the project are asked.
[[nodiscard]] result<nlohmann::json> search_args(context& at, const search_flags& flags);

/// What a search found, and one row for each input line.
struct search_findings {
  nlohmann::json found = nlohmann::json::array();
  nlohmann::json rows = nlohmann::json::array();
};

/// Starts the search and asks for more until it is done. `items` names the member with what was found.
[[nodiscard]] result<search_findings> follow_search(context& at, const std::string& command, nlohmann::json args,
                                                    const char* items);

/// Adds one part of a search to what is known of it. True when there is more to ask for; `args` is then for
/// search.more.
[[nodiscard]] bool add_search_part(const nlohmann::json& part, const char* items, search_findings& findings,
                                   nlohmann::json& args);

/// Prints one reasoned outcome for each input line, and their counts. Of a long list only what is not good.
void show_outcomes(const context& at, const nlohmann::json& rows);
/// Writes one line of CSV for each input line to `file`, readable by its owner only: `step` is what was tried.
struct outcome_step {
  const char* step;
  const nlohmann::json* rows;
};
[[nodiscard]] result<void> write_outcomes(const std::string& file, std::initializer_list<outcome_step> steps);
/// {"found": 8, "duplicate": 1}
[[nodiscard]] nlohmann::json count_outcomes(const nlohmann::json& rows);
/// `ok` when every line was found (or repeats one that was).
[[nodiscard]] exit_code code_of_outcomes(const nlohmann::json& rows);

/// A file, or standard input for "-", of at most 16 MiB, as UTF-8. errc::bad_request when it cannot be read.
[[nodiscard]] result<std::string> read_list_text(const std::string& file);
/// The MRNs of a list: as JSON. `column` as in `parse_input_list`.
[[nodiscard]] result<nlohmann::json> read_mrns(const std::string& file, const std::string& column);

}  // namespace penstock::commands
