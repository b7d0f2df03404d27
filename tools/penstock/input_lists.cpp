#include "tools/penstock/input_lists.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>

#include "tools/penstock/csv.hpp"

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

using std::chrono::year_month_day;

/// A day, or all days of a month or a year.
struct day_span {
  year_month_day first;
  year_month_day last;
};

/// `2009-01-31`, `20090131`, `2009-01` or `2009`, when a calendar has it.
std::optional<day_span> days_in(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '-' && ((text.size() == 10 && (i == 4 || i == 7)) || (text.size() == 7 && i == 4))) continue;
    if (std::isdigit(static_cast<unsigned char>(text[i])) == 0) return std::nullopt;
    digits += text[i];
  }
  if (digits.size() != 8 && digits.size() != 4 && text.size() != 7) return std::nullopt;
  const auto part = [&](std::size_t at, unsigned otherwise) {
    return at < digits.size() ? static_cast<unsigned>(std::stoi(digits.substr(at, 2))) : otherwise;
  };
  const std::chrono::year year{std::stoi(digits.substr(0, 4))};
  const year_month_day first{year, std::chrono::month{part(4, 1)}, std::chrono::day{part(6, 1)}};
  if (!first.ok()) return std::nullopt;
  if (digits.size() == 8) return day_span{first, first};
  const auto last_month = std::chrono::month{part(4, 12)};
  return day_span{first, year_month_day{year / last_month / std::chrono::last}};
}

std::string digits_of(const year_month_day& day) {
  char text[16];
  std::snprintf(text, sizeof text, "%04d%02u%02u", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                static_cast<unsigned>(day.day()));
  return text;
}

void append_utf8(std::string& into, char32_t c) {
  const auto tail = [&](int shift) { into += static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) {
    into += static_cast<char>(c);
  } else if (c < 0x800) {
    into += static_cast<char>(0xC0 | c >> 6), tail(0);
  } else if (c < 0x10000) {
    into += static_cast<char>(0xE0 | c >> 12), tail(6), tail(0);
  } else {
    into += static_cast<char>(0xF0 | c >> 18), tail(12), tail(6), tail(0);
  }
}

/// `bytes` without its byte order mark; what is no character becomes U+FFFD.
std::string from_utf16(std::string_view bytes, bool big_endian) {
  const auto unit = [&](std::size_t at) -> char32_t {
    const auto one = static_cast<unsigned char>(bytes[at]), other = static_cast<unsigned char>(bytes[at + 1]);
    return static_cast<char32_t>(big_endian ? one << 8 | other : other << 8 | one);
  };
  std::string text;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    auto c = unit(i);
    if (c >= 0xD800 && c < 0xDC00 && i + 3 < bytes.size() && unit(i + 2) >= 0xDC00 && unit(i + 2) < 0xE000) {
      c = 0x10000 + ((c - 0xD800) << 10) + (unit(i + 2) - 0xDC00);
      i += 2;
    } else if (c >= 0xD800 && c < 0xE000) {
      c = 0xFFFD;
    }
    append_utf8(text, c);
  }
  return text;
}

bool has_digit(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// "1.23457E+11": a spreadsheet took the number for a quantity, and its last digits are gone.
bool was_rounded(std::string_view value) {
  const auto e = value.find("E+");
  return e != std::string_view::npos && e > 1 && e + 2 < value.size() && value.find('.') < e &&
         value.find_first_not_of("0123456789.,E+") == std::string_view::npos;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
  return text;
}

/// Where the values stand, from the first record; `is_heading` when that is none.
struct chosen_column {
  std::size_t index = 0;
  bool is_heading = false;
};

result<chosen_column> choose_column(const std::vector<std::string>& first, const std::vector<std::string>& headings,
                                    std::string_view column) {
  if (!column.empty()) {
    const auto exact = std::find(first.begin(), first.end(), column);
    if (exact != first.end()) return chosen_column{static_cast<std::size_t>(exact - first.begin()), true};
    const auto form = heading_form(column);
    if (const auto found = form.empty() ? std::nullopt : column_of(first, {form})) return chosen_column{*found, true};
    return fail(errc::bad_request,
                "the list has no column '" + std::string{column} + "'; its first line has " + joined(first));
  }
  if (const auto found = column_of(first, headings)) return chosen_column{*found, true};
  if (first.size() > 1 && std::none_of(first.begin(), first.end(), has_digit))
    return fail(errc::bad_request,
                "which column of the list is meant? Its headings are " + joined(first) + "; name one with --column");
  return chosen_column{};
}

}  // namespace

