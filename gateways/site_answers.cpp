#include "gateways/site_answers.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "conf/rules_queries.hpp"

namespace penstock::gateways {
namespace {

using messages::errc;
using nlohmann::json;

constexpr auto replace_bad_utf8 = json::error_handler_t::replace;

std::string dump(const json& value) { return value.dump(-1, ' ', false, replace_bad_utf8); }

json day_json(const std::optional<std::chrono::year_month_day>& day) {
  if (!day) return nullptr;
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(day->year()),
                static_cast<unsigned>(day->month()), static_cast<unsigned>(day->day()));
  return text.data();
}

json project_json(const conf::project& project, const greeting_facts& facts) {
  json used = nullptr;
  if (const auto found = facts.usage.find(project.id); found != facts.usage.end()) {
    const auto usage = json::parse(found->second, nullptr, false);
    if (usage.is_object()) used = usage.value("used", json{});
  }
  return {{"id", project.id},     {"title", project.title},
          {"irb", project.irb},   {"expires", day_json(project.valid_through)},
          {"pacs", project.pacs}, {"quota", project.cache_quota_bytes},
          {"used", used}};
}

json institution_json(const conf::rules& rules, const conf::institution& institution) {
  auto departments = json::array();
  for (const auto& department : conf::departments_of(rules, institution.id)) {
    auto pacs = json::array();
    for (const auto* each : conf::pacs_of(rules, institution.id, department)) pacs.push_back(each->id);
    departments.push_back({{"name", department}, {"pacs", pacs}});
  }
  return {{"id", institution.id}, {"name", institution.name}, {"departments", departments}};
}

std::string text_of(const json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// A governor says "state", why it is paused ("paused", a text) and what is wrong ("problem").
void add_state(json& line, const std::string* governor) {
  const auto said = governor == nullptr ? json{} : json::parse(*governor, nullptr, false);
  const auto state = said.is_object() ? text_of(said, "state") : std::string{};
  line["state"] = state.empty() ? "unknown" : state;
  line["reason"] = state.empty() ? "" : text_of(said, state == "paused" ? "paused" : "problem");
}

std::string_view wire_code(errc code) {
  switch (code) {
    case errc::timed_out:
    case errc::io_error:
    case errc::no_space:
    case errc::corrupt:
    case errc::authentication_failed:
    case errc::held_by_another:
    case errc::bad_configuration:
    case errc::none:
      return messages::name_of(errc::internal);
    default:
      return messages::name_of(code);
  }
}

}  // namespace

std::string greeting_json(const conf::rules& rules, std::string_view user, const greeting_facts& facts) {
  json roles = json::array();
  if (const auto* who = conf::find_user(rules, user))
    for (const auto role : who->roles) roles.push_back(conf::name_of(role));
  auto projects = json::array();
  for (const auto* project : conf::projects_of(rules, user)) projects.push_back(project_json(*project, facts));
  auto institutions = json::array();
  for (const auto& [id, institution] : rules.institutions) institutions.push_back(institution_json(rules, institution));
  return dump({{"server", facts.site_name},
               {"version", facts.version},
               {"protocol", 1},
               {"user", user},
               {"roles", roles},
               {"projects", projects},
               {"institutions", institutions},
               {"time", rfc3339(facts.now_us)},
               {"data_endpoint", facts.data_endpoint}});
}

std::string pacs_list_json(const conf::rules& rules, const std::map<std::string, std::string, std::less<>>& governors) {
  auto lines = json::array();
  for (const auto& [id, pacs] : rules.pacs) {
    json line{{"id", id}, {"institution", pacs.institution}, {"department", pacs.department}};
    const auto governor = governors.find(id);
    add_state(line, governor == governors.end() ? nullptr : &governor->second);
    lines.push_back(std::move(line));
  }
  return dump({{"pacs", lines}});
}

std::string answer_frame(const std::string& id, std::string_view body) {
  std::string frame = "{\"id\":" + dump(id) + ",\"ok\":";
  frame.append(body.empty() ? "{}" : body);
  return frame + "}";
}

std::string error_frame(const std::string& id, const messages::failure& problem, const json& details) {
  return dump(
      {{"id", id}, {"error", {{"code", wire_code(problem.code)}, {"message", problem.context}, {"details", details}}}});
}

std::string rfc3339(std::int64_t utc_us) {
  const auto at = std::chrono::sys_time<std::chrono::microseconds>{std::chrono::microseconds{utc_us}};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(at - day).count();
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(ms / 3'600'000), static_cast<int>(ms / 60'000 % 60), static_cast<int>(ms / 1'000 % 60),
                static_cast<int>(ms % 1'000));
  return text.data();
}

}  // namespace penstock::gateways
