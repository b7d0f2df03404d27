#include "tools/console/governor_tab.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/client/scratch.hpp"
#include "tests/console/staff_bench.hpp"

using namespace penstock::console;
using nlohmann::json;
using penstock::messages::errc;
using penstock::messages::fail;

namespace {

json pacs(const std::string& id, json more) {
  json one{{"pacs", id},
           {"window", "always"},
           {"limits", {{"concurrent", 2}, {"per_minute", 12}, {"per_hour", 600}}},
           {"started", {{"minute", 3}, {"hour", 240}, {"day", 1200}}},
           {"in_flight", 1},
           {"waiting", {{"alz-brain", 20}, {"asthma", 11}}},
           {"next_change", nullptr},
           {"paused", false},
           {"state", "up"},
           {"problem", ""},
           {"outlook", ""}};
  one.update(more);
  return one;
}

json status() {
  return {{"pacs",
           {pacs("ch-rad", json::object()),
            pacs("gh-mr",
                 {{"state", "paused"}, {"paused", "paused by ada: the scanner is being replaced"}, {"in_flight", 0}}),
            pacs("gh-rad", {{"window", "night"},
                            {"next_change", "2026-11-23T06:00:00Z"},
                            {"started", {{"minute", 12}, {"hour", 600}, {"day", 4000}}},
                            {"outlook", "rate reached: 600 in any hour, next at 22:10"}}),
            pacs("uh-rad", {{"state", "down"},
                            {"limits", json::object()},
                            {"window", "closed"},
                            {"problem", "it has refused five associations"},
                            {"outlook", "it has refused five associations; asked again at 22:05"}})}}};
}

struct admin_bench : testing::staff_bench {
  admin_bench() : staff_bench(staff_roles{true, false}) { answer(status()); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(governor_tabs, admin_bench)

BOOST_AUTO_TEST_CASE(shows_what_each_pacs_allows_and_why_nothing_starts) {
  BOOST_REQUIRE(asked.size() == 1U);
  BOOST_TEST(asked[0].command == "governor.status");
  BOOST_TEST(looks_like("governor"));
}

BOOST_AUTO_TEST_CASE(is_all_there_is_for_an_administrator_without_a_project) {
  BOOST_TEST(shows("[6 Governor]"));
  BOOST_TEST(!shows("Requests"));
  press({":", "R", "e", "p", "o", "s", "i", "t"});
  BOOST_TEST(!shows("Go to the images"));
}

BOOST_AUTO_TEST_CASE(pauses_a_pacs_for_a_reason_and_never_without_one) {
  press({"Down", "Down", "p"});
  BOOST_TEST(shows("Pause gh-rad"));
  press({"Enter"});
  BOOST_TEST(asked.size() == 1U);
  BOOST_TEST(shows("it needs a reason"));
  press({"p"});
  paste("the archive is slow");
  press({"Enter"});
  BOOST_REQUIRE(asked.size() == 2U);
  BOOST_TEST(asked[1].command == "governor.pause");
  BOOST_TEST(asked[1].args == (json{{"pacs", "gh-rad"}, {"reason", "the archive is slow"}}));
  BOOST_TEST(!asked[1].op.empty());
  answer(json{{"stopped", 1}});
  BOOST_TEST(shows("paused; 1 running retrieval is being aborted"));
  BOOST_TEST(asked.back().command == "governor.status");
}

BOOST_AUTO_TEST_CASE(says_who_did_not_answer_when_all_are_resumed) {
  press({"R"});
  paste("over");
  press({"Enter"});
  BOOST_TEST(asked.back().args["pacs"] == "all");
  answer(json{{"stopped", 0}, {"pacs", {"ch-rad"}}, {"silent", {"gh-rad"}}});
  BOOST_TEST(shows("no answer of gh-rad"));
}

BOOST_AUTO_TEST_CASE(shows_what_the_rules_file_would_change_before_it_is_taken) {
  press({"L"});
  BOOST_TEST(asked.back().command == "governance.check");
  BOOST_TEST(!asked.back().args.contains("toml"));
  answer(json{{"valid", true},
              {"faults", json::array()},
              {"changes", {{{"text", "gh-rad: per_minute 12 -> 6"}}}},
              {"affected", {{"alz-brain", {{"text", "raj leaves alz-brain: 2 live sessions"}}}}}});
  BOOST_TEST(looks_like("governor_reload"));
  press({"Enter"});
  BOOST_TEST(asked.size() == 2U);
  press({"L"});
  answer(json{{"valid", true}, {"faults", json::array()}, {"changes", {{{"text", "gh-rad: per_minute 12 -> 6"}}}}});
  press({"y"});
  BOOST_TEST(asked.back().command == "governance.reload");
  answer(json{{"valid", true}, {"taken", true}, {"changes", {{{"text", "gh-rad: per_minute 12 -> 6"}}}}});
  BOOST_TEST(shows("in force now"));
}

BOOST_AUTO_TEST_CASE(names_faults_of_a_rules_file_with_line_and_column) {
  penstock::client::testing::scratch_directory directory;
  const auto file = (directory.path() / "proposed.toml").string();
  penstock::client::testing::put_content(file, "nonsense");
  press({"c"});
  paste(file);
  press({"Enter"});
  BOOST_REQUIRE(asked.back().command == "governance.check");
  BOOST_TEST(asked.back().args["toml"] == "nonsense");
  answer(json{{"valid", false},
              {"faults", {{{"file", "proposed.toml"}, {"line", 1}, {"column", 9}, {"message", "expected ="}}}}});
  BOOST_TEST(shows("proposed.toml:1:9: expected ="));
  press({"Escape", "c"});
  paste("/does/not/exist");
  press({"Enter"});
  BOOST_TEST(shows("/does/not/exist"));
}

BOOST_AUTO_TEST_CASE(is_read_again_while_it_is_seen_and_soon_after_an_event) {
  BOOST_TEST(!shows("asking"));
  BOOST_TEST((waits["governor"] == governor_tab::reading_interval));
  followed["governor"]({penstock::client::event_kind::event, "governor", 4, json{{"kind", "governor.paused"}}});
  BOOST_TEST((waits["governor"] == governor_tab::event_pause));
  timers["governor"]();
  BOOST_TEST(asked.size() == 2U);
  answer(status());
  timers["governor"]();  // nobody has looked since
  BOOST_TEST(asked.size() == 2U);
}

BOOST_AUTO_TEST_CASE(says_that_it_could_not_be_read_and_tries_again) {
  timers["governor"] = nullptr;
  press({"6"});
  answer(fail(errc::timed_out, "the connection was lost"));
  BOOST_TEST(shows("not read again: the connection was lost"));
  timers["governor"]();
  BOOST_TEST(asked.size() == 3U);
}

BOOST_AUTO_TEST_CASE(keeps_the_pacs_under_the_cursor_when_others_come) {
  press({"End"});
  press({"6"});
  auto more = status();
  more["pacs"].insert(more["pacs"].begin(), pacs("a-new-one", json::object()));
  answer(more);
  press({"p"});
  BOOST_TEST(shows("Pause uh-rad"));
}

BOOST_AUTO_TEST_CASE(is_worked_by_the_mouse_alone) {
  click(5, 6);
  click(2, 23);
  BOOST_TEST(shows("Pause gh-mr"));
}

BOOST_AUTO_TEST_SUITE_END()
