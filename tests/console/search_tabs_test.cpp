#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "tests/console/fake_local_side.hpp"
#include "tests/console/golden.hpp"
#include "tools/console/tabs.hpp"

using namespace penstock::console;
using nlohmann::json;
using penstock::messages::errc;
using penstock::messages::fail;

namespace {

const json greeting{
    {"projects", {{{"id", "alz-brain"}, {"pacs", {"gh-rad", "ch-rad"}}}}},
    {"institutions", {{{"id", "gh"}, {"name", "General Hospital"}}, {{"id", "ch"}, {"name", "大学病院"}}}}};
const json listed{
    {"pacs",
     {{{"id", "ch-rad"}, {"institution", "ch"}, {"department", "Radiology"}, {"state", "up"}, {"reason", ""}},
      {{"id", "gh-rad"},
       {"institution", "gh"},
       {"department", "Radiology"},
       {"state", "down"},
       {"reason", "connection refused"}}}}};

json row(const std::string& mrn, const std::string& outcome, const std::string& why = "") {
  return {{"input", mrn}, {"outcome", outcome}, {"mrn", mrn}, {"message", why}};
}

json patient(const std::string& mrn, const std::string& name, int studies) {
  return {{"PatientID", mrn},
          {"IssuerOfPatientID", "GH"},
          {"PatientName", name},
          {"PatientBirthDate", "19610402"},
          {"PatientSex", "F"},
          {"studies", studies},
          {"institution", "General Hospital"}};
}

json study(int i) {
  return {{"StudyInstanceUID", "1.2.840.99." + std::to_string(i)},
          {"AccessionNumber", "50000000" + std::to_string(i)},
          {"PatientID", "100000" + std::to_string(i / 2)},
          {"PatientName", i % 2 ? "O’Brien^José" : "山田^太郎"},
          {"StudyDate", "2014081" + std::to_string(i)},
          {"StudyTime", "101500"},
          {"StudyDescription", "CHEST \x1b[31mW/O"},
          {"ModalitiesInStudy", {i % 2 ? "CT" : "MR"}},
          {"NumberOfStudyRelatedInstances", 40 + i},
          {"cached", "no"},
          {"institution", "General Hospital"},
          {"department", "Radiology"}};
}

struct tabs_fixture {
  live_project live{"alz-brain"};
  std::vector<penstock::client::question> asked;
  std::vector<desk::answer_handler> waiting;
  canvas screen{80, 24};
  testing::fake_machine machine;
  std::unique_ptr<workbench> bench;

