#pragma once
// A governor and a keeper of the rules that answer in one line what they were asked.

#include <caf/all.hpp>
#include <functional>
#include <nlohmann/json.hpp>

#include "conf/rules.hpp"
#include "messages/actor_errors.hpp"
#include "messages/type_ids.hpp"

namespace penstock::gateways::test {

inline caf::behavior mock_governor() {
  using namespace messages;
  using nlohmann::json;
  return {[](const describe_governor& m) {
            return answered{
                json{{"pacs", "gh-rad"}, {"state", "up"}, {"projects", m.projects}, {"all", m.all_projects}}.dump()};
          },
          [](const simulate_governor& m) {
            return answered{json{{"pacs", "gh-rad"}, {"days", m.days}, {"all", m.all_projects}}.dump()};
          },
          [](const pause_starts& m) -> caf::result<answered> {
            if (m.reason == "hang") return to_caf(messages::fail(errc::timed_out, "governor"));
            return answered{R"({"stopped":2})"};
          },
          [](const resume_starts&) { return answered{R"({"stopped":0})"}; }};
}

inline caf::behavior mock_rules_keeper(std::function<conf::rules_ptr()> rules) {
  using namespace messages;
  using nlohmann::json;
  return {[rules](const watch_rules&) {
            return rules_published{rules(), nullptr};
          },
          [](const show_rules&) { return answered{"{\"version\":1}"}; },
          [](const check_rules&) {
            return answered{R"({"valid":true,"affected":{"alz-brain":{"leaving":["amy"],"requests_stopped":3}}})"};
          },
          [](const reload_rules& m) {
            return answered{json{{"by", m.who.user}}.dump()};
          },
          [](const propose_rules& m) -> caf::result<rules_published> {
            if (m.toml != "good") return to_caf(messages::fail(errc::bad_request, "toml: 1:1: no"));
            return rules_published{};
          }};
}

}  // namespace penstock::gateways::test
