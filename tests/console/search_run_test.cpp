#include "tools/console/search_run.hpp"

#include <boost/test/unit_test.hpp>

#include "tools/console/search_status.hpp"

using namespace penstock::console;
using nlohmann::json;
using penstock::messages::errc;
using penstock::messages::fail;
using penstock::messages::search_outcome;

namespace {

search_wish wish_for(std::vector<std::string> lines, lines_by_pacs asked) {
  return {"alz-brain", "patients.find", "mrns", "patients", std::move(lines), std::move(asked)};
}

json row(const std::string& input, const std::string& outcome, const std::string& why = "") {
  return {{"input", input}, {"outcome", outcome}, {"mrn", input}, {"message", why}};
}

json part(const std::string& search, std::vector<json> rows, bool done, const std::string& next = "") {
  json made{{"search", search}, {"done", done}, {"rows", rows}, {"patients", json::array()}};
  if (!next.empty()) made["next"] = next;
  return made;
}

bool says(const search_run& run, const std::string& words) {
  std::string text;
  for (const auto& line : status_of(run)) text += line.text + "\n";
  return text.find(words) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(search_runs)

BOOST_AUTO_TEST_CASE(asks_each_pacs_by_itself_so_that_none_hides_what_another_did_not_tell) {
  search_run run{wish_for({"007", "8"}, {{"a", {0, 1}}, {"b", {0, 1}}})};
  auto steps = run.next();
  BOOST_REQUIRE(steps.size() == 2U);
  BOOST_TEST(steps[0].ask.command == "patients.find");
  BOOST_TEST(steps[0].ask.args["pacs"] == json::array({"a"}));
  BOOST_TEST(steps[0].ask.args["mrns"] == (json{"007", "8"}));
  BOOST_TEST(run.next().empty());
  static_cast<void>(run.learn(0, part("s1", {row("007", "found"), row("8", "not_found", "no such patient")}, true)));
  BOOST_TEST(says(run, "Searching: 0 of 2 lines, 2 PACS"));
  static_cast<void>(run.learn(1, part("s2", {row("007", "unavailable", "refused"), row("8", "not_found")}, true)));
  BOOST_TEST(run.over());
  BOOST_TEST(says(run, "INCOMPLETE"));
  BOOST_TEST(says(run, "b unavailable for 1 line (refused)"));
  BOOST_TEST(says(run, "1 found, 1 not found"));
}

BOOST_AUTO_TEST_CASE(follows_a_search_by_its_cursor_and_counts_lines) {
  search_run run{wish_for({"1", "2", "3"}, {{"a", {0, 1, 2}}})};
  static_cast<void>(run.next());
  auto news = run.learn(0, part("s1", {row("1", "found")}, false, "1:1"));
  BOOST_REQUIRE(news.lines.size() == 1U);
  auto more = run.next();
  BOOST_REQUIRE(more.size() == 1U);
  BOOST_TEST(more[0].ask.command == "search.more");
  BOOST_TEST(more[0].ask.args["cursor"] == "1:1");
  news = run.learn(0, part("s1", {row("2", "truncated", "narrow the search"), row("3", "odd")}, true));
  BOOST_TEST(news.lines[0].number == 1U);
  BOOST_TEST((news.lines[1].outcome == search_outcome::unavailable));
  BOOST_TEST(says(run, "a truncated for 1 line"));
}

BOOST_AUTO_TEST_CASE(cuts_a_long_list_into_searches_that_the_server_takes) {
  std::vector<std::string> lines(search_run::most_lines + 1, "1");
  search_run run{wish_for(lines, [&] {
    std::vector<std::size_t> all(lines.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    return lines_by_pacs{{"a", all}};
  }())};
  auto steps = run.next();
  BOOST_REQUIRE(steps.size() == 2U);
  BOOST_TEST(steps[0].ask.args["mrns"].size() == search_run::most_lines);
  BOOST_TEST(steps[1].ask.args["mrns"].size() == 1U);
  const auto news = run.learn(1, part("s2", {row("1", "found")}, true));
  BOOST_TEST(news.lines.at(0).number == search_run::most_lines);
  search_run bulky{wish_for({std::string(search_run::most_bytes, '1'), "2"}, {{"a", {0, 1}}})};
  BOOST_TEST(bulky.next().size() == 2U);
}

BOOST_AUTO_TEST_CASE(follows_a_few_searches_at_a_time) {
  lines_by_pacs asked;
  for (const char* pacs : {"a", "b", "c", "d", "e", "f"}) asked[pacs] = {0};
  search_run run{wish_for({"1"}, asked)};
  BOOST_TEST(run.next().size() == search_run::most_at_once);
  static_cast<void>(run.learn(0, part("s1", {row("1", "found")}, true)));
  const auto more = run.next();
  BOOST_REQUIRE(more.size() == 1U);
  BOOST_TEST(more[0].ask.args["pacs"] == json::array({"e"}));
}

BOOST_AUTO_TEST_CASE(cancels_what_runs_and_says_that_it_is_not_whole) {
  search_run run{wish_for({"1", "2"}, {{"a", {0, 1}}})};
  static_cast<void>(run.next());
  run.cancel();
  BOOST_TEST(run.next().empty());  // its id is not known yet
  static_cast<void>(run.learn(0, part("s1", {row("1", "not_found")}, false, "0:1")));
  const auto steps = run.next();
  BOOST_REQUIRE(steps.size() == 2U);
  BOOST_TEST(steps[0].cancels);
  BOOST_TEST(steps[0].ask.args["search"] == "s1");
  BOOST_TEST(says(run, "Cancelling"));
  static_cast<void>(run.learn(0, part("s1", {row("2", "unavailable", "the search was cancelled")}, true)));
  BOOST_TEST(says(run, "CANCELLED, r asks the rest"));
  BOOST_TEST(nothing_found(run).find("not everything was asked") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(goes_on_with_a_search_when_the_connection_is_back) {
  search_run run{wish_for({"1"}, {{"a", {0}}})};
  static_cast<void>(run.next());
  static_cast<void>(run.learn(0, part("s1", {}, false, "0:0")));
  static_cast<void>(run.next());
  run.fail(0, fail(errc::timed_out, "the connection was lost"));
  BOOST_TEST(!run.over());
  BOOST_TEST(says(run, "Connection lost; the server searches on"));
  BOOST_TEST(run.next().empty());
  BOOST_TEST(run.resume());
  BOOST_TEST(run.next().at(0).ask.command == "search.more");
}

BOOST_AUTO_TEST_CASE(asks_again_only_what_was_not_answered) {
  search_run run{wish_for({"1", "2"}, {{"a", {0, 1}}, {"b", {0, 1}}})};
  static_cast<void>(run.next());
  static_cast<void>(run.learn(0, part("s1", {row("1", "found"), row("2", "unavailable", "down")}, true)));
  run.fail(1, fail(errc::disk_full, "the server's disk is nearly full"));
  BOOST_TEST(run.over());
  BOOST_TEST(says(run, "STOPPED, r asks the rest again: b: the server's disk is nearly full"));
  BOOST_TEST(run.again());
  const auto steps = run.next();
  BOOST_REQUIRE(steps.size() == 2U);
  BOOST_TEST(steps[0].ask.args["mrns"] == json::array({"2"}));
  BOOST_TEST(steps[1].ask.args["mrns"] == (json{"1", "2"}));
  static_cast<void>(run.learn(0, part("s3", {row("2", "found")}, true)));
  static_cast<void>(run.learn(1, part("s4", {row("1", "found"), row("2", "not_found", "no such patient")}, true)));
  BOOST_TEST(status_of(run).at(0).text == "2 lines, 2 PACS: 2 found");
  BOOST_TEST(!run.again());
}

BOOST_AUTO_TEST_CASE(lists_a_found_line_only_when_a_pacs_owes_an_answer) {
  search_run run{wish_for({"1", "2"}, {{"a", {0, 1}}, {"b", {0, 1}}})};
  static_cast<void>(run.next());
  static_cast<void>(run.learn(0, part("s1", {row("1", "found"), row("2", "found")}, true)));
  static_cast<void>(
      run.learn(1, part("s2", {row("1", "invalid", "not an MRN"), row("2", "unavailable", "away")}, true)));
  const auto lines = outcome_lines(run, 10);
  BOOST_REQUIRE(lines.size() == 1U);
  BOOST_TEST(lines[0].find("b: away") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(does_not_take_an_unanswered_line_for_one_that_was_not_found) {
  search_run run{wish_for({"1", "2"}, {{"a", {0, 1}}})};
  static_cast<void>(run.next());
  static_cast<void>(run.learn(0, part("s1", {row("1", "not_found", "no such patient at this PACS")}, true)));
  BOOST_TEST(says(run, "INCOMPLETE, r asks again: 1 line not answered"));
  const auto lines = outcome_lines(run, 10);
  BOOST_REQUIRE(lines.size() == 2U);
  BOOST_TEST(lines[0].find("not found") != std::string::npos);
  BOOST_TEST(lines[1].find("a: not answered") != std::string::npos);
  BOOST_TEST(outcome_lines(run, 1).back() == "and 1 more");
}

BOOST_AUTO_TEST_SUITE_END()
