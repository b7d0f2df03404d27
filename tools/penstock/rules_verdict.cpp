#include "tools/penstock/rules_verdict.hpp"

#include "tools/penstock/context.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

std::string fault_line(const json& fault) {
  const auto line = number_in(fault, "line");
  return text_in(fault, "file") +
         (line == 0 ? "" : ":" + std::to_string(line) + ":" + std::to_string(number_in(fault, "column"))) + ": " +
         text_in(fault, "message");
}

}  // namespace

bool is_valid_verdict(const json& verdict) {
  return array_in(verdict, "faults").empty() && verdict.value("valid", false);
}

bool has_changes(const json& verdict) { return !array_in(verdict, "changes").empty(); }

std::vector<std::string> verdict_lines(const json& verdict) {
  std::vector<std::string> lines;
  const auto& faults = array_in(verdict, "faults");
  for (const auto& fault : faults) lines.push_back(fault_line(fault));
  if (!is_valid_verdict(verdict)) {
    lines.push_back(counted(faults.size(), "fault", "faults") + "; the rules in force stay in force.");
    return lines;
  }
  for (const auto& change : array_in(verdict, "changes")) lines.push_back(text_in(change, "text"));
  if (verdict.contains("affected"))
    for (const auto& [project, felt] : verdict["affected"].items()) lines.push_back(text_in(felt, "text"));
  if (!has_changes(verdict)) lines.emplace_back("No fault, and nothing changes.");
  return lines;
}

}  // namespace penstock::commands
