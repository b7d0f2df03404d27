#include "actors/fair_round.hpp"

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>

using namespace penstock::actors;

namespace {

using round_robin = penstock::actors::fair_round;

/// The next `turns` turns, as one letter a project.
std::string take_turns(round_robin& round, const std::vector<waiting_project>& waiting, int turns) {
  std::string order;
  for (int i = 0; i < turns; ++i) {
    const auto project = round.next(waiting);
    round.take(project);
    order += project;
  }
  return order;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fair_round)

BOOST_AUTO_TEST_CASE(gives_every_project_its_turn) {
  round_robin round;
  BOOST_TEST(take_turns(round, {{"a", 1}, {"b", 1}, {"c", 1}}, 7) == "abcabca");
}

BOOST_AUTO_TEST_CASE(gives_w_turns_a_round_to_weight_w_and_spreads_them) {
  round_robin round;
  BOOST_TEST(take_turns(round, {{"a", 3}, {"b", 1}, {"c", 2}}, 12) == "abcacabcacaa");
  round_robin zero;
  BOOST_TEST(take_turns(zero, {{"a", 0}, {"b", 1}}, 4) == "abab");
}

BOOST_AUTO_TEST_CASE(answers_the_same_until_a_turn_is_taken) {
  round_robin round;
  const std::vector<waiting_project> waiting{{"a", 1}, {"b", 1}};
  for (int i = 0; i < 5; ++i) BOOST_TEST(round.next(waiting) == "a");
  round.take("a");
  for (int i = 0; i < 5; ++i) BOOST_TEST(round.next(waiting) == "b");
  BOOST_TEST(round.next({}) == "");
}

BOOST_AUTO_TEST_CASE(a_newcomer_joins_at_the_end) {
  round_robin round;
  BOOST_TEST(take_turns(round, {{"a", 1}, {"b", 1}, {"c", 1}}, 1) == "a");
  BOOST_TEST(take_turns(round, {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}}, 7) == "bcdbcad");
}

BOOST_AUTO_TEST_CASE(who_leaves_and_comes_back_gains_nothing) {
  round_robin round;
  std::map<std::string, int> turns;
  for (int i = 0; i < 4'000; ++i) {
    // "a" waits only until it has had its turn, then leaves and comes back.
    auto project = round.next({{"a", 1}, {"b", 3}});
    round.take(project);
    ++turns[project];
    if (project == "a") BOOST_TEST(round.next({{"b", 3}}) == "b");
  }
  BOOST_TEST(turns["a"] == 1'000);
}

BOOST_AUTO_TEST_CASE(nobody_starves_whoever_comes_and_goes) {
  std::mt19937 random{7};
  for (int history = 0; history < 200; ++history) {
    round_robin round;
    std::map<std::string, int> since;
    for (int i = 0; i < 300; ++i) {
      // "x" always waits; up to five others with weights up to four come and go.
      std::vector<waiting_project> waiting{{"x", 1}};
      for (int other = 0; other < 5; ++other)
        if (random() % 2 == 0)
          waiting.push_back(
              {std::string(1, static_cast<char>('a' + other)), static_cast<std::uint32_t>(1 + random() % 4)});
      const auto project = round.next(waiting);
      BOOST_REQUIRE(!project.empty());
      round.take(project);
      ++since["x"];
      if (project == "x") since["x"] = 0;
      BOOST_REQUIRE(since["x"] <= 2 * 5 * 4);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