std::string heading_form(std::string_view text) {
  std::string form;
  for (const char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      form += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return form;
}

result<std::string> utf8_text(std::string bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.erase(0, 3);
  if (bytes.starts_with("\xff\xfe")) bytes = from_utf16(std::string_view{bytes}.substr(2), false);
  if (bytes.starts_with("\xfe\xff")) bytes = from_utf16(std::string_view{bytes}.substr(2), true);
  if (bytes.starts_with("PK\x03\x04"))
    return fail(errc::bad_request, "the list is a workbook of a spreadsheet; save it as CSV");
  if (bytes.find('\0') != std::string::npos)
    return fail(errc::bad_request, "the list is no text; save it as plain text or CSV in UTF-8");
  return bytes;
}

result<std::vector<protected_text>> parse_input_list(std::string_view text, const std::vector<std::string>& headings,
                                                     std::string_view column) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::vector<protected_text> values;
  std::optional<chosen_column> chosen;
  char separator = ',';
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of("\r\n"), text.size());
    const auto line = trimmed(text.substr(0, end));
    if (line.empty() || line.front() == '#') {
      text.remove_prefix(std::min(end + 1, text.size()));
      continue;
    }
    if (!chosen) separator = separator_of(line);
    auto fields = take_csv_record(text, separator);
    if (!fields) return fields.error();
    if (!chosen) {
      auto found = choose_column(*fields, headings, column);
      if (!found) return found.error();
      chosen = *found;
      if (chosen->is_heading) continue;
    }
    auto value = chosen->index < fields->size() ? std::move((*fields)[chosen->index]) : std::string{};
    if (was_rounded(value))
      return fail(errc::bad_request, "value " + std::to_string(values.size() + 1) +
                                         " of the list was rounded by a spreadsheet (it reads like 1.2E+11); export "
                                         "the list again with that column as text");
    values.emplace_back(std::move(value));
    if (values.size() > most_input_lines)
      return fail(errc::too_large,
                  "the list has more than " + std::to_string(most_input_lines) + " lines; cut it into several");
  }
  return values;
}

std::vector<std::string> split_pasted(const std::vector<std::string>& arguments) {
  constexpr std::string_view between = " \t\r\n,;";
  std::vector<std::string> values;
  for (const std::string_view argument : arguments)
    for (std::size_t begin = argument.find_first_not_of(between); begin != std::string_view::npos;) {
      const auto end = std::min(argument.find_first_of(between, begin), argument.size());
      values.emplace_back(argument.substr(begin, end - begin));
      begin = argument.find_first_not_of(between, end);
    }
  return values;
}

const std::vector<std::string>& mrn_headings() {
  static const std::vector<std::string> known{"mrn", "mrns", "patientid", "medicalrecordnumber", "pid"};
  return known;
}

const std::vector<std::string>& accession_headings() {
  static const std::vector<std::string> known{"accession", "accessions", "accessionnumber",
                                              "accno",     "acc",        "accessionno"};
  return known;
}

result<std::string> parse_date_range(std::string_view text) {
  const auto refused = fail(errc::bad_request, "study date '" + std::string{text} +
                                                   "': write a day or a range, such as 2009-01-01..2012-01-01");
  text = trimmed(text);
  if (const auto days = days_in(text))
    return days->first == days->last ? digits_of(days->first) : digits_of(days->first) + "-" + digits_of(days->last);
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
  const auto first = days_in(from);
  const auto last = days_in(to);
  if ((!from.empty() && !first) || (!to.empty() && !last) || (from.empty() && to.empty())) return refused;
  if (first && last && last->last < first->first)
    return fail(errc::bad_request, "study date: the range ends before it begins");
  return (first ? digits_of(first->first) : "") + "-" + (last ? digits_of(last->last) : "");
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
