#pragma once
// Rules of a small site, for tests: amy and raj are members of "alz-brain", amy of the expired "old-heart"; ada is
// admin, uma auditor.

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "conf/rules.hpp"

namespace penstock::gateways::test {

inline constexpr std::chrono::year_month_day test_day{std::chrono::year{2026}, std::chrono::month{3},
                                                      std::chrono::day{8}};
/// 2026-03-08T12:00:00Z.
inline constexpr std::int64_t test_time_us = 1'772'971'200'000'000;

inline conf::user person(const std::string& id, std::vector<conf::user_role> roles) {
  conf::user user;
  user.id = id;
  user.name = id;
  user.roles = std::move(roles);
  return user;
}

inline conf::project approved(const std::string& id, std::vector<std::string> members, int last_year) {
  conf::project project;
  project.id = id;
  project.title = "Title of " + id;
  project.irb = "2014P001234";
  project.valid_through =
      std::chrono::year_month_day{std::chrono::year{last_year}, std::chrono::month{1}, std::chrono::day{1}};
  project.members = std::move(members);
  project.pacs = {"gh-rad"};
  project.patients = std::make_shared<const conf::cohort>();
  project.cache_quota_bytes = 1000;
  return project;
}

inline conf::rules site_rules() {
  using conf::user_role;
  conf::rules rules;
  rules.timezone = "UTC";
  rules.institutions["gh"] = {"gh", "General Hospital"};
  conf::pacs pacs;
  pacs.id = "gh-rad";
  pacs.institution = "gh";
  pacs.department = "Radiology";
  rules.pacs["gh-rad"] = pacs;
  rules.users["amy"] = person("amy", {user_role::researcher});
  rules.users["raj"] = person("raj", {user_role::researcher});
  rules.users["zoe"] = person("zoe", {user_role::researcher});
  rules.users["ada"] = person("ada", {user_role::admin});
  rules.users["uma"] = person("uma", {user_role::auditor});
  rules.projects["alz-brain"] = approved("alz-brain", {"amy", "raj"}, 2027);
  rules.projects["old-heart"] = approved("old-heart", {"amy"}, 2020);
  rules.projects["secret"] = approved("secret", {"zoe"}, 2027);
  return rules;
}

}  // namespace penstock::gateways::test
