#include "actors/hosting.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/actors/mock_actors.hpp"

namespace penstock::tests {

using namespace std::chrono_literals;

namespace {

struct life_log {
  int lives = 0;
  int thrown_at_start = 0;  ///< so many lives end in their constructor
  int pings = 0;
  std::vector<std::chrono::milliseconds> pauses;
  caf::actor_addr child;
};

/// A rules keeper that says which life it is in, and dies when somebody calls himself so.
class mortal {
 public:
  using handle = rules_keeper_actor;
  static constexpr const char* name = "mortal";

  mortal(handle::pointer self, std::shared_ptr<life_log> log) : self_(self), log_(std::move(log)) {
    log_->child = self->address();
    if (++log_->lives <= log_->thrown_at_start) throw std::runtime_error("no disk");
  }
  handle::behavior_type make_behavior() {
    return {[this](const watch_rules&) -> caf::result<rules_published> { return unasked(); },
            [this](const show_rules& who) -> caf::result<answered> {
              if (who.user == "die") throw std::runtime_error("told to");
              if (who.user == "end") self_->quit();
              ++log_->pings;
              return answered{std::to_string(log_->lives)};
            },
            [](const check_rules&) -> caf::result<answered> { return unasked(); },
            [](const reload_rules&) -> caf::result<answered> { return unasked(); },
            [](const propose_rules&) -> caf::result<rules_published> { return unasked(); },
            [](const tick&) {}};
  }

 private:
  handle::pointer self_;
  std::shared_ptr<life_log> log_;
};

struct hosted_world : sim_world {
  std::shared_ptr<life_log> log = std::make_shared<life_log>();
  rules_keeper_actor keeper = start();

  rules_keeper_actor start() {
    return keep(actors::supervise<mortal>(
        sys, [log = log](const caf::error&, std::chrono::milliseconds pause) { log->pauses.push_back(pause); }, log));
  }
  std::string life() { return ask<answered>(keeper, show_rules{"amy"})->json; }
  void let_it_die() {
    caf::anon_send(keeper, show_rules{"die"});
    settle();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(hosting, hosted_world)

BOOST_AUTO_TEST_CASE(restarts_a_child_that_died_behind_the_same_address) {
  BOOST_TEST(life() == "1");
  let_it_die();
  advance(20ms);
  BOOST_TEST(life() == "2");
}

BOOST_AUTO_TEST_CASE(answers_who_asked_while_the_child_was_away) {
  BOOST_TEST(life() == "1");
  let_it_die();
  auto waiting = self->request(keeper, caf::infinite, show_rules{"amy"});
  settle();
  BOOST_TEST(!self->has_next_message());
  advance(20ms);
  waiting.receive([](const answered& answer) { BOOST_TEST(answer.json == "2"); },
                  [](const caf::error&) { BOOST_ERROR("refused"); });
}

BOOST_AUTO_TEST_CASE(fails_a_request_that_the_dying_child_had_taken) {
  BOOST_TEST(life() == "1");
  const auto answer = ask<answered>(keeper, show_rules{"die"});
  BOOST_TEST(!answer.ok());
  auto queued = self->request(keeper, caf::infinite, show_rules{"amy"});
  BOOST_TEST_MESSAGE("sent before the custodian hears of the death or after: it is answered or fails, never forgotten");
  advance(1s);
  BOOST_TEST(self->has_next_message());
  queued.receive([](const answered&) {}, [](const caf::error&) {});
}

BOOST_AUTO_TEST_CASE(restarts_with_growing_pauses_while_the_start_itself_fails) {
  log->thrown_at_start = 4;
  settle();
  advance(1s);
  BOOST_TEST(life() == "5");
  const std::vector<std::chrono::milliseconds> expected{20ms, 40ms, 80ms, 160ms};
  BOOST_TEST((log->pauses == expected));
  advance(10min);
  let_it_die();
  BOOST_TEST((log->pauses.back() == 20ms));
}

BOOST_AUTO_TEST_CASE(parks_so_many_messages_and_refuses_more) {
  settle();
  let_it_die();
  const auto most = actors::restart_options{}.most_parked;
  for (std::size_t i = 0; i < most; ++i) caf::anon_send(keeper, show_rules{"amy"});
  settle();
  const auto refused = ask<answered>(keeper, show_rules{"amy"});
  BOOST_TEST(!refused.ok());
  advance(20ms);
  BOOST_TEST(log->pings == static_cast<int>(most));
}

BOOST_AUTO_TEST_CASE(goes_with_a_child_that_ended_in_good_order) {
  settle();
  self->monitor(keeper);
  caf::anon_send(keeper, show_rules{"end"});
  advance(1s);
  bool went = false;
  self->receive([&](const caf::down_msg& down) { went = !down.reason; });
  BOOST_TEST(went);
  BOOST_TEST(log->lives == 1);
}

BOOST_AUTO_TEST_CASE(ends_its_child_when_it_is_told_to_end) {
  settle();
  caf::anon_send_exit(keeper, caf::exit_reason::user_shutdown);
  settle();
  BOOST_TEST(!caf::actor_cast<caf::strong_actor_ptr>(log->child));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(crew)

BOOST_AUTO_TEST_CASE(ends_everybody_the_last_one_first_and_waits_for_it) {
  actors::system_config config;
  caf::actor_system system{config};
  actors::crew members{system};
  auto log = std::make_shared<life_log>();
  auto scheduled = members.add(actors::supervise<mortal>(system, nullptr, log));
  auto threaded = members.add(actors::supervise<mortal, actors::hosting::detached>(system, nullptr, log));
  members.end_all();
  scheduled = nullptr;
  threaded = nullptr;
  BOOST_TEST(members.wait(10s));
}

BOOST_AUTO_TEST_CASE(says_when_somebody_does_not_end) {
  actors::system_config config;
  caf::actor_system system{config};
  actors::crew members{system};
  auto log = std::make_shared<life_log>();
  auto kept = members.add(actors::supervise<mortal, actors::hosting::detached>(system, nullptr, log));
  BOOST_TEST(!members.wait(1ms));
  members.end_all();
  kept = nullptr;
  BOOST_TEST(members.wait(10s));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
