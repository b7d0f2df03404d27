#pragma once
// The columns of a listing as people name them, and what --where, --sort and --columns ask of them. Pure.

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "messages/result.hpp"
#include "tools/penstock/table.hpp"

namespace penstock::commands {

using messages::result;

enum class column_kind {
  text,
  words,  ///< several, in an array or parted by commas
  number,
  decimal,  ///< a number that rows spell as text, such as an id
  bytes,
  date,  ///< DICOM, YYYYMMDD
  time,  ///< RFC 3339
  flag
};

/// Who knows the values of a column: what only the client knows cannot be sorted or filtered by.
enum class known_to { everybody, client };

struct list_column {
  std::string_view name;     ///< as people type it: "study-date"
  std::string_view field;    ///< of the row, as the protocol names it; a dot reaches into an object
  std::string_view heading;  ///< of the table
  column_kind kind = column_kind::text;
  bool shown = true;  ///< in a table, without --columns
  known_to who = known_to::everybody;
  cell (*draw)(const nlohmann::json& row) = nullptr;  ///< in place of what the kind says
};
using list_columns = std::span<const list_column>;

/// By name, heading or field, whatever the case and the punctuation: "study-date", "StudyDate", "study_date".
[[nodiscard]] const list_column* find_column(list_columns columns, std::string_view name);
/// "accession, mrn, study-date"
[[nodiscard]] std::string names_of(list_columns columns);

/// The columns that "a,b,c" names, or, when it is empty, those that are shown otherwise.
[[nodiscard]] result<std::vector<list_column>> chosen_columns(list_columns columns, std::string_view named);

/// "column=value,value", "column=from..to" and "column~pattern*" as filter of messages/WIRE.md, one facet a column.
/// Days of a time are days where the user is; sizes may end in K, M, G or T. errc::bad_request names the columns there
/// are.
[[nodiscard]] result<nlohmann::json> parse_where(const std::vector<std::string>& conditions, list_columns columns);
/// The days of `text` ("2009-01-01..2012-01-01", "2009..2012") as facet of a date.
[[nodiscard]] result<nlohmann::json> date_facet(std::string_view text);

/// "column" or "column:desc", the most significant first, as `sort` of messages/WIRE.md.
[[nodiscard]] result<nlohmann::json> parse_sort(const std::vector<std::string>& wishes, list_columns columns);

/// What a server does with filter and sort, for lists that it gives whole.
[[nodiscard]] result<nlohmann::json> filtered_and_sorted(const nlohmann::json& rows, list_columns columns,
                                                         const nlohmann::json& filter, const nlohmann::json& sort);

/// The value as it is in the row, as text: an array joined by commas, nothing for null.
[[nodiscard]] std::string raw_value(const nlohmann::json& row, const list_column& column);
/// The value as people read it.
[[nodiscard]] cell drawn_value(const nlohmann::json& row, const list_column& column);

}  // namespace penstock::commands
