#include "tools/console/workbench.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "tests/console/fake_local_side.hpp"
#include "tests/console/golden.hpp"
#include "tools/console/tabs.hpp"

using namespace penstock::console;
using nlohmann::json;
using penstock::messages::result;

namespace {

constexpr std::array states{"processing", "scheduled", "completed", "failed", "partial", "cancelled"};

json request(int i) {
  const std::string state = states[static_cast<std::size_t>(i) % states.size()];
  json one{{"id", std::to_string(1000 + i)},
           {"state", state},
           {"reason", state == "failed" ? "refused: A702 out of resources" : ""},
           {"AccessionNumber", "5000000" + std::to_string(10 + i)},
           {"PatientID", "10" + std::to_string(7000 + i / 2)},
           {"Modality", i % 3 ? "CT" : "MR"},
           {"pacs", i % 2 ? "gh-rad" : "ch-rad"},
           {"institution", i % 2 ? "General Hospital" : "大学病院"},
           {"priority", "normal"},
           {"user", "amy"},
           {"submitted", "2026-11-21T10:" + std::to_string(10 + i) + ":00Z"},
           {"counts", {{"received", i % 6 == 1 ? 0 : 40 + i}, {"expected", 64 + i}}},
           {"bytes", 1'000'000 * i},
           {"StudyInstanceUID", "1.2.840.99." + std::to_string(i)}};
  if (state == "scheduled") one["position"] = i, one["estimate"] = "today 22:10", one["reason"] = "night window";
  return one;
}

json holding(int i) {
  return {{"AccessionNumber", "5000000" + std::to_string(10 + i)},
          {"institution", i % 2 ? "General Hospital" : "大学病院"},
          {"department", "Radiology"},
          {"PatientID", "10" + std::to_string(7000 + i / 2)},
          {"cached", "2026-11-21T10:" + std::to_string(10 + i) + ":00Z"},
          {"StudyDate", "201" + std::to_string(i % 10) + "0811"},
          {"StudyTime", "101500"},
          {"Modality", i % 3 ? "CT" : "MR"},
          {"bytes", 12'345'678 * (i + 1)},
          {"StudyInstanceUID", "1.2.840.99." + std::to_string(i)},
          {"instances", 64 + i}};
}

struct bench_fixture {
  live_project live{"alz-brain"};
  std::vector<penstock::client::question> asked;
  std::vector<desk::answer_handler> waiting;
  std::string copied;
  bool quit = false;
  canvas screen{80, 24};
  testing::fake_machine machine;
  std::unique_ptr<workbench> bench;

