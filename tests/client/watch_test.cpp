#include "tools/penstock/watch.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/client/control_script.hpp"
#include "tests/client/scratch.hpp"

using namespace penstock::client;
using namespace penstock::client::testing;
using namespace penstock::commands;
using nlohmann::json;

BOOST_AUTO_TEST_SUITE(watches)

BOOST_AUTO_TEST_CASE(goes_on_though_the_connection_breaks_while_the_list_is_read) {
  const auto key = make_user_key().value();
  const std::string topic = "p/alz-brain/requests";
  int listings = 0;
  auto server = fake_server::with_curve([&](const text_frames& message) -> std::vector<text_frames> {
    const auto body = json::parse(message.at(1));
    if (message[0] == "SUB" && body["topic"] == topic && listings == 0)
      return {event(topic, 1, {{"kind", "request.completed"}, {"request", "7"}, {"state", "completed"}})};
    if (message[0] != "CMD") return {};
    if (body["do"] == "hello") return {ok_answer(body, greeting())};
    ++listings;
    if (listings > 1 && listings < 5) return {{}};  // a question is asked again once; this outlasts it
    const json row{{"id", "7"}, {"state", listings == 1 ? "processing" : "completed"}, {"pacs", "gh-rad"}};
    return {ok_answer(body, {{"requests", json::array({row})}, {"total", 1}})};
  });
  server->allow(key.public_key);
  const scratch_directory scratch;
  BOOST_REQUIRE(save_user_key(scratch.path() / "key", key).ok());
  context at;
  at.flags = {server->endpoint(), server->public_key(), "alz-brain", (scratch.path() / "key").string()};
  watch_options options;
  options.requests = {"7"};
  options.quiet = true;
  const auto board = follow_requests(at, options);
  BOOST_REQUIRE_MESSAGE(board.ok(), (board.ok() ? "" : board.error().text()));
  BOOST_TEST(board->all_ended());
  BOOST_TEST(listings >= 5);
}

BOOST_AUTO_TEST_SUITE_END()
