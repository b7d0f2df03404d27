#include "tools/penstock/input_lists.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <optional>
#include <utility>

namespace penstock::commands {
namespace {

using messages::errc;
using messages::fail;
using messages::protected_text;

constexpr std::size_t longest_modality = 16;  // PS3.5 section 6.2, CS

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

/// The next field of a CSV line; takes it and its separator off the front.
std::string take_field(std::string_view& line, char separator) {
  line = line.substr(std::min(line.find_first_not_of(" \t"), line.size()));
  std::string field;
  if (line.starts_with('"')) {
    std::size_t i = 1;
    for (; i < line.size(); ++i) {
      if (line[i] != '"')
        field += line[i];
      else if (i + 1 < line.size() && line[i + 1] == '"')
        field += line[i++];
      else
        break;
    }
    line.remove_prefix(std::min(i + 1, line.size()));
    line.remove_prefix(std::min(line.find(separator), line.size()));
  } else {
    const auto end = std::min(line.find(separator), line.size());
    field = trimmed(line.substr(0, end));
    line.remove_prefix(end);
  }
  if (!line.empty()) line.remove_prefix(1);
  return field;
}

std::vector<std::string> fields_of(std::string_view line, char separator) {
  std::vector<std::string> fields;
  do fields.push_back(take_field(line, separator));
  while (!line.empty());
  return fields;
}

std::string heading_form(std::string_view text) {
  std::string form;
  for (const char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      form += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return form;
}

std::optional<std::size_t> column_of(const std::vector<std::string>& fields, const std::vector<std::string>& headings) {
  for (std::size_t i = 0; i < fields.size(); ++i)
    for (const auto& heading : headings)
      if (heading_form(fields[i]) == heading) return i;
  return std::nullopt;
}

char separator_of(std::string_view line) {
  for (const char candidate : {'\t', ';', ','})
    if (line.find(candidate) != std::string_view::npos) return candidate;
  return ',';
}

/// Eight digits of a day that exists, from `2009-01-31` or `20090131`.
std::optional<std::string> day_in(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '-' && text.size() == 10 && (i == 4 || i == 7)) continue;
    if (std::isdigit(static_cast<unsigned char>(text[i])) == 0) return std::nullopt;
    digits += text[i];
  }
  if (digits.size() != 8) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year{std::stoi(digits.substr(0, 4))},
                                        std::chrono::month{static_cast<unsigned>(std::stoi(digits.substr(4, 2)))},
                                        std::chrono::day{static_cast<unsigned>(std::stoi(digits.substr(6)))}};
  return day.ok() ? std::optional{digits} : std::nullopt;
}

}  // namespace

result<std::vector<protected_text>> parse_input_list(std::string_view text, const std::vector<std::string>& headings) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  char separator = ',';
  std::vector<protected_text> values;
  std::size_t column = 0;
  bool first = true;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    if (first) separator = separator_of(line);
    auto fields = fields_of(line, separator);
    if (std::exchange(first, false))
      if (const auto found = column_of(fields, headings)) {
        column = *found;
        continue;
      }
    values.emplace_back(column < fields.size() ? std::move(fields[column]) : std::string{});
    if (values.size() > most_input_lines)
      return fail(errc::too_large,
                  "the list has more than " + std::to_string(most_input_lines) + " lines; cut it into several");
  }
  return values;
}

const std::vector<std::string>& mrn_headings() {
  static const std::vector<std::string> known{"mrn", "mrns", "patientid", "medicalrecordnumber", "pid"};
  return known;
}

const std::vector<std::string>& accession_headings() {
  static const std::vector<std::string> known{"accession", "accessions", "accessionnumber", "accno"};
  return known;
}

result<std::string> parse_date_range(std::string_view text) {
  const auto refused = fail(errc::bad_request, "study date '" + std::string{text} +
                                                   "': write a day or a range, such as 2009-01-01..2012-01-01");
  text = trimmed(text);
  if (const auto day = day_in(text)) return *day;
  std::string_view from = text;
  std::string_view to;
  if (const auto dots = text.find(".."); dots != std::string_view::npos) {
    from = text.substr(0, dots);
    to = text.substr(dots + 2);
  } else {
    const auto dash = text.size() == 17 ? 8 : text.size() == 21 ? 10 : text.starts_with('-') ? 0 : text.size() - 1;
    if (text.empty() || text[dash] != '-') return refused;
    from = text.substr(0, dash);
    to = text.substr(dash + 1);
  }
  const auto first = day_in(from);
  const auto last = day_in(to);
  if ((!from.empty() && !first) || (!to.empty() && !last) || (from.empty() && to.empty())) return refused;
  if (first && last && *last < *first) return fail(errc::bad_request, "study date: the range ends before it begins");
  return first.value_or("") + "-" + last.value_or("");
}

result<std::vector<std::string>> parse_modalities(std::string_view text) {
  auto found = split_commas(text);
  for (const auto& modality : found) {
    const bool fits = modality.size() <= longest_modality && std::all_of(modality.begin(), modality.end(), [](char c) {
                        return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ' ';
                      });
    if (!fits) return fail(errc::bad_request, "modality '" + modality + "': write codes such as MR,CT in capitals");
  }
  return found;
}

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    if (const auto part = trimmed(text.substr(0, end)); !part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

}  // namespace penstock::commands
