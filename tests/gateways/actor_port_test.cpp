#include "gateways/actor_port.hpp"

#include <poll.h>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "actors/system_config.hpp"

namespace penstock::gateways {
namespace {

using messages::answered;
using messages::describe_actor;
using messages::disown_dimse;
using messages::start_dimse;
using port_under_test = actor_port<messages::dimse_port_actor>;

constexpr std::chrono::seconds deadline{10};

struct seen {
  std::vector<std::string> owners;
  std::vector<std::thread::id> threads;
};

port_under_test::behavior_type remember(seen& into) {
  auto note = [&into](const std::string& owner) {
    into.owners.push_back(owner);
    into.threads.push_back(std::this_thread::get_id());
  };
  return {[note](const start_dimse& m) { note(m.owner); }, [note](const messages::tell_dimse& m) { note(m.owner); },
          [note](const messages::stop_dimse& m) { note(m.owner); }, [note](const disown_dimse& m) { note(m.owner); },
          [note](const describe_actor& m) {
            note(m.asked_by);
            return answered{"{\"for\":\"" + m.asked_by + "\"}"};
          }};
}

/// Drains whenever the descriptor rings, until `done` or the deadline.
template <class Predicate>
bool pump(port_under_test& port, Predicate done) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  while (!done() && std::chrono::steady_clock::now() < until) {
    pollfd item{port.descriptor(), POLLIN, 0};
    if (::poll(&item, 1, 100) > 0 && !port.drain()) return done();
  }
  return done();
}

struct fixture {
  actors::system_config config;
  caf::actor_system system{config};
  seen noted;
};

messages::supervisor_actor::behavior_type echoing_supervisor() {
  return {[](const messages::describe_server& m) { return answered{m.user}; }};
}

BOOST_FIXTURE_TEST_SUITE(actor_port_suite, fixture)

BOOST_AUTO_TEST_CASE(handles_messages_only_in_the_loops_thread) {
  port_under_test port{system, [&](auto*) { return remember(noted); }};
  std::thread foreign{[&] {
    for (int n = 0; n < 100; ++n) caf::anon_send(port.handle(), disown_dimse{std::to_string(n)});
  }};
  foreign.join();
  BOOST_TEST(noted.owners.empty());
  BOOST_TEST(pump(port, [&] { return noted.owners.size() == 100; }));
  for (int n = 0; n < 100; ++n) BOOST_TEST(noted.owners[static_cast<std::size_t>(n)] == std::to_string(n));
  for (const auto& thread : noted.threads) BOOST_TEST((thread == std::this_thread::get_id()));
}

BOOST_AUTO_TEST_CASE(gets_the_answer_of_a_request_in_the_loop) {
  port_under_test port{system, [&](auto*) { return remember(noted); }};
  auto peer = system.spawn(echoing_supervisor);
  std::string answer;
  std::thread::id answered_in;
  port->request(peer, deadline, messages::describe_server{"ada"})
      .then(
          [&](const answered& a) {
            answer = a.json;
            answered_in = std::this_thread::get_id();
          },
          [](const caf::error&) { BOOST_ERROR("an answer was expected"); });
  BOOST_TEST(pump(port, [&] { return !answer.empty(); }));
  BOOST_TEST(answer == "ada");
  BOOST_TEST((answered_in == std::this_thread::get_id()));
}

BOOST_AUTO_TEST_CASE(reports_a_request_that_nobody_answers_after_its_deadline) {
  port_under_test port{system, [&](auto*) { return remember(noted); }};
  auto silent = system.spawn([](messages::supervisor_actor::pointer self) -> messages::supervisor_actor::behavior_type {
    return {[self](const messages::describe_server&) { return self->make_response_promise<answered>(); }};
  });
  std::optional<messages::failure> problem;
  port->request(silent, std::chrono::milliseconds{20}, messages::describe_server{"ada"})
      .then([](const answered&) { BOOST_ERROR("no answer was expected"); },
            [&](const caf::error& e) { problem = messages::from_caf(e, "server.status"); });
  BOOST_TEST(pump(port, [&] { return problem.has_value(); }));
  BOOST_TEST((problem->code == messages::errc::timed_out || problem->code == messages::errc::internal));
}

BOOST_AUTO_TEST_CASE(answers_requests_of_other_threads) {
  port_under_test port{system, [&](auto*) { return remember(noted); }};
  std::string answer;
  std::atomic<bool> over{false};
  std::thread asker{[&] {
    caf::scoped_actor self{system};
    self->request(port.handle(), deadline, describe_actor{"amy"})
        .receive([&](const answered& a) { answer = a.json; }, [](const caf::error&) {});
    over = true;
  }};
  BOOST_TEST(pump(port, [&] { return over.load() || !noted.owners.empty(); }));
  asker.join();
  BOOST_TEST(answer == "{\"for\":\"amy\"}");
}

BOOST_AUTO_TEST_CASE(refuses_requests_after_its_end) {
  auto port = std::make_unique<port_under_test>(system, [&](auto*) { return remember(noted); });
  const auto handle = port->handle();
  caf::scoped_actor self{system};
  caf::scoped_actor early{system};
  auto waiting = early->request(handle, deadline, describe_actor{"early"});
  port->close();
  bool refused = false;
  waiting.receive([](const answered&) {}, [](const caf::error&) {});
  self->request(handle, deadline, describe_actor{"late"})
      .receive([](const answered&) {}, [&](const caf::error&) { refused = true; });
  BOOST_TEST(refused);
  BOOST_TEST(!port->drain());
}

BOOST_AUTO_TEST_CASE(leaves_the_system_without_running_actors_when_it_closes) {
  const auto before = system.registry().running();
  {
    port_under_test port{system, [&](auto*) { return remember(noted); }};
    BOOST_TEST(system.registry().running() == before + 1);
  }
  BOOST_TEST(system.registry().running() == before);
}

BOOST_AUTO_TEST_CASE(ends_when_it_is_sent_an_exit_message) {
  port_under_test port{system, [&](auto*) { return remember(noted); }};
  caf::anon_send_exit(port.handle(), caf::exit_reason::user_shutdown);
  pollfd item{port.descriptor(), POLLIN, 0};
  BOOST_TEST(::poll(&item, 1, 10'000) == 1);
  BOOST_TEST(!port.drain());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways
