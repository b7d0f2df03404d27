#include "gateways/event_view.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "conf/rules_queries.hpp"
#include "gateways/access_policy.hpp"

namespace penstock::gateways {
namespace {

using nlohmann::json;

std::string text_in(const json& of, const char* key) {
  const auto found = of.find(key);
  return found != of.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// A request whose patient was not found out yet names nobody.
bool may_name(const conf::rules& rules, const conf::project& project, const json& study) {
  if (!study.is_object()) return false;
  const auto pacs = text_in(study, "pacs");
  if (conf::find_pacs(rules, pacs) == nullptr || !conf::may_use_pacs(project, pacs)) return false;
  const messages::medical_record_number patient{messages::protected_text{text_in(study, "PatientID")},
                                                messages::protected_text{text_in(study, "IssuerOfPatientID")}};
  return patient.patient_id.empty() || !conf::is_suspended(rules, project, pacs, patient);
}

}  // namespace

std::optional<std::string> event_as_seen(const conf::rules& rules, std::string_view topic, std::string_view json_text) {
  const auto* project = conf::find_project(rules, project_of_topic(topic));
  const bool names_somebody =
      json_text.find("\"study\"") != std::string_view::npos || json_text.find("\"matches\"") != std::string_view::npos;
  if (project == nullptr || !names_somebody) return std::nullopt;
  auto event = json::parse(json_text, nullptr, /*allow_exceptions=*/false);
  if (!event.is_object()) return "{}";
  bool changed = false;
  if (const auto study = event.find("study"); study != event.end() && !may_name(rules, *project, *study)) {
    *study = json{{"pacs", study->is_object() ? text_in(*study, "pacs") : ""}};
    changed = true;
  }
  if (const auto matches = event.find("matches"); matches != event.end() && matches->is_array()) {
    auto shown = json::array();
    for (auto& match : *matches)
      // Those that name no patient are series; they are forgotten when anything is taken from the project.
      if (!match.is_object() || !match.contains("PatientID") || may_name(rules, *project, match))
        shown.push_back(std::move(match));
    changed = changed || shown.size() != matches->size();
    *matches = std::move(shown);
  }
  if (!changed) return std::nullopt;
  return event.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace penstock::gateways
