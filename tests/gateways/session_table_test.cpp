#include "gateways/session_table.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

namespace penstock::gateways {
namespace {

struct sessions {
  std::vector<std::string> removed;
  session_limits limits{.most = 3, .most_per_user = 2, .idle_lifetime = std::chrono::milliseconds{1'000}};
  session_table table{limits, [this](const std::string& id) { removed.push_back(id); }};
};

BOOST_FIXTURE_TEST_SUITE(session_table_suite, sessions)

BOOST_AUTO_TEST_CASE(keeps_a_session_from_message_to_message) {
  auto* first = table.enter("r1", "amy/1", "amy", 10);
  BOOST_REQUIRE(first != nullptr);
  BOOST_TEST(table.enter("r1", "amy/1", "amy", 20) == first);
  BOOST_TEST(first->last_heard_ms == 20);
  BOOST_TEST(table.size() == 1);
}

BOOST_AUTO_TEST_CASE(begins_anew_when_a_routing_id_changes_hands) {
  const auto number = table.enter("r1", "amy/1", "amy", 10)->number;
  auto* second = table.enter("r1", "raj/2", "raj", 20);
  BOOST_REQUIRE(second != nullptr);
  BOOST_TEST(second->user == "raj");
  BOOST_TEST(table.find("r1", number) == nullptr);
  BOOST_TEST(removed == std::vector<std::string>{"r1"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(gives_a_users_new_session_the_place_of_that_users_longest_silent_one) {
  table.enter("r1", "amy/1", "amy", 10)->follows = true;
  static_cast<void>(table.enter("r2", "amy/1", "amy", 20));
  BOOST_TEST(table.enter("r3", "amy/1", "amy", 30) != nullptr);
  BOOST_TEST(removed == std::vector<std::string>{"r1"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(never_drops_a_session_that_waits_for_an_answer) {
  table.enter("r1", "amy/1", "amy", 10)->in_flight = 1;
  table.enter("r2", "amy/1", "amy", 20)->in_flight = 1;
  BOOST_TEST(table.enter("r3", "amy/1", "amy", 30) == nullptr);
  BOOST_TEST(table.size() == 2);
}

BOOST_AUTO_TEST_CASE(takes_the_place_of_other_users_only_when_they_are_idle) {
  table.enter("r1", "amy/1", "amy", 10)->follows = true;
  table.enter("r2", "raj/1", "raj", 20)->follows = true;
  auto* third = table.enter("r3", "zoe/1", "zoe", 30);
  third->follows = true;
  BOOST_TEST(table.enter("r4", "ada/1", "ada", 40) == nullptr);
  third->follows = false;
  BOOST_TEST(table.enter("r4", "ada/1", "ada", 50) != nullptr);
  BOOST_TEST(removed == std::vector<std::string>{"r3"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(forgets_whoever_leaves_also_those_who_follow_quiet_topics) {
  table.enter("r1", "amy/1", "amy", 0)->connection = 41;
  auto* follower = table.enter("r2", "raj/1", "raj", 0);
  follower->connection = 42;
  follower->follows = true;
  table.remove_connection(42);
  BOOST_TEST(removed == std::vector<std::string>{"r2"}, boost::test_tools::per_element());
  table.remove_connection(42);
  BOOST_TEST(table.size() == 1);
}

BOOST_AUTO_TEST_CASE(forgets_who_was_idle_for_long) {
  static_cast<void>(table.enter("r1", "amy/1", "amy", 0));
  table.enter("r2", "raj/1", "raj", 0)->follows = true;
  table.remove_idle(1'000);
  BOOST_TEST(table.size() == 2);
  table.remove_idle(1'001);
  BOOST_TEST(table.size() == 1);
  BOOST_TEST(table.find("r2") != nullptr);
}

BOOST_AUTO_TEST_CASE(visits_those_with_unsent_answers_even_when_one_is_removed_meanwhile) {
  table.enter("r1", "amy/1", "amy", 0)->unsent.push_back("a");
  table.enter("r2", "raj/1", "raj", 0)->unsent.push_back("b");
  std::vector<std::string> visited;
  table.for_each_unsent([&](const std::string& id, session&) {
    visited.push_back(id);
    table.remove("r2");
  });
  BOOST_TEST(visited == std::vector<std::string>{"r1"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways
