#pragma once
// What every list has: --where, --mrns, --sort, --columns, and its ways to be shown.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tools/penstock/context.hpp"
#include "tools/penstock/list_columns.hpp"

namespace penstock::commands {

/// Rows are chosen by these. The MRNs of --mrns become a facet of `PatientID`.
struct filter_flags {
  std::vector<std::string> where;
  std::string mrn_file;
  std::string mrn_column;
};

struct list_flags {
  filter_flags filter;
  std::vector<std::string> sort;
  std::string columns;
};

void add_filter_flags(CLI::App& command, filter_flags& flags, list_columns columns);
/// --sort and --columns. Also says that the command prints a list, so that it takes --output csv.
void add_order_flags(CLI::App& command, context& at, list_flags& flags);
/// All of them.
void add_list_flags(CLI::App& command, context& at, list_flags& flags, list_columns columns);

/// Filter of messages/WIRE.md. Institutions may be named in place of their id.
[[nodiscard]] result<nlohmann::json> wire_filter(context& at, const filter_flags& flags, list_columns columns);

/// What is shown: the rows and, as JSON, the document that they are part of.
struct listed {
  nlohmann::json document;
  const char* items = "items";
  std::string when_empty;  ///< said to people
};
/// As table, CSV, JSON document or JSON lines. errc::bad_request for a column that is not there.
[[nodiscard]] result<void> show_list(const context& at, const listed& what, list_columns columns,
                                     const std::string& chosen);

/// Says, to people and beside a CSV, when --limit has cut the list.
void note_limit(const context& at, const listed& what);

/// Adds "institution_name" to each row, and to the document's rows only what the server said of its site.
void name_institutions(context& at, nlohmann::json& rows);
/// The row's institution as people call it.
[[nodiscard]] cell institution_cell(const nlohmann::json& row);
/// Date and time of a study.
[[nodiscard]] cell study_time_cell(const nlohmann::json& row);
/// Rows that the server gives whole, as --where and --sort want them; a search names institutions, so an id becomes
/// the name.
[[nodiscard]] result<nlohmann::json> choose_rows(context& at, const nlohmann::json& rows, const list_flags& flags,
                                                 list_columns columns);

}  // namespace penstock::commands
