#include "tools/console/tabs.hpp"

#include "tools/console/patients_tab.hpp"
#include "tools/console/repository_tab.hpp"
#include "tools/console/requests_tab.hpp"
#include "tools/console/studies_tab.hpp"
#include "tools/console/viewer_tab.hpp"

namespace penstock::console {

void add_tabs(workbench& bench, live_project& project, local_side& local) {
  const auto chosen = std::make_shared<patients_on_their_way>();
  bench.add(std::make_unique<patients_tab>(bench, project.project(), std::make_unique<found_patients>(), chosen));
  bench.add(std::make_unique<studies_tab>(bench, project, std::make_unique<found_studies>(project), chosen));
  bench.add(std::make_unique<repository_tab>(bench, project, local));
  bench.add(std::make_unique<viewer_tab>(bench, local));
  bench.add(std::make_unique<requests_tab>(bench, project));
  bench.show(action::show_requests);
  bench.refresh();
}

}  // namespace penstock::console