  bench_fixture() {
    ::setenv("TZ", "UTC", 1);
    static_cast<void>(live.begin(listing::requests));
    static_cast<void>(live.begin(listing::holdings));
    json requests = json::array();
    json holdings = json::array();
    for (int i = 0; i < 18; ++i) requests.push_back(request(i)), holdings.push_back(holding(i));
    live.learn_page(listing::requests, {{"requests", requests}});
    live.learn_page(listing::holdings, {{"items", holdings}});
    live.learn_usage({{"quota", 4'000'000'000}, {"used", 2'111'000'000}, {"reserved", 400'000'000}, {"studies", 18}});
    surroundings around;
    around.ask = [this](auto what, auto then) { asked.push_back(what), waiting.push_back(then); };
    around.copy = [this](std::string_view text) { return copied = text, true; };
    around.quit = [this] { quit = true; };
    around.read_again = around.repaint = around.suspend = [] {};
    around.take_mouse = [](bool) {};
    bench = std::make_unique<workbench>("alz-brain · amy", around);
    add_tabs(*bench, live, machine.local);
  }
  void press(std::initializer_list<const char*> keys) {
    for (const std::string key : keys) {
      const auto text = key == "Space" ? " " : key.size() == 1 ? key : "";
      bench->take(key_press{key, text}, screen);
      bench->draw(screen);
    }
  }
  bool looks_like(const std::string& name) {
    bench->draw(screen);
    canvas wide{160, 45};
    bench->draw(wide);
    return testing::looks_like(screen, name + "_80x24") & testing::looks_like(wide, name + "_160x45");
  }
  std::string text() {
    bench->draw(screen);
    return screen.text();
  }
  bool shows(const std::string& part) { return text().find(part) != std::string::npos; }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(workbenches, bench_fixture)

BOOST_AUTO_TEST_CASE(shows_requests) { BOOST_TEST(looks_like("requests")); }

BOOST_AUTO_TEST_CASE(shows_the_repository_with_what_is_chosen_in_the_quota) {
  press({"3", "Space", "Space", "Down"});
  BOOST_TEST(looks_like("repository"));
}

BOOST_AUTO_TEST_CASE(shows_filters) {
  press({"f", "Space"});
  BOOST_TEST(looks_like("requests_filtered"));
}

BOOST_AUTO_TEST_CASE(shows_help_and_runs_from_it) {
  press({"?"});
  BOOST_TEST(looks_like("help"));
  press({"q", "u", "i", "t", "Enter"});
  BOOST_TEST(quit);
}

BOOST_AUTO_TEST_CASE(names_counts_and_sizes_before_it_deletes) {
  press({"3", "Space", "Space", "Space", "Delete"});
  BOOST_TEST(looks_like("delete"));
  press({"Enter"});
  BOOST_TEST(asked.empty());
  press({"Delete", "Tab"});
  live.learn_event({penstock::client::event_kind::event,
                    live.cache_topic(),
                    1,
                    {{"kind", "holding.deleted"}, {"study", {{"StudyInstanceUID", "1.2.840.99.2"}}}}});
  bench->refresh();
  press({"Enter"});
  BOOST_REQUIRE(asked.size() == 1U);
  BOOST_TEST(asked[0].command == "cache.delete");
  BOOST_TEST(!asked[0].op.empty());
  BOOST_TEST(asked[0].args["studies"].size() == 3U);
  waiting[0](json{{"rows", {{{"outcome", "deleted"}}, {{"outcome", "deleted"}}, {{"outcome", "not_found"}}}}});
  BOOST_TEST(shows("2 deleted; 1 not: not_found"));
}

BOOST_AUTO_TEST_CASE(changes_requests_and_says_what_became_of_it) {
  press({"r"});
  BOOST_REQUIRE(asked.size() == 1U);
  BOOST_TEST(asked[0].command == "requests.retry");
  waiting[0](penstock::messages::fail(penstock::messages::errc::timed_out, "the connection was lost"));
  BOOST_TEST(shows("the connection was lost"));
  press({"+"});
  BOOST_TEST(asked[1].args["priority"] == "high");
  press({"x", "y"});
  BOOST_TEST(asked[2].command == "requests.cancel");
  press({"D", "y"});
  BOOST_TEST(asked[3].command == "requests.delete");
}

BOOST_AUTO_TEST_CASE(takes_the_chosen_studies_home_and_says_how_far_they_are) {
  press({"3", "Space", "Space", "d"});
  BOOST_TEST(shows("Download 2 studies"));
  press({"Escape"});
  penstock::console::transfer_order order;
  order.folder = "/images/new";
  BOOST_REQUIRE(machine.transfers.add(std::move(order)).ok());
  BOOST_TEST(shows("1 transfer under way"));
}

BOOST_AUTO_TEST_CASE(shows_details_of_a_request) {
  press({"Enter"});
  waiting.at(0)(json{{"id", "1017"},
                     {"state", "failed"},
                     {"error", "refused: A702"},
                     {"history", {{{"at", "2026-11-21T10:00:00Z"}, {"state", "scheduled"}, {"reason", "queued"}}}},
                     {"missing", {"1.2.3", "1.2.4"}}});
  BOOST_TEST(shows("missing instances:"));
  BOOST_TEST(shows("refused: A702"));
  press({"Escape"});
  BOOST_TEST(!shows("missing instances:"));
}

BOOST_AUTO_TEST_CASE(finds_as_one_types_and_goes_back_step_by_step) {
  press({"/", "5", "0", "0", "0", "0", "0", "0", "1", "2"});
  BOOST_TEST(shows("1 of 18 rows"));
  press({"Enter"});
  BOOST_TEST(shows("find “500000012”"));
  press({"Escape"});
  BOOST_TEST(shows("18 rows"));
  BOOST_TEST(!quit);
}

BOOST_AUTO_TEST_CASE(shows_only_the_patients_of_a_pasted_list) {
  press({"3", "m"});
  bench->take(pasted_text{"MRN\n107003\n107004\n999\n"}, screen);
  press({"Ctrl-S"});
  BOOST_TEST(shows("2 of 3 numbers are in the repository"));
  press({"Down"});
  BOOST_TEST(shows("4 of 18 rows"));
}

BOOST_AUTO_TEST_CASE(says_when_nothing_comes_any_more) {
  bench->set_link({false, "as of 10:15:00: the connection was lost; trying again"});
  BOOST_TEST(shows("✗ as of 10:15:00"));
}

BOOST_AUTO_TEST_CASE(is_worked_by_the_mouse_alone) {
  bench->draw(screen);
  const auto click = [&](int x, int y) {
    bench->take(mouse_event{mouse_kind::press, x, y, false}, screen);
    bench->draw(screen);
  };
  const auto click_on = [&](const std::string& name) { click(static_cast<int>(text().find(name)), 0); };
  click_on("3 Repository");
  BOOST_TEST(shows("[3 Repository]"));
  click(1, 4);
  click(1, 5);
  BOOST_TEST(shows("2 chosen"));
  click_on("5 Requests");
  BOOST_TEST(shows("[5 Requests]"));
  const auto click_below = [&](const std::string& name) {
    const auto lines = text();
    const auto last = lines.substr(lines.find_last_of('\n', lines.size() - 2) + 1);
    click(static_cast<int>(last.find(name)), 23);
  };
  click_below("? help");
  BOOST_TEST(shows("Keys of this place"));
  click(20, 5);
  BOOST_TEST(shows("Cancel 1 request"));
}

BOOST_AUTO_TEST_CASE(says_that_the_window_is_too_small) {
  canvas small{60, 10};
  bench->draw(small);
  BOOST_TEST(small.text().find("60x10, it needs 80x24.") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(copies_rows) {
  press({"Y"});
  BOOST_TEST(copied.rfind("State\tAccession", 0) == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
