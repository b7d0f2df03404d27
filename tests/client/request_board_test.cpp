#include "tools/penstock/request_board.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::commands;
using nlohmann::json;
using penstock::messages::request_state;

namespace {

json listed(const char* id, const char* state, const char* reason = "") {
  return json{{"id", id}, {"state", state}, {"reason", reason}, {"pacs", "gh-rad"}, {"AccessionNumber", "A-1"}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(request_boards)

BOOST_AUTO_TEST_CASE(ends_when_every_named_request_has_ended) {
  request_board board{{"1", "2"}};
  board.learn_listed(listed("1", "completed"));
  BOOST_TEST(!board.all_ended());
  board.learn_listed(listed("2", "processing"));
  BOOST_TEST(!board.all_ended());
  board.learn_event(json{{"request", "2"}, {"state", "incomplete"}, {"reason", "3 missing"}});
  BOOST_TEST(board.all_ended());
  BOOST_TEST(!board.all_completed());
  BOOST_TEST(board.counts() == "1 completed, 1 incomplete");
}

BOOST_AUTO_TEST_CASE(tells_only_changes_of_state_or_reason) {
  request_board board{{}};
  BOOST_TEST(board.learn_listed(listed("1", "scheduled", "window closed until 19:00")));
  BOOST_TEST(!board.learn_listed(listed("1", "scheduled", "window closed until 19:00")));
  BOOST_TEST(board.learn_listed(listed("1", "scheduled", "concurrency 2 of 2")));
  BOOST_TEST(
      !board.learn_event(json{{"request", "1"}, {"counts", {{"expected", 20}, {"received", 3}}}, {"bytes", 99}}));
  BOOST_TEST(board.requests().at("1").received == 3u);
  BOOST_TEST(board.requests().at("1").bytes == 99u);
  BOOST_TEST(board.requests().at("1").reason == "concurrency 2 of 2");
}

BOOST_AUTO_TEST_CASE(says_an_end_once_though_the_listing_gives_no_reason_for_it) {
  request_board board{{"1"}};
  BOOST_TEST(board.learn_event(json{{"request", "1"}, {"state", "completed"}, {"reason", "all 6 are here"}}));
  BOOST_TEST(!board.learn_listed(listed("1", "completed")));
  BOOST_TEST(board.requests().at("1").reason == "all 6 are here");
}

BOOST_AUTO_TEST_CASE(takes_in_new_requests_and_leaves_old_ones_out) {
  request_board board{{}};
  BOOST_TEST(!board.learn_listed(listed("1", "completed")));
  BOOST_TEST(!board.learn_event(json{{"request", "9"}, {"counts", {{"received", 1}}}}));
  BOOST_TEST(
      board.learn_event(json{{"request", "2"}, {"state", "scheduled"}, {"study", {{"AccessionNumber", "B-7"}}}}));
  BOOST_TEST(board.requests().size() == 1u);
  BOOST_TEST(board.requests().at("2").label == "B-7");
}

BOOST_AUTO_TEST_CASE(puts_what_runs_first_and_bounds_the_rows) {
  request_board board{{}};
  board.learn_listed(listed("1", "scheduled", "ready"));
  board.learn_listed(listed("2", "processing"));
  board.learn_event(json{{"request", "2"}, {"counts", {{"expected", 4}, {"received", 2}}}});
  const auto text = board.drawn(1).text({});
  BOOST_TEST(text.find("processing") != std::string::npos);
  BOOST_TEST(text.find("2/4") != std::string::npos);
  BOOST_TEST(text.find("[########........]") != std::string::npos);
  BOOST_TEST(text.find("scheduled") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(says_how_far_it_is_and_when_it_may_end) {
  using std::chrono::seconds;
  BOOST_TEST(!time_left(1, 5, seconds{60}));
  BOOST_TEST(time_left(2, 5, seconds{60})->count() == 150);
  BOOST_TEST(!time_left(2, 0, seconds{60}));
  request_board board{{"1", "2", "3"}};
  for (const auto* id : {"1", "2", "3"}) board.learn_listed(listed(id, "processing"));
  board.learn_event(json{{"request", "1"}, {"state", "completed"}, {"counts", {{"expected", 4}, {"received", 4}}}});
  board.learn_event(json{{"request", "2"}, {"state", "failed"}, {"counts", {{"expected", 6}, {"received", 1}}}});
  auto waiting = listed("3", "scheduled");
  waiting["position"] = 9;
  waiting["estimate"] = "Mon about 19:00";
  board.learn_listed(waiting);
  BOOST_TEST(board.summary(seconds{120}) ==
             "1 scheduled, 1 completed, 1 failed; 5 of 10 images; about 1 min left at this pace; "
             "the last starts Mon about 19:00");
}

BOOST_AUTO_TEST_SUITE_END()
