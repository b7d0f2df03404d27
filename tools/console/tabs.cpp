#include "tools/console/tabs.hpp"

#include "tools/console/governor_tab.hpp"
#include "tools/console/journal_tab.hpp"
#include "tools/console/patients_tab.hpp"
#include "tools/console/repository_tab.hpp"
#include "tools/console/requests_tab.hpp"
#include "tools/console/studies_tab.hpp"
#include "tools/console/viewer_tab.hpp"
#include "tools/penstock/context.hpp"

namespace penstock::console {

staff_roles roles_in(const nlohmann::json& greeting) {
  staff_roles roles;
  for (const auto& role : commands::array_in(greeting, "roles")) {
    roles.admin = roles.admin || role == "admin";
    roles.auditor = roles.auditor || role == "auditor";
  }
  return roles;
}

void add_tabs(workbench& bench, live_project& project, local_side& local, staff_roles roles) {
  const bool in_a_project = !project.project().empty();
  if (in_a_project) {
    const auto chosen = std::make_shared<patients_on_their_way>();
    bench.add(std::make_unique<patients_tab>(bench, project.project(), std::make_unique<found_patients>(), chosen));
    bench.add(std::make_unique<studies_tab>(bench, project, std::make_unique<found_studies>(project), chosen));
    bench.add(std::make_unique<repository_tab>(bench, project, local));
    bench.add(std::make_unique<viewer_tab>(bench, local));
    bench.add(std::make_unique<requests_tab>(bench, project));
  }
  if (roles.admin) bench.add(std::make_unique<governor_tab>(bench));
  if (roles.auditor) bench.add(std::make_unique<journal_tab>(bench));
  bench.show(in_a_project ? action::show_requests : roles.admin ? action::show_governor : action::show_journal);
  bench.refresh();
}

}  // namespace penstock::console