  tabs_fixture() {
    ::setenv("TZ", "UTC", 1);
    static_cast<void>(live.begin(listing::requests));
    static_cast<void>(live.begin(listing::holdings));
    live.learn_page(listing::requests, {{"requests", json::array()}});
    live.learn_page(
        listing::holdings,
        {{"items",
          {{{"StudyInstanceUID", "1.2.840.99.1"}, {"Modality", "CT"}, {"bytes", 50'000'000}, {"instances", 100}}}}});
    live.learn_usage({{"quota", 4'000'000'000}, {"used", 2'111'000'000}, {"reserved", 0}, {"studies", 1}});
    surroundings around;
    around.ask = [this](auto what, auto then) { asked.push_back(what), waiting.push_back(then); };
    around.copy = [](std::string_view) { return true; };
    around.quit = around.read_again = around.repaint = around.suspend = [] {};
    around.take_mouse = [](bool) {};
    bench = std::make_unique<workbench>("alz-brain · amy", around);
    add_tabs(*bench, live, machine.local);
    bench->draw(screen);
  }
  void press(std::initializer_list<const char*> keys) {
    for (const std::string key : keys) {
      bench->take(key_press{key, key == "Space" ? " " : key.size() == 1 ? key : ""}, screen);
      bench->draw(screen);
    }
  }
  void paste(const std::string& text) { bench->take(pasted_text{text}, screen); }
  void answer(std::size_t which, const penstock::messages::result<json>& said) { waiting.at(which)(said); }
  /// Answers what was asked last.
  void answer(const penstock::messages::result<json>& said) { answer(waiting.size() - 1, said); }
  bool looks_like(const std::string& name) {
    bench->draw(screen);
    canvas wide{160, 45};
    bench->draw(wide);
    const bool both = testing::looks_like(screen, name + "_80x24") & testing::looks_like(wide, name + "_160x45");
    bench->draw(screen);
    return both;
  }
  bool shows(const std::string& part) {
    bench->draw(screen);
    return screen.text().find(part) != std::string::npos;
  }
  void open_form(const std::string& text) {
    paste(text);
    answer(greeting);
    answer(listed);
  }
  /// Two PACS have answered four lines.
  void find_patients() {
    press({"1"});
    open_form("MRN\n1000001\n1000002\n1000003\n1000004\n");
    press({"Ctrl-S"});
    answer(3, json{{"search", "s2"},
                   {"done", true},
                   {"patients", {patient("1000001", "O’Brien^José", 12), patient("1000002", "山田^太郎", 3)}},
                   {"rows",
                    {row("1000001", "found"), row("1000002", "found"),
                     row("1000003", "not_found", "no such patient at this PACS"),
                     row("1000004", "not_permitted", "not in the cohort that the IRB approved for this project")}}});
    answer(2,
           json{{"search", "s1"},
                {"done", true},
                {"rows",
                 {row("1000001", "unavailable", "connection refused"), row("1000002", "not_found", "no such patient"),
                  row("1000003", "not_found", "no such patient"), row("1000004", "not_permitted", "no")}}});
  }
  void find_studies() {
    find_patients();
    press({"Space", "Down", "Space", "t", "Ctrl-S"});
    json found = json::array();
    for (int i = 0; i < 6; ++i) found.push_back(study(i));
    answer(
        json{{"search", "s3"}, {"done", true}, {"studies", found}, {"rows", {row("1", "found"), row("2", "found")}}});
    bench->refresh();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(search_tabs, tabs_fixture)

BOOST_AUTO_TEST_CASE(asks_for_patients_with_the_state_of_each_pacs) {
  press({"1"});
  open_form("MRN\n0001\n0002\n");
  BOOST_TEST(looks_like("patients_form"));
  press({"Ctrl-S"});
  BOOST_REQUIRE(asked.size() == 4U);
  BOOST_TEST(asked[3].command == "patients.find");
  BOOST_TEST(asked[3].args["mrns"] == (json{"0001", "0002"}));
}

BOOST_AUTO_TEST_CASE(shows_each_line_at_each_pacs_and_that_one_was_away) {
  find_patients();
  BOOST_TEST(looks_like("patients"));
  BOOST_TEST(shows("INCOMPLETE"));
  press({"o"});
  BOOST_TEST(shows("ch-rad: connection refused"));
}

BOOST_AUTO_TEST_CASE(says_how_far_a_search_is_and_stops_it) {
  press({"1"});
  open_form("1000001\n1000002\n");
  press({"Ctrl-S"});
  answer(2, json{{"search", "s1"}, {"done", false}, {"rows", {row("1000001", "not_found")}}, {"next", "0:1"}});
  answer(3, json{{"search", "s2"}, {"done", false}, {"rows", {row("1000001", "not_found")}}, {"next", "0:1"}});
  BOOST_TEST(shows("Searching: 1 of 2 lines, 2 PACS"));
  BOOST_TEST(shows("[ x Stop ]"));
  const auto before = asked.size();
  press({"x"});
  BOOST_REQUIRE(asked.size() == before + 2);
  BOOST_TEST(asked.back().command == "search.cancel");
  BOOST_TEST(shows("Cancelling"));
}

BOOST_AUTO_TEST_CASE(says_that_the_connection_was_lost_and_goes_on) {
  press({"1"});
  open_form("1000001\n");
  press({"Ctrl-S"});
  answer(2, json{{"search", "s1"}, {"done", false}, {"next", "0:0"}});
  answer(4, fail(errc::timed_out, "the connection was lost"));
  answer(3, json{{"search", "s2"}, {"done", true}, {"rows", {row("1000001", "not_found")}}});
  BOOST_TEST(shows("✗ Connection lost"));
  BOOST_TEST(shows("Nothing has come yet") == false);
  bench->refresh();
  BOOST_TEST(asked.back().command == "search.more");
}

BOOST_AUTO_TEST_CASE(ends_a_search_on_the_server_that_another_one_replaced) {
  press({"1"});
  open_form("1000001\n");
  press({"Ctrl-S"});
  const auto first = waiting.size() - 1;
  open_form("1000002\n");
  press({"Ctrl-S"});
  answer(first, json{{"search", "s1"}, {"done", false}, {"next", "0:0"}});
  BOOST_TEST(asked.back().command == "search.cancel");
  BOOST_TEST(asked.back().args["search"] == "s1");
}

BOOST_AUTO_TEST_CASE(leaves_answers_to_an_earlier_search_alone) {
  press({"1"});
  open_form("1000001\n");
  press({"Ctrl-S"});
  const auto first = waiting.size() - 1;
  open_form("1000002\n");
  press({"Ctrl-S"});
  answer(first, json{{"search", "s1"}, {"done", true}, {"patients", {patient("1000001", "Doe^Jane", 1)}}});
  BOOST_TEST(!shows("Doe, Jane"));
}

BOOST_AUTO_TEST_CASE(finds_the_studies_of_the_chosen_patients_where_they_were_found) {
  find_patients();
  press({"Space", "Down", "Space", "Space", "t"});
  BOOST_TEST(shows("[2 Studies]"));
  BOOST_TEST(shows("2 patients at 1 PACS."));
  BOOST_TEST(shows("1 chosen row without a patient left out."));
  press({"M", "R", "Ctrl-S"});
  BOOST_TEST(asked.back().command == "studies.find");
  BOOST_TEST(asked.back().args["modalities"] == json::array({"MR"}));
  BOOST_TEST(asked.back().args["pacs"] == json::array({"gh-rad"}));
  BOOST_TEST(asked.back().args["mrns"] == (json{"1000001", "1000002"}));
}

BOOST_AUTO_TEST_CASE(does_not_look_for_studies_of_lines_without_a_patient) {
  find_patients();
  press({"End", "t"});
  BOOST_TEST(shows("choose patients that were found"));
  BOOST_TEST(shows("[1 Patients]"));
}

BOOST_AUTO_TEST_CASE(shows_studies_with_what_has_become_of_them) {
  find_studies();
  press({"Space", "Space", "Space"});
  live.learn_event({penstock::client::event_kind::event,
                    live.requests_topic(),
                    1,
                    {{"kind", "request.processing"},
                     {"request", "7"},
                     {"state", "processing"},
                     {"counts", {{"received", 12}, {"expected", 44}, {"failed", 0}}},
                     {"study", {{"StudyInstanceUID", "1.2.840.99.4"}, {"pacs", "gh-rad"}}}}});
  bench->refresh();
  BOOST_TEST(looks_like("studies"));
  press({"Enter"});
  BOOST_TEST(shows("Description"));
}

BOOST_AUTO_TEST_CASE(names_counts_sizes_and_quota_before_it_asks_for_studies) {
  find_studies();
  press({"*", "m"});
  BOOST_TEST(looks_like("studies_request"));
  const auto before = asked.size();
  press({"Enter", "Enter"});
  BOOST_TEST(asked.size() == before);
  press({"m", "Right", "Ctrl-S"});
  BOOST_REQUIRE(asked.size() == before + 1);
  BOOST_TEST(asked.back().command == "requests.submit");
  BOOST_TEST(asked.back().args["priority"] == "high");
  BOOST_TEST(asked.back().args["items"].size() == 5U);
  BOOST_TEST(!asked.back().op.empty());
  json rows = json::array();
  for (int i = 0; i < 5; ++i) rows.push_back({{"item", i}, {"outcome", i == 0 ? "not_permitted" : "accepted"}});
  answer(json{{"rows", rows}});
  BOOST_TEST(shows("4 studies asked for, 1 not: see the column Asked for"));
}

BOOST_AUTO_TEST_CASE(asks_for_many_studies_in_several_questions) {
  find_patients();
  press({"Space", "t", "Ctrl-S"});
  json found = json::array();
  for (int i = 0; i < 2'500; ++i) found.push_back({{"StudyInstanceUID", "1.2." + std::to_string(i)}});
  answer(json{{"search", "s3"}, {"done", true}, {"studies", found}, {"rows", {row("1", "found")}}});
  press({"*", "m", "Ctrl-S"});
  BOOST_TEST(asked.back().args["items"].size() == 1'000U);
  const auto first_op = asked.back().op;
  answer(json{{"rows", json::array()}});
  BOOST_TEST(asked.back().op != first_op);
  answer(json{{"rows", json::array()}});
  BOOST_TEST(asked.back().args["items"].size() == 500U);
  answer(fail(errc::timed_out, "the connection was lost before the answer came: it may have been done"));
  BOOST_TEST(shows("0 asked for, then: the connection was lost"));
}

BOOST_AUTO_TEST_CASE(finds_studies_by_accession_number) {
  press({"2", "n"});
  answer(greeting);
  answer(listed);
  BOOST_TEST(looks_like("studies_form"));
  for (const char* number : {"0", "0", "7"}) press({number});
  press({"Tab", "Tab", "Space", "Tab", "Tab", "2", "0", "1", "x", "Ctrl-S"});
  BOOST_TEST(shows("study date '201x'"));
  press({"Ctrl-U", "Ctrl-S"});
  BOOST_TEST(asked.back().command == "studies.find");
  BOOST_TEST(asked.back().args["accessions"] == json::array({"007"}));
  BOOST_TEST(asked.back().args["pacs"] == json::array({"ch-rad"}));
}

BOOST_AUTO_TEST_CASE(says_when_the_pacs_are_not_known) {
  press({"1", "n"});
  answer(fail(errc::timed_out, "there is no connection to the server; nothing was sent"));
  BOOST_TEST(shows("the PACS are not known: there is no connection"));
}

BOOST_AUTO_TEST_CASE(chooses_nothing_in_a_new_search) {
  find_patients();
  press({"Space"});
  BOOST_TEST(shows("1 chosen"));
  open_form("1000001\n");
  press({"Ctrl-S"});
  answer(json{{"search", "s4"}, {"done", true}, {"patients", {patient("1000001", "O’Brien^José", 12)}}});
  BOOST_TEST(!shows("chosen"));
}

BOOST_AUTO_TEST_CASE(goes_to_another_tab_from_the_filters) {
  press({"1", "f", "2"});
  BOOST_TEST(shows("[2 Studies]"));
}

BOOST_AUTO_TEST_CASE(has_buttons_for_the_mouse) {
  press({"1"});
  bench->take(mouse_event{mouse_kind::press, 45, 22, false}, screen);
  BOOST_TEST(asked.back().command == "hello");
}

BOOST_AUTO_TEST_SUITE_END()
