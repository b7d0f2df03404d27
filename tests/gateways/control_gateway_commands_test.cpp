// Each command of the control socket reaches the actor that decides, and its answer comes back.

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/gateways/control_site.hpp"

namespace penstock::gateways::test {
namespace {

const json one_item{{"items", {{{"pacs", "gh-rad"}, {"StudyInstanceUID", "1.2"}}}}};

BOOST_FIXTURE_TEST_SUITE(control_gateway_commands_suite, control_site)

BOOST_AUTO_TEST_CASE(hands_commands_of_a_project_to_its_queue) {
  start();
  auto amy = client("amy");
  BOOST_TEST(verdict(amy.ask("requests.submit", "alz-brain", one_item, "o1")) == "ok");
  BOOST_TEST(verdict(amy.ask("requests.cancel", "alz-brain", {{"requests", {"1"}}}, "o2")) == "ok");
  BOOST_TEST(verdict(amy.ask("cache.delete", "alz-brain", {{"studies", {"1.2"}}}, "o3")) == "ok");
  BOOST_TEST(verdict(amy.ask("requests.list", "alz-brain")) == "ok");
  BOOST_TEST(verdict(amy.ask("requests.show", "alz-brain", {{"request", "1"}})) == "ok");
  const auto usage = amy.ask("cache.usage", "alz-brain");
  BOOST_TEST(usage["ok"]["by"] == "alz-brain");
  auto lines = asked.lines();
  std::erase(lines, "followed by control_gateway");
  const std::vector<std::string> wanted = {"alz-brain submit 1 amy o1", "alz-brain cancel amy o2",
                                           "alz-brain delete amy o3",   "alz-brain list amy ",
                                           "alz-brain show amy ",       "alz-brain usage amy "};
  BOOST_TEST(lines == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(hands_searches_to_the_projects_search_and_listings_to_the_reader) {
  start();
  auto amy = client("amy");
  const json where{{"pacs", {"gh-rad"}}, {"mrns", {"1"}}};
  for (const auto* command : {"patients.find", "studies.find"})
    BOOST_TEST(amy.ask(command, "alz-brain", where)["ok"]["by"] == "search alz-brain");
  BOOST_TEST(verdict(amy.ask("series.find", "alz-brain", {{"pacs", "gh-rad"}, {"StudyInstanceUID", "1.2"}})) == "ok");
  BOOST_TEST(verdict(amy.ask("search.more", "alz-brain", {{"search", "s"}})) == "ok");
  BOOST_TEST(verdict(amy.ask("search.cancel", "alz-brain", {{"search", "s"}})) == "ok");
  BOOST_TEST(amy.ask("cache.list", "alz-brain")["ok"]["by"] == "reader");
}

BOOST_AUTO_TEST_CASE(needs_the_name_of_a_change) {
  start();
  const auto refused = client("amy").ask("requests.submit", "alz-brain", one_item);
  BOOST_TEST(verdict(refused) == "bad_request");
  BOOST_TEST(refused["error"]["message"].get<std::string>().starts_with("op:"));
}

BOOST_AUTO_TEST_CASE(names_the_field_that_is_missing) {
  start();
  const auto refused = client("amy").ask("requests.submit", "alz-brain", json::object(), "o1");
  BOOST_TEST(verdict(refused) == "bad_request");
  BOOST_TEST(refused["error"]["message"].get<std::string>().starts_with("items:"));
}

BOOST_AUTO_TEST_CASE(passes_on_the_errors_of_actors) {
  start();
  const auto refused = client("amy").ask("requests.cancel", "alz-brain", {{"requests", {404}}}, "o1");
  BOOST_TEST(verdict(refused) == "conflict");
  BOOST_TEST(refused["error"]["message"] == "it has ended");
  BOOST_TEST(refused["error"]["details"].is_object());
}

BOOST_AUTO_TEST_CASE(lists_but_does_not_work_in_an_expired_project) {
  start();
  auto amy = client("amy");
  BOOST_TEST(verdict(amy.ask("requests.submit", "old-heart", one_item, "o1")) == "project_expired");
  BOOST_TEST(verdict(amy.ask("requests.list", "old-heart")) == "ok");
}

BOOST_AUTO_TEST_CASE(keeps_roles_apart) {
  start();
  auto amy = client("amy");
  auto ada = client("ada");
  auto uma = client("uma");
  BOOST_TEST(verdict(amy.ask("server.status")) == "not_permitted");
  BOOST_TEST(ada.ask("server.status")["ok"]["by"] == "supervisor");
  BOOST_TEST(verdict(uma.ask("governance.show")) == "ok");
  BOOST_TEST(verdict(amy.ask("governance.show")) == "not_permitted");
  BOOST_TEST(verdict(amy.ask("pacs.echo", "", {{"pacs", "gh-rad"}})) == "not_permitted");
  const auto echo = ada.ask("pacs.echo", "", {{"pacs", "gh-rad"}});
  BOOST_TEST(echo["ok"]["ok"] == true);
  BOOST_TEST(echo["ok"]["ms"] == 7);
  BOOST_TEST(verdict(ada.ask("pacs.echo", "", {{"pacs", "no-such"}})) == "not_found");
}

BOOST_AUTO_TEST_CASE(asks_governors_about_the_callers_projects_only) {
  start();
  BOOST_TEST(client("amy").ask("pacs.list")["ok"]["pacs"][0]["state"] == "up");
  const auto seen = client("amy").ask("governor.status")["ok"]["pacs"][0];
  BOOST_TEST(seen["projects"] == json::array({"alz-brain", "old-heart"}));
  BOOST_TEST(seen["all"] == false);
  BOOST_TEST(client("ada").ask("governor.status")["ok"]["pacs"][0]["all"] == true);
}

BOOST_AUTO_TEST_CASE(turns_the_switch_of_one_pacs_or_of_all_for_administrators_only) {
  start();
  auto ada = client("ada");
  const auto one = json{{"pacs", "gh-rad"}, {"reason", "fire"}};
  BOOST_TEST(verdict(client("amy").ask("governor.pause", "", one, "o1")) == "not_permitted");
  BOOST_TEST(verdict(ada.ask("governor.pause", "", one)) == "bad_request");
  BOOST_TEST(ada.ask("governor.pause", "", one, "o1")["ok"]["stopped"] == 2);
  BOOST_TEST(ada.ask("governor.pause", "", {{"pacs", "all"}, {"reason", "fire"}}, "o2")["ok"]["pacs"].size() == 1);
  const auto silent = ada.ask("governor.pause", "", {{"pacs", "all"}, {"reason", "hang"}}, "o3");
  BOOST_TEST(silent["ok"]["silent"] == json::array({"gh-rad"}));
  BOOST_TEST(ada.ask("governor.resume", "", one, "o4")["ok"]["stopped"] == 0);
  BOOST_TEST(verdict(ada.ask("governor.pause", "", {{"pacs", "no-such"}, {"reason", "x"}}, "o5")) == "not_found");
}

BOOST_AUTO_TEST_CASE(simulates_proposed_rules_for_administrators_only) {
  start();
  BOOST_TEST(client("amy").ask("governor.simulate", "", {{"days", 3}})["ok"]["pacs"][0]["days"] == 3);
  BOOST_TEST(verdict(client("amy").ask("governor.simulate", "", {{"toml", "good"}})) == "not_permitted");
  auto ada = client("ada");
  BOOST_TEST(ada.ask("governor.simulate", "", {{"toml", "good"}})["ok"]["pacs"][0]["all"] == true);
  BOOST_TEST(verdict(ada.ask("governor.simulate", "", {{"toml", "bad"}})) == "bad_request");
}

BOOST_AUTO_TEST_CASE(tells_whom_proposed_rules_would_stop) {
  start();
  auto amy = client("amy");
  BOOST_TEST(verdict(amy.ask("pacs.list")) == "ok");
  BOOST_TEST(verdict(amy.ask("governance.check", "", {{"toml", "x"}})) == "not_permitted");
  const auto felt = client("ada").ask("governance.check", "", {{"toml", "x"}})["ok"]["affected"]["alz-brain"];
  BOOST_TEST(felt["sessions"] == 1);
  BOOST_TEST(felt["text"] == "amy leaves alz-brain: 1 live sessions, 3 requests stop");
  BOOST_TEST(client("ada").ask("governance.reload", "", json::object(), "o1")["ok"]["by"] == "ada");
}

BOOST_AUTO_TEST_CASE(answers_without_those_who_do_not) {
  parts.peers.governors["gh-rad"] =
      caf::actor_cast<messages::governor_clock_actor>(system.spawn([](caf::event_based_actor* self) -> caf::behavior {
        return {[self](const messages::describe_governor&) { return self->make_response_promise(); }};
      }));
  options.answer_deadline = std::chrono::milliseconds{100};
  start();
  BOOST_TEST(client("amy").ask("pacs.list")["ok"]["pacs"][0]["state"] == "unknown");
}

BOOST_AUTO_TEST_CASE(lets_an_administrator_purge_what_is_held_for_a_project_that_is_no_longer_in_the_rules) {
  parts.peers.queues["gone"] = parts.peers.queues["alz-brain"];
  start();
  const json suspended{{"suspended", true}};
  BOOST_TEST(verdict(client("ada").ask("cache.purge", "gone", suspended, "o1")) == "ok");
  BOOST_TEST(verdict(client("ada").ask("cache.purge", "never-was", suspended, "o2")) == "not_found");
  BOOST_TEST(verdict(client("ada").ask("cache.purge", "", suspended, "o3")) == "not_found");
  BOOST_TEST(verdict(client("amy").ask("cache.purge", "gone", suspended, "o4")) == "not_permitted");
}

BOOST_AUTO_TEST_CASE(serves_projects_that_came_later) {
  rules.projects["new-one"] = approved("new-one", {"amy"}, 2027);
  start();
  auto amy = client("amy");
  BOOST_TEST(verdict(amy.ask("requests.list", "new-one")) == "rate_limited");
  auto peers = parts.peers;
  peers.queues["new-one"] = peers.queues["alz-brain"];
  gateway->set_peers(peers);
  for (int n = 0; n < 100 && verdict(amy.ask("requests.list", "new-one")) != "ok"; ++n) {
  }
  BOOST_TEST(verdict(amy.ask("requests.list", "new-one")) == "ok");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways::test
