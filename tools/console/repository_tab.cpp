#include "tools/console/repository_tab.hpp"

#include <charconv>
#include <set>

#include "tools/penstock/units.hpp"

namespace penstock::console {
namespace {

constexpr std::size_t most_named = 8;

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string size_shown(std::string_view bytes) { return commands::human_bytes(number(bytes)); }
std::string time_shown(std::string_view time) { return commands::local_time(time); }

std::string_view value_of(const row_store& holdings, row_store::slot at, holding_value which) {
  return holdings.value(at, static_cast<std::size_t>(which));
}

std::string count_of(std::size_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

}  // namespace

std::vector<column_spec> repository_columns() {
  using enum value_kind;
  return {{"Accession", text, 12},
          {"Institution", text, 16, {}, true},
          {"Department", text, 10, {}, true},
          {"MRN", text, 10},
          {"Cached", time, 16, time_shown, true},
          {"Study date", time, 16, {}, true},
          {"Mod", text, 5, {}, true},
          {"Size", value_kind::number, 9, size_shown, true},
          {"Last download by", text, 16, {}, true},
          {"Last download", time, 16, time_shown},
          {"Study", text, 30},
          {"Images", value_kind::number, 6}};
}

role repository_look(std::size_t, std::string_view) { return role::plain; }

std::uint64_t bytes_of(const row_store& holdings, const std::vector<std::string>& studies) {
  std::uint64_t sum = 0;
  for (const auto& study : studies)
    if (const auto at = holdings.find(study)) sum += number(value_of(holdings, *at, holding_value::bytes));
  return sum;
}

std::vector<std::string> deletion_lines(const row_store& holdings, const std::vector<std::string>& studies,
                                        std::size_t hidden) {
  std::set<std::string_view> patients;
  std::vector<std::string> named;
  for (const auto& study : studies) {
    const auto at = holdings.find(study);
    if (!at) continue;
    patients.insert(value_of(holdings, *at, holding_value::mrn));
    if (named.size() < most_named)
      named.push_back("  " + std::string{value_of(holdings, *at, holding_value::accession)} + "  " +
                      std::string{value_of(holdings, *at, holding_value::mrn)} + "  " +
                      std::string{value_of(holdings, *at, holding_value::modality)} + "  " +
                      size_shown(value_of(holdings, *at, holding_value::bytes)));
  }
  std::vector<std::string> lines{count_of(studies.size(), "study", "studies") + " of " +
                                 count_of(patients.size(), "patient", "patients") + ", " +
                                 commands::human_bytes(bytes_of(holdings, studies)) + ":"};
  lines.insert(lines.end(), named.begin(), named.end());
  if (studies.size() > named.size())
    lines.push_back("  and " + std::to_string(studies.size() - named.size()) + " more");
  if (hidden != 0) lines.push_back(std::to_string(hidden) + " of them are hidden by filters.");
  lines.emplace_back();
  lines.push_back("The project gives them up; they can be requested again.");
  return lines;
}

std::vector<std::string> holding_details(const row_store& holdings, const std::string& study) {
  const auto at = holdings.find(study);
  if (!at) return {"This study is not in the repository any more."};
  const auto columns = repository_columns();
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    auto name = columns[i].title;
    name.resize(18, ' ');
    const auto value = holdings.value(*at, i);
    lines.push_back(name + (columns[i].shown ? columns[i].shown(value) : std::string{value}));
  }
  return lines;
}

}  // namespace penstock::console
