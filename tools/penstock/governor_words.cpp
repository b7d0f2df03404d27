#include "tools/penstock/governor_words.hpp"

#include "tools/penstock/context.hpp"

namespace penstock::commands {

using nlohmann::json;

json object_in(const json& from, const char* member) {
  const auto found = from.find(member);
  return found != from.end() && found->is_object() ? *found : json::object();
}

std::string rates(const json& of, std::initializer_list<std::pair<const char*, const char*>> names) {
  std::string text;
  for (const auto& [member, unit] : names)
    if (const auto value = text_in(of, member); !value.empty()) text += (text.empty() ? "" : ", ") + value + unit;
  return text;
}

std::string waiting_in(const json& pacs) {
  std::string text;
  const auto waiting = object_in(pacs, "waiting");
  for (const auto& [project, count] : waiting.items())
    text += (text.empty() ? "" : ", ") + project + ": " + count.dump();
  return text;
}

std::string pause_of(const json& pacs) {
  const auto paused = pacs.find("paused");
  if (paused == pacs.end() || paused->is_null() || *paused == false) return {};
  if (paused->is_object()) return "paused: " + text_in(*paused, "reason");
  return *paused == true ? "paused" : text_in(pacs, "paused");
}

std::string window_of(const json& pacs) {
  // A window may be its name, or an object that has one.
  const auto window = object_in(pacs, "window");
  const auto name = window.contains("name") ? text_in(window, "name") : text_in(pacs, "window");
  return name.empty() ? "closed" : name;
}

std::string state_of(const json& pacs) {
  const auto state = text_in(pacs, "state");
  const auto problem = text_in(pacs, "problem");
  return problem.empty() ? state : state + ": " + problem;
}

}  // namespace penstock::commands
