#include "tools/penstock/csv.hpp"

#include <algorithm>

namespace penstock::commands {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

constexpr std::string_view blanks = " \t";
constexpr std::string_view line_ends = "\r\n";

std::string csv_field(const std::string& value) {
  const bool plain = value.find_first_of("\",\r\n") == std::string::npos &&
                     (value.empty() || (value.front() != ' ' && value.back() != ' '));
  if (plain) return value;
  std::string quoted = "\"";
  for (const char c : value) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

void skip_blanks(std::string_view& text, char separator) {
  while (!text.empty() && text.front() != separator && blanks.find(text.front()) != std::string_view::npos)
    text.remove_prefix(1);
}

result<std::string> take_quoted(std::string_view& text) {
  std::string field;
  text.remove_prefix(1);
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c != '"') {
      field += c;
    } else if (text.starts_with('"')) {
      field += '"';
      text.remove_prefix(1);
    } else {
      return field;
    }
  }
  return fail(errc::bad_request, "a quotation mark is opened and never closed");
}

std::string take_plain(std::string_view& text, char separator) {
  const auto end = std::min({text.find(separator), text.find_first_of(line_ends), text.size()});
  auto field = text.substr(0, end);
  text.remove_prefix(end);
  const auto last = field.find_last_not_of(blanks);
  return std::string{field.substr(0, last == std::string_view::npos ? 0 : last + 1)};
}

}  // namespace

std::string csv_record(const std::vector<std::string>& fields) {
  std::string record;
  for (std::size_t i = 0; i < fields.size(); ++i) record += (i == 0 ? "" : ",") + csv_field(fields[i]);
  return record + "\r\n";
}

result<std::vector<std::string>> take_csv_record(std::string_view& text, char separator) {
  std::vector<std::string> fields;
  for (;;) {
    skip_blanks(text, separator);
    if (text.starts_with('"')) {
      auto field = take_quoted(text);
      if (!field) return field.error();
      fields.push_back(std::move(*field));
      static_cast<void>(take_plain(text, separator));
    } else {
      fields.push_back(take_plain(text, separator));
    }
    if (!text.starts_with(separator)) break;
    text.remove_prefix(1);
  }
  if (text.starts_with('\r')) text.remove_prefix(1);
  if (text.starts_with('\n')) text.remove_prefix(1);
  return fields;
}

}  // namespace penstock::commands
