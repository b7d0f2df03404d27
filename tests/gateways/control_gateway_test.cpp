// The door of the control socket: who gets in, what a message may be, what nobody learns.

#include "gateways/control_gateway.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/gateways/control_site.hpp"

namespace penstock::gateways::test {
namespace {

using messages::errc;

BOOST_FIXTURE_TEST_SUITE(control_gateway_suite, control_site)

BOOST_AUTO_TEST_CASE(greets_a_known_user) {
  start();
  const auto greeting = client("amy").ask("hello", "", {{"client", "test"}, {"protocol", 1}});
  BOOST_REQUIRE(verdict(greeting) == "ok");
  BOOST_TEST(greeting["id"] == "q");
  BOOST_TEST(greeting["ok"]["user"] == "amy");
  BOOST_TEST(greeting["ok"]["projects"][0]["used"] == 5);
  BOOST_TEST(greeting["ok"]["data_endpoint"] == "tcp://data");
}

BOOST_AUTO_TEST_CASE(does_not_answer_an_unknown_key) {
  start();
  raw_client stranger{gateway->endpoint(), server_key.open, curve_key::fresh()};
  stranger.say("CMD", {{"id", "1"}, {"do", "hello"}});
  BOOST_TEST(!stranger.receive(silence).has_value());
}

BOOST_AUTO_TEST_CASE(is_not_understood_by_who_expects_another_server) {
  start();
  raw_client misled{gateway->endpoint(), curve_key::fresh().open, user_keys["amy"]};
  misled.say("CMD", {{"id", "1"}, {"do", "hello"}});
  BOOST_TEST(!misled.receive(silence).has_value());
}

BOOST_AUTO_TEST_CASE(does_not_answer_weak_routing_ids) {
  start();
  for (const auto& weak : {std::string{"short"}, std::string{"sixteen bytes..."}}) {
    auto amy = client("amy", weak);
    amy.say("CMD", {{"id", "1"}, {"do", "hello"}});
    BOOST_TEST(!amy.receive(silence).has_value(), weak);
  }
}

BOOST_AUTO_TEST_CASE(stops_answering_a_session_whose_key_was_taken_away) {
  start();
  auto amy = client("amy");
  BOOST_TEST(verdict(amy.ask("hello")) == "ok");
  rules.users["amy"].keys.clear();
  publish_rules();
  auto raj = client("raj");
  BOOST_TEST(verdict(raj.ask("hello")) == "ok");
  amy.say("CMD", {{"id", "1"}, {"do", "hello"}});
  BOOST_TEST(!amy.receive(silence).has_value());
}

BOOST_AUTO_TEST_CASE(answers_bad_json_without_harm) {
  start();
  auto amy = client("amy");
  for (const auto* text : {"", "{", "[1]", "{\"id\":{}}", "\xff\xfe"}) {
    amy.send({"CMD", text});
    BOOST_TEST(verdict(amy.answer()) == "bad_request", text);
  }
  amy.send({"CMD", "{\"id\":\"deep\",\"do\":\"hello\",\"args\":" + std::string(100'000, '[') + "}"});
  BOOST_TEST(verdict(amy.answer()) == "bad_request");
  amy.send({"WHAT", "{}"});
  BOOST_TEST(verdict(amy.answer()) == "bad_request");
  amy.send({"SUB", "{}"});
  BOOST_TEST(verdict(amy.answer()) == "bad_request");
  BOOST_TEST(verdict(amy.ask("hello")) == "ok");
}

BOOST_AUTO_TEST_CASE(ignores_messages_of_another_shape) {
  start();
  auto amy = client("amy");
  amy.send({"CMD"});
  amy.send({"CMD", "{}", "more"});
  amy.send(std::vector<std::string>(500, "frame"));
  BOOST_TEST(verdict(amy.ask("hello")) == "ok");
}

BOOST_AUTO_TEST_CASE(closes_the_connection_of_who_sends_too_much_and_serves_the_others) {
  start();
  auto raj = client("raj");
  BOOST_TEST(verdict(raj.ask("hello")) == "ok");
  auto amy = client("amy");
  amy.send({"CMD", R"({"id":"1","do":"hello","x":")" + std::string(2 << 20, 'x') + "\"}"});
  BOOST_TEST(!amy.receive(silence).has_value());
  BOOST_TEST(verdict(raj.ask("hello")) == "ok");
  auto modest = client("amy");
  modest.send({"CMD", R"({"id":"1","do":"hello","x":")" + std::string(900'000, 'x') + "\"}"});
  BOOST_TEST(verdict(modest.answer()) == "ok");
}

BOOST_AUTO_TEST_CASE(names_unknown_commands) {
  start();
  auto amy = client("amy");
  BOOST_TEST(verdict(amy.ask("requests.explode", "alz-brain")) == "unknown_command");
  BOOST_TEST(verdict(amy.ask("", "alz-brain")) == "bad_request");
}

BOOST_AUTO_TEST_CASE(answers_strangers_byte_for_byte_as_if_there_were_no_such_project) {
  start();
  auto amy = client("amy");
  const std::map<std::string, json> commands = {
      {"requests.list", json::object()},
      {"requests.submit", {{"items", {{{"pacs", "gh-rad"}, {"StudyInstanceUID", "1.2"}}}}}},
      {"cache.list", json::object()},
      {"download.open", {{"studies", {"1.2"}}}},
      {"patients.find", {{"pacs", {"gh-rad"}}, {"mrns", {"1"}}}},
      {"search.more", {{"search", "x"}}},
      {"requests.cancel", {{"requests", {"1"}}}}};
  for (const auto& [command, args] : commands) {
    const json base{{"id", "q"}, {"do", command}, {"op", "o"}, {"args", args}};
    auto foreign = base;
    auto absent = base;
    foreign["project"] = "secret";
    absent["project"] = "no-such";
    amy.say("CMD", foreign);
    const auto first = amy.answer_text();
    amy.say("CMD", absent);
    BOOST_TEST(!first.empty());
    BOOST_TEST(first == amy.answer_text(), command);
    BOOST_TEST(json::parse(first)["error"]["code"] == "not_found");
  }
  for (const auto& line : asked.lines()) BOOST_TEST(line.find("secret") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(limits_the_commands_of_a_session_that_wait) {
  for (auto& [id, queue] : parts.peers.queues)
    queue =
        caf::actor_cast<messages::project_queue_actor>(system.spawn([](caf::event_based_actor* self) -> caf::behavior {
          return {[self](const messages::list_requests&) { return self->make_response_promise(); }};
        }));
  start();
  auto amy = client("amy");
  for (int n = 0; n < 40; ++n)
    amy.say("CMD", {{"id", std::to_string(n)}, {"do", "requests.list"}, {"project", "alz-brain"}});
  int limited = 0;
  int ended = 0;
  for (int n = 0; n < 40; ++n) {
    const auto answer = amy.answer();
    limited += verdict(answer) == "rate_limited" ? 1 : 0;
    ended += verdict(answer) == "internal" ? 1 : 0;
  }
  BOOST_TEST(limited == 8);
  BOOST_TEST(ended == 32);
}

BOOST_AUTO_TEST_CASE(limits_the_sessions_of_all_users) {
  options.limits.max_sessions = 2;
  start();
  auto amy = client("amy");
  auto raj = client("raj");
  for (auto* each : {&amy, &raj}) {
    each->say("SUB", {{"topic", "p/alz-brain/requests"}, {"from", 0}});
    BOOST_TEST(verdict(each->ask("hello")) == "ok");
  }
  BOOST_TEST(verdict(client("ada").ask("hello")) == "rate_limited");
}

BOOST_AUTO_TEST_CASE(says_that_it_is_stopping) {
  start();
  auto amy = client("amy");
  BOOST_TEST(verdict(amy.ask("hello")) == "ok");
  gateway->refuse_commands();
  for (int n = 0; n < 100 && verdict(amy.ask("hello")) == "ok"; ++n) {
  }
  BOOST_TEST(verdict(amy.ask("hello")) == "shutting_down");
}

BOOST_AUTO_TEST_CASE(says_that_its_port_is_taken) {
  start();
  auto second = options;
  second.endpoint = gateway->endpoint();
  const auto refused = control_gateway::start(context, system, second, parts);
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == errc::held_by_another));
}

BOOST_AUTO_TEST_CASE(refuses_a_server_key_that_is_none) {
  parts.rules = std::make_shared<const conf::rules>(rules);
  options.server_secret_key = "too short";
  const auto refused = control_gateway::start(context, system, options, parts);
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == errc::bad_configuration));
}

BOOST_AUTO_TEST_CASE(tells_when_it_has_ended_by_itself) {
  std::atomic<bool> told{false};
  parts.lost = [&](const std::string&) { told = true; };
  start();
  caf::anon_send_exit(gateway->sink(), caf::exit_reason::kill);
  for (int n = 0; n < 1'000 && !told; ++n) std::this_thread::sleep_for(std::chrono::milliseconds{5});
  BOOST_TEST(told);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways::test
