#pragma once
// Lists that people paste, and the dates that they type.

#include <string>
#include <string_view>
#include <vector>

#include "messages/ids.hpp"
#include "messages/result.hpp"

namespace penstock::commands {

using messages::result;

/// As many lines as one search may have; the message to the server stays under its limit of 1 MiB.
constexpr std::size_t most_input_lines = 10'000;

/// Text as spreadsheets and editors save it, as UTF-8 without a byte order mark: UTF-16 is recognised by its mark.
/// errc::bad_request for what is no text, such as a workbook.
[[nodiscard]] result<std::string> utf8_text(std::string bytes);

/// MRNs or accession numbers, one a line, exactly as written: leading zeros and duplicates stay, blank lines and lines
/// that start with '#' go, blanks around a value go. Of a CSV (comma, semicolon or tab; RFC 4180) the column counts
/// whose heading is `column`, or, when that is empty, is in `headings`, or else the first one. errc::bad_request when a
/// spreadsheet has rounded a value, when the heading is not there, or when a table has headings of which none fits;
/// errc::too_large over `most_input_lines`.
[[nodiscard]] result<std::vector<messages::protected_text>> parse_input_list(std::string_view text,
                                                                             const std::vector<std::string>& headings,
                                                                             std::string_view column = {});

/// Values that were pasted into one argument, parted by blanks, line breaks, commas or semicolons.
[[nodiscard]] std::vector<std::string> split_pasted(const std::vector<std::string>& arguments);

/// Letters and digits only, in lower case: how headings are compared.
[[nodiscard]] std::string heading_form(std::string_view text);

[[nodiscard]] const std::vector<std::string>& mrn_headings();
[[nodiscard]] const std::vector<std::string>& accession_headings();

/// A day or a range as DICOM wants it (PS3.4 section C.2.2.2.5): "2009-01-01..2012-01-01", "20090101-20120101",
/// "2009-01-01", "2009" and "2009-03" for all their days, "2009..2012", and ranges that are open at one end.
/// errc::bad_request for a day that no calendar has, or a range that ends before it begins.
[[nodiscard]] result<std::string> parse_date_range(std::string_view text);

/// "MR,CT" as {"MR", "CT"}; errc::bad_request for what cannot be a DICOM code string.
[[nodiscard]] result<std::vector<std::string>> parse_modalities(std::string_view text);

/// "a,b" as {"a", "b"}, without empty parts.
[[nodiscard]] std::vector<std::string> split_commas(std::string_view text);

}  // namespace penstock::commands
