#pragma once
// Flags that choose among the studies that the project has.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tools/penstock/list_output.hpp"

namespace penstock::commands {

struct holding_flags {
  std::vector<std::string> mrns;
  std::string modalities;
  std::string study_date;
  std::string institution;
  filter_flags filter;
  std::vector<std::string> studies;
  bool all = false;
};

/// The columns of `cache list`.
[[nodiscard]] list_columns holding_columns();

/// --mrn, --modality, --study-date, --institution, --where, --mrns.
void add_holding_flags(CLI::App& command, holding_flags& flags);
/// --study, --all.
void add_study_choice(CLI::App& command, holding_flags& flags);

/// The filter of messages/WIRE.md for `cache.list`.
[[nodiscard]] result<nlohmann::json> filter_of(context& at, const holding_flags& flags);

/// UIDs of the studies that are meant, an array that is not empty. errc::bad_request when nothing was chosen,
/// errc::not_found when nothing fits.
[[nodiscard]] result<nlohmann::json> studies_of(context& at, const holding_flags& flags);

}  // namespace penstock::commands
