#include "gateways/site_answers.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/gateways/site_rules.hpp"

namespace penstock::gateways {
namespace {

using messages::errc;
using nlohmann::json;

BOOST_AUTO_TEST_SUITE(site_answers_suite)

BOOST_AUTO_TEST_CASE(greets_a_member_with_their_own_projects_only) {
  const greeting_facts facts{"Site", "0.1", "tcp://data", {{"alz-brain", R"({"quota":1000,"used":7})"}}, 1'500'000};
  const auto greeting = json::parse(greeting_json(test::site_rules(), "amy", facts));
  BOOST_TEST(greeting["protocol"] == 1);
  BOOST_TEST(greeting["user"] == "amy");
  BOOST_TEST(greeting["time"] == "1970-01-01T00:00:01.500Z");
  BOOST_TEST(greeting["roles"] == json{"researcher"});
  BOOST_TEST(greeting["projects"].size() == 2);
  BOOST_TEST(greeting["projects"][0]["id"] == "alz-brain");
  BOOST_TEST(greeting["projects"][0]["used"] == 7);
  BOOST_TEST(greeting["projects"][0]["expires"] == "2027-01-01");
  BOOST_TEST(greeting["projects"][1]["used"].is_null());
  BOOST_TEST(greeting["institutions"][0]["departments"][0]["pacs"][0] == "gh-rad");
  BOOST_TEST(greeting.dump().find("secret") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(lists_pacs_with_what_their_governors_say) {
  const auto rules = test::site_rules();
  const auto state = [&](const char* said) {
    return json::parse(pacs_list_json(rules, {{"gh-rad", said}}))["pacs"][0];
  };
  BOOST_TEST(state(R"({"state":"up","paused":false,"problem":""})")["state"] == "up");
  const auto paused = state(R"({"state":"paused","paused":"maintenance","problem":""})");
  BOOST_TEST(paused["state"] == "paused");
  BOOST_TEST(paused["reason"] == "maintenance");
  BOOST_TEST(state(R"({"state":"down","paused":false,"problem":"no answer"})")["reason"] == "no answer");
  BOOST_TEST(state("garbage")["state"] == "unknown");
  BOOST_TEST(json::parse(pacs_list_json(rules, {}))["pacs"][0]["state"] == "unknown");
}

BOOST_AUTO_TEST_CASE(splices_answers_and_quotes_ids) {
  BOOST_TEST(answer_frame("a\"b", R"({"x":1})") == R"({"id":"a\"b","ok":{"x":1}})");
  BOOST_TEST(answer_frame("1", "") == R"({"id":"1","ok":{}})");
}

BOOST_AUTO_TEST_CASE(tells_clients_only_the_codes_of_the_protocol) {
  const auto code = [](errc c) { return json::parse(error_frame("1", {c, "text"}))["error"]["code"]; };
  BOOST_TEST(code(errc::quota_exceeded) == "quota_exceeded");
  for (const auto inside : {errc::io_error, errc::no_space, errc::corrupt, errc::timed_out, errc::held_by_another})
    BOOST_TEST(code(inside) == "internal");
}

BOOST_AUTO_TEST_CASE(writes_times_in_utc) {
  BOOST_TEST(rfc3339(test::test_time_us) == "2026-03-08T12:00:00.000Z");
  BOOST_TEST(rfc3339(test::test_time_us + 1'999) == "2026-03-08T12:00:00.001Z");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways
