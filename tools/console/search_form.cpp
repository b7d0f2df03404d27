#include "tools/console/search_form.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>

#include "tools/penstock/context.hpp"
#include "tools/penstock/input_lists.hpp"
#include "tools/penstock/search.hpp"

namespace penstock::console {
namespace {

using commands::array_in;
using commands::text_in;
using messages::errc;
using messages::fail;
using messages::result;
using nlohmann::json;

constexpr std::size_t most_pasted_bytes = 1024 * 1024;

std::string padded(std::string text, std::size_t columns) {
  const auto wide = static_cast<std::size_t>(width_of(text));
  return text + std::string(wide < columns ? columns - wide : 1, ' ');
}

std::map<std::string, std::string> institution_names(const json& greeting) {
  std::map<std::string, std::string> names;
  for (const auto& one : array_in(greeting, "institutions")) names[text_in(one, "id")] = text_in(one, "name");
  return names;
}

std::set<std::string> pacs_of_project(const json& greeting, const std::string& project) {
  std::set<std::string> mine;
  for (const auto& one : array_in(greeting, "projects"))
    if (text_in(one, "id") == project)
      for (const auto& id : array_in(one, "pacs"))
        if (id.is_string()) mine.insert(id.get<std::string>());
  return mine;
}

std::string state_words(const json& pacs) {
  const auto state = text_in(pacs, "state");
  const auto reason = text_in(pacs, "reason");
  const std::string shown = state.empty() || state == "unknown" ? "state not known" : state;
  return reason.empty() ? shown : shown + ": " + reason;
}

}  // namespace

std::vector<form_option> pacs_options(const json& greeting, const json& listed, const std::string& project,
                                      const std::set<std::string>& left_out) {
  constexpr std::size_t place_columns = 34;
  constexpr std::size_t id_columns = 12;
  const auto names = institution_names(greeting);
  const auto mine = pacs_of_project(greeting, project);
  std::vector<form_option> options;
  for (const auto& one : array_in(listed, "pacs")) {
    const auto id = text_in(one, "id");
    if (!mine.contains(id)) continue;
    const auto institution = names.find(text_in(one, "institution"));
    auto where = institution == names.end() ? text_in(one, "institution") : institution->second;
    if (const auto department = text_in(one, "department"); !department.empty()) where += " / " + department;
    options.push_back(
        {padded(where, place_columns) + padded(id, id_columns) + state_words(one), id, !left_out.contains(id)});
  }
  std::sort(options.begin(), options.end(), [](const auto& a, const auto& b) { return a.label < b.label; });
  return options;
}

form_field numbers_field(const std::string& title, const std::string& pasted) {
  form_field field{form_field::kind::lines, title, "one a line, or a CSV; paste thousands",
                   text_field{true, most_pasted_bytes}};
  field.text.paste(pasted);
  return field;
}

form_field file_field() { return {form_field::kind::line, "or a file", "text or CSV"}; }

form_field pacs_field(std::vector<form_option> options) {
  form_field field{form_field::kind::checks, "PACS", "all of the project's, unless you leave some out"};
  field.options = std::move(options);
  return field;
}

form_field modality_field() { return {form_field::kind::line, "Modality", "MR,CT; empty: all"}; }
form_field date_field() { return {form_field::kind::line, "Study date", "2009..2012; empty: all"}; }

result<std::vector<std::string>> numbers_of(const form_field& pasted, const form_field& file,
                                            const std::vector<std::string>& headings) {
  const auto& path = file.text.text();
  if (path.empty() == pasted.text.text().empty())
    return fail(errc::bad_request, path.empty() ? "paste numbers, or name a file that has them"
                                                : "numbers are pasted and a file is named: leave one of them empty");
  if (pasted.text.text().size() >= most_pasted_bytes)
    return fail(errc::too_large, "that is more than can be pasted (1 MiB): save it, and name the file");
  std::error_code unknown;
  if (!path.empty() && std::filesystem::exists(path, unknown) && !std::filesystem::is_regular_file(path, unknown))
    return fail(errc::bad_request, path + ": not a file of text");
  // "-" would be the keyboard.
  auto text =
      path.empty() ? commands::utf8_text(pasted.text.text()) : commands::read_list_text(path == "-" ? "./-" : path);
  if (!text) return text.error();
  auto values = commands::parse_input_list(*text, headings);
  if (!values) return values.error();
  std::vector<std::string> lines;
  lines.reserve(values->size());
  for (const auto& value : *values) lines.push_back(value.reveal());
  if (lines.empty()) return fail(errc::bad_request, "the list is empty");
  return lines;
}

result<json> limits_of(const form_field& modality, const form_field& date) {
  json limits = json::object();
  if (!modality.text.text().empty()) {
    auto modalities = commands::parse_modalities(modality.text.text());
    if (!modalities) return modalities.error();
    limits["modalities"] = *modalities;
  }
  if (!date.text.text().empty()) {
    auto range = commands::parse_date_range(date.text.text());
    if (!range) return range.error();
    limits["study_date"] = *range;
  }
  return limits;
}

lines_by_pacs at_each(const std::vector<std::string>& pacs, std::size_t lines) {
  std::vector<std::size_t> all(lines);
  std::iota(all.begin(), all.end(), std::size_t{0});
  lines_by_pacs asked;
  for (const auto& id : pacs) asked[id] = all;
  return asked;
}

}  // namespace penstock::console
