#pragma once
// Comma-separated values as RFC 4180 has them. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "messages/result.hpp"

namespace penstock::commands {

/// CR LF ends the record; a field with a comma, quote or line break stands in quotes. Values are written as they are: a
/// spreadsheet that takes one beginning with = + - @ for a formula has to be told that the column is text, since a
/// value that was changed would not be the hospital's any more.
[[nodiscard]] std::string csv_record(const std::vector<std::string>& fields);

/// Takes one record off the front of `text`: fields without the blanks around them; in quotes as they are, line breaks
/// included. LF, CR LF or CR ends it. errc::bad_request for a quote that is never closed.
[[nodiscard]] messages::result<std::vector<std::string>> take_csv_record(std::string_view& text, char separator);

}  // namespace penstock::commands
