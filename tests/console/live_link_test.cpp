#include "tools/console/live_link.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>

#include "tests/client/control_script.hpp"

using namespace penstock::console;
using namespace penstock::client::testing;
using nlohmann::json;
using penstock::client::make_user_key;
using penstock::client::session;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds patience{8000};

struct link_fixture {
  penstock::client::user_key key = make_user_key().value();
  std::unique_ptr<event_loop> loop = event_loop::make({}, [](int) {}).value();
  live_project project{"alz-brain"};
  std::unique_ptr<fake_server> server;
  std::unique_ptr<session> connected;
  std::unique_ptr<live_link> link;

  void begin(fake_server::script script) {
    server = fake_server::with_curve(std::move(script));
    server->allow(key.public_key);
    connected = session::open({server->endpoint(), server->public_key(), key, milliseconds{2000}}).value();
    link = std::make_unique<live_link>(*connected, project, *loop, [] {});
    link->begin();
  }
  bool run_until(const std::function<bool()>& done) {
    loop->at_end_of_turn([&] {
      link->pump();
      if (done()) loop->stop();
    });
    loop->call_after("patience", patience, [&] { loop->stop(); });
    loop->call_after("first", milliseconds{0}, [] {});
    loop->run();
    return done();
  }
};

json one_request(const std::string& state) {
  return {{"requests", {{{"id", "1"}, {"state", state}, {"AccessionNumber", "a1"}}}}};
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(live_links, link_fixture)

BOOST_AUTO_TEST_CASE(reads_listings_and_follows_events_through_a_lost_connection) {
  int hellos = 0;
  std::vector<std::uint64_t> from;
  std::atomic<bool> break_it{false};
  begin([&](const text_frames& message) -> std::vector<text_frames> {
    const auto body = json::parse(message.at(1));
    const auto topic = body.value("topic", "");
    if (message[0] == "SUB" && topic == "p/alz-brain/requests") {
      from.push_back(body["from"]);
      const json started{{"kind", "request.started"}, {"request", "1"}, {"state", "processing"}};
      const json ended{{"kind", "request.completed"}, {"request", "1"}, {"state", "completed"}};
      if (from.size() == 1) return {event(topic, 7, started)};
      return {event(topic, 8, ended)};
    }
    if (message[0] != "CMD") return {};
    if (body["do"] == "hello") return ++hellos, std::vector<text_frames>{ok_answer(body, greeting())};
    if (body["do"] == "pacs.list") return {{}};
    if (body["do"] == "requests.list") return {ok_answer(body, one_request(hellos == 1 ? "scheduled" : "processing"))};
    return {ok_answer(body, json::object())};
  });
  const auto state = [&] {
    const auto at = project.requests().find("1");
    return at ? std::string{project.requests().value(*at, 0)} : "";
  };
  BOOST_TEST(run_until([&] { return state() == "processing" && !project.reading(listing::requests); }));
  BOOST_TEST((link->health() == link_health::live));

  bool told = false;
  link->ask({"pacs.list", "", json::object(), "", {}}, [&](const auto& answer) { told = !answer.ok(); });
  BOOST_TEST(run_until([&] { return link->health() == link_health::lost; }));
  BOOST_TEST(told);
  BOOST_TEST(link->problem().find("lost") != std::string::npos);
  bool refused = false;
  link->ask({"pacs.list", "", json::object(), "", {}}, [&](const auto& answer) { refused = !answer.ok(); });
  BOOST_TEST(refused);

  BOOST_TEST(run_until([&] { return state() == "completed" && !project.reading(listing::requests); }));
  BOOST_TEST((link->health() == link_health::live));
  BOOST_TEST(from == (std::vector<std::uint64_t>{0, 8}), boost::test_tools::per_element());
  BOOST_TEST(state() == "completed");
}

BOOST_AUTO_TEST_CASE(sleeps_when_nothing_happens) {
  begin([&](const text_frames& message) -> std::vector<text_frames> {
    const auto body = json::parse(message.at(1));
    if (message[0] != "CMD") return {};
    if (body["do"] == "hello") return {ok_answer(body, greeting())};
    return {ok_answer(body, json::object())};
  });
  BOOST_TEST(run_until([&] { return !project.reading(listing::requests) && !project.reading(listing::holdings); }));
  loop->call_after("settle", milliseconds{1500}, [&] { loop->stop(); });
  loop->at_end_of_turn([&] { link->pump(); });
  loop->run();
  const auto before = loop->turns();
  loop->call_after("end", milliseconds{800}, [&] { loop->stop(); });
  loop->run();
  BOOST_TEST(loop->turns() - before <= 3U);
}

BOOST_AUTO_TEST_SUITE_END()
