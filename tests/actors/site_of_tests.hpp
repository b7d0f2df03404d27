#pragma once
// The rules of a small site: amy is a member of "alz" and "ms", which both may use gh-rad, whose one window is always
// open.

#include <chrono>
#include <memory>
#include <string>

#include "conf/rules.hpp"

namespace penstock::tests {

/// 2026-03-11T12:00:00Z, a Wednesday.
inline constexpr std::int64_t noon_us = 1'773'230'400'000'000;

inline messages::medical_record_number mrn(const std::string& id, const std::string& issuer = "GH") {
  return {messages::protected_text{id}, messages::protected_text{issuer}};
}
inline const auto jane = mrn("0000001");
inline const auto stranger = mrn("0000009");

inline conf::project project_of_tests(const std::string& id) {
  conf::project project;
  project.id = id;
  project.title = "Title of " + id;
  project.irb = "2014P001234";
  project.valid_through =
      std::chrono::year_month_day{std::chrono::year{2026}, std::chrono::month{3}, std::chrono::day{31}};
  project.members = {"amy"};
  project.pacs = {"gh-rad"};
  std::vector<conf::cohort_patient> patients{{jane, {}}, {mrn("0000002"), {}}, {mrn("0000003"), {}}};
  project.patients = std::make_shared<const conf::cohort>(std::move(patients), "");
  project.cache_quota_bytes = std::uint64_t{1} << 30;
  return project;
}

inline conf::pacs pacs_of_tests(const std::string& id) {
  conf::pacs pacs;
  pacs.id = id;
  pacs.institution = "gh";
  pacs.department = "Radiology";
  pacs.ae_title = "GHPACS";
  pacs.host = "127.0.0.1";
  pacs.timezone = "UTC";
  pacs.mrn = {{*conf::mrn_pattern::compile("[0-9]{7}"), "GH", 7}};
  conf::window always;
  always.name = "always";
  always.limits.concurrent = 2;
  pacs.windows = {always};
  return pacs;
}

inline conf::rules site_of_tests() {
  conf::rules rules;
  rules.timezone = "UTC";
  rules.institutions["gh"] = {"gh", "General Hospital"};
  for (const auto* id : {"gh-rad", "foreign"}) rules.pacs[id] = pacs_of_tests(id);
  conf::user amy;
  amy.id = amy.name = "amy";
  amy.roles = {conf::user_role::researcher};
  rules.users["amy"] = amy;
  for (const auto* id : {"alz", "ms"}) rules.projects[id] = project_of_tests(id);
  return rules;
}

}  // namespace penstock::tests
