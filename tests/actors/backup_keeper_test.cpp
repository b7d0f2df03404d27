// The keeper of backups with a real core database, and the journal that it writes.

#include "actors/backup_keeper.hpp"

#include "storage/core_backup.hpp"
#include "tests/actors/actor_fixture.hpp"

namespace penstock::tests {

using namespace messages;

namespace {

struct kept_backups : actor_fixture {
  backup_keeper_actor keeper = start();
  caf::scoped_actor client{sys};

  backup_keeper_actor start() {
    actors::backup_keeper_options options;
    options.core = core;
    options.directory = folder.path() / "backups";
    options.journal = journal;
    return keep(actors::start_backup_keeper(sys, std::move(options), nullptr, actors::hosting::scheduled));
  }
  [[nodiscard]] std::size_t made() const {
    auto all = storage::list_backups(folder.path() / "backups");
    return all.ok() ? all->size() : 0;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(backup_keeper, kept_backups)

BOOST_AUTO_TEST_CASE(the_same_operation_makes_one_backup_also_while_it_is_recorded) {
  std::vector<std::string> answers;
  const auto ask_again = [&] {
    auto asked = client->request(keeper, caf::infinite, back_up_core{{"ada", "op-1"}});
    settle();
    asked.receive([&](const answered& said) { answers.push_back(said.json); },
                  [](const caf::error& problem) { BOOST_FAIL(caf::to_string(problem)); });
  };
  auto first = client->request(keeper, caf::infinite, back_up_core{{"ada", "op-1"}});
  ask_again();
  first.receive([&](const answered& said) { answers.push_back(said.json); },
                [](const caf::error& problem) { BOOST_FAIL(caf::to_string(problem)); });
  ask_again();
  BOOST_REQUIRE(answers.size() == 3U);
  BOOST_TEST(answers[0] == answers[1]);
  BOOST_TEST(answers[0] == answers[2]);
  BOOST_TEST(made() == 1U);
  BOOST_TEST(entries("backup.made") == 1U);
}

BOOST_AUTO_TEST_CASE(another_operation_makes_another_backup) {
  for (const auto* op : {"op-1", "op-2"}) {
    const auto said = ask<answered>(keeper, back_up_core{{"ada", op}});
    BOOST_REQUIRE(said.ok());
  }
  BOOST_TEST(made() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
