#include "tools/penstock/journal_words.hpp"

#include <array>

#include "tools/penstock/context.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

constexpr std::array columns{list_column{"entry", "seq", "Entry", column_kind::number},
                             list_column{"when", "at", "When", column_kind::time},
                             list_column{"kind", "kind", "Kind"},
                             list_column{"by", "user", "By"},
                             list_column{"project", "project", "Project"},
                             list_column{"pacs", "pacs", "PACS"},
                             list_column{"request", "request", "Request"},
                             list_column{"details", "details", "Details", column_kind::text, true, known_to::client,
                                         [](const json& row) { return cell{details_in(row)}; }},
                             list_column{"names", "identifiers", "Names", column_kind::text, true, known_to::client,
                                         [](const json& row) { return cell{identifiers_in(row)}; }}};

std::string shown(const json& value) {
  if (value.is_null()) return "erased";
  if (value.is_string()) return value.get<std::string>();
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string members_of(const json& entry, const char* member) {
  std::string text;
  const auto found = entry.find(member);
  if (found == entry.end() || !found->is_object()) return text;
  for (const auto& [name, value] : found->items()) text += (text.empty() ? "" : ", ") + name + ": " + shown(value);
  return text;
}

}  // namespace

list_columns journal_columns() { return columns; }

std::string details_in(const json& entry) { return members_of(entry, "details"); }

std::string identifiers_in(const json& entry) { return members_of(entry, "identifiers"); }

std::vector<std::string> entry_lines(const json& entry) {
  std::vector<std::string> lines;
  const auto add = [&](std::string name, const std::string& text) {
    name.resize(std::max<std::size_t>(name.size() + 1, 21), ' ');
    if (!text.empty()) lines.push_back(name + text);
  };
  add("when", local_time(text_in(entry, "at")) + "  (" + text_in(entry, "at") + ")");
  for (const auto& [name, member] :
       {std::pair{"kind", "kind"}, {"by", "user"}, {"project", "project"}, {"pacs", "pacs"}, {"request", "request"}})
    add(name, text_in(entry, member));
  for (const char* part : {"identifiers", "details"}) {
    const auto found = entry.find(part);
    if (found == entry.end() || !found->is_object() || found->empty()) continue;
    lines.emplace_back();
    for (const auto& [name, value] : found->items()) add("  " + name, shown(value));
  }
  return lines;
}

}  // namespace penstock::commands
