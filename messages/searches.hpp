#pragma once
// A search asks several PACS about a list of patients or accession numbers. Its rows are durable: it survives
// reconnects and restarts.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "messages/fields.hpp"
#include "messages/ids.hpp"

namespace penstock::messages {

enum class search_kind : std::uint8_t { patients, studies_by_mrn, studies_by_accession, series };
[[nodiscard]] std::string_view name_of(search_kind kind);
bool parse(std::string_view text, search_kind& into);

/// What became of one line of the input. Ordered by how much it says: the best outcome of all PACS is shown.
enum class search_outcome : std::uint8_t {
  pending,
  invalid,
  duplicate,
  not_permitted,
  not_found,
  unavailable,
  truncated,
  found
};
[[nodiscard]] std::string_view name_of(search_outcome outcome);
bool parse(std::string_view text, search_outcome& into);

/// Under storage::keys::search.
struct search_row {
  std::string search;
  std::string user;
  search_kind kind = search_kind::patients;
  std::string study_date;
  std::vector<std::string> modalities;
  std::vector<protected_text> inputs;
  bool done = false;
  bool cancelled = false;
  std::int64_t started_us = 0;
  PENSTOCK_FIELDS(search, user, kind, study_date, modalities, inputs, done, cancelled, started_us);
};

/// One input at one PACS, or an input that needs no query (`pacs` empty). Under storage::keys::search_unit.
struct search_unit {
  std::uint64_t number = 0;
  std::uint64_t input = 0;
  std::string pacs;
  medical_record_number mrn;
  search_outcome outcome = search_outcome::pending;
  std::string message;
  PENSTOCK_FIELDS(number, input, pacs, mrn, outcome, message);
};

}  // namespace penstock::messages
