#include "tools/penstock/doctor_checks.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::commands;
using nlohmann::json;
using penstock::messages::errc;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::system_clock;

namespace {

json project(const char* id, const char* expires) { return {{"id", id}, {"expires", expires}}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(doctor_checks)

BOOST_AUTO_TEST_CASE(compares_the_clocks_with_the_time_that_the_answer_took) {
  const system_clock::time_point here{seconds{1'000'010}};
  const auto how = [&](const char* there, int took_ms = 0) { return judge_clock(there, here, milliseconds{took_ms}); };
  BOOST_TEST((how("1970-01-12T13:46:50.000Z").how == verdict::ok));
  BOOST_TEST((how("1970-01-12T13:46:40.000Z").text == "10 s ahead of the server's"));
  BOOST_TEST((how("1970-01-12T13:46:40.000Z", 20'000).text == "agrees with the server's"));
  BOOST_TEST((how("1970-01-12T14:46:50.000Z").how == verdict::warn));
  BOOST_TEST((how("").how == verdict::ok));
}

BOOST_AUTO_TEST_CASE(says_what_helps_when_there_is_no_connection) {
  BOOST_TEST(no_connection({errc::not_permitted, "x"}).advice.find("public key") != std::string::npos);
  BOOST_TEST(no_connection({errc::timed_out, "broke off the handshake"}).advice.find("server_key") !=
             std::string::npos);
  BOOST_TEST(no_connection({errc::timed_out, "nothing answers"}).advice.find("firewall") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(tells_projects_that_end_and_one_that_is_not_the_users) {
  const json greeting{
      {"roles", {"researcher"}},
      {"projects", {project("a", "2030-01-01"), project("b", "2026-12-01"), project("c", "2020-01-01")}}};
  const auto found = judge_projects(greeting, "d", "2026-11-22");
  BOOST_REQUIRE(found.size() == 4u);
  BOOST_TEST((found[0].how == verdict::ok));
  BOOST_TEST((found[1].how == verdict::warn));
  BOOST_TEST(found[2].text.find("ended") != std::string::npos);
  BOOST_TEST((found[3].how == verdict::bad));
  BOOST_TEST((worst_of(found) == verdict::bad));
  BOOST_TEST(judge_projects(json{{"roles", {"researcher"}}}, "", "2026-11-22").size() == 1u);
  BOOST_TEST(judge_projects(json{{"roles", {"auditor"}}}, "", "2026-11-22").empty());
}

BOOST_AUTO_TEST_CASE(wants_the_protocol_that_it_speaks_and_room) {
  BOOST_TEST((judge_protocol(json{{"protocol", 1}}).how == verdict::ok));
  BOOST_TEST((judge_protocol(json{{"protocol", 2}}).how == verdict::bad));
  BOOST_TEST((judge_room("/d", 1ULL << 40).how == verdict::ok));
  BOOST_TEST((judge_room("/d", 1ULL << 30).how == verdict::warn));
  BOOST_TEST((judge_room("/d", 1ULL << 20).how == verdict::bad));
}

BOOST_AUTO_TEST_SUITE_END()
