#include "tools/console/event_loop.hpp"

#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <csignal>

using namespace penstock::console;
using std::chrono::milliseconds;

namespace {

struct loop_fixture {
  std::vector<int> signals;
  std::unique_ptr<event_loop> loop =
      event_loop::make({SIGUSR1}, [this](int signal) { signals.push_back(signal), loop->stop(); }).value();
  std::array<int, 2> ends{};
  loop_fixture() { BOOST_REQUIRE(::pipe(ends.data()) == 0); }
  ~loop_fixture() { ::close(ends[0]), ::close(ends[1]); }
  void write_one() { BOOST_REQUIRE(::write(ends[1], "x", 1) == 1); }
  void read_one() {
    char byte = 0;
    BOOST_REQUIRE(::read(ends[0], &byte, 1) == 1);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(event_loops, loop_fixture)

BOOST_AUTO_TEST_CASE(wakes_for_a_descriptor_and_ends_the_turn) {
  std::string order;
  loop->watch(ends[0], [&] { read_one(), order += "read "; });
  loop->at_end_of_turn([&] { order += "end", loop->stop(); });
  write_one();
  loop->run();
  BOOST_TEST(order == "read end");
}

BOOST_AUTO_TEST_CASE(calls_timers_in_turn_and_only_the_last_of_a_name) {
  std::string order;
  loop->call_after("b", milliseconds{2}, [&] { order += "b", loop->stop(); });
  loop->call_after("a", milliseconds{5000}, [&] { order += "late"; });
  loop->call_after("a", milliseconds{1}, [&] { order += "a"; });
  loop->call_after("c", milliseconds{1}, [&] { order += "c"; });
  loop->cancel("c");
  loop->run();
  BOOST_TEST(order == "ab");
}

BOOST_AUTO_TEST_CASE(takes_signals_as_events) {
  ::kill(::getpid(), SIGUSR1);
  loop->run();
  BOOST_TEST(signals == std::vector<int>{SIGUSR1}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(sleeps_while_nothing_happens) {
  loop->call_after("end", milliseconds{60}, [&] { loop->stop(); });
  loop->run();
  BOOST_TEST(loop->turns() <= 2U);
}

BOOST_AUTO_TEST_CASE(forgets_a_descriptor_from_within_its_handler) {
  int calls = 0;
  loop->watch(ends[0], [&] { ++calls, loop->forget(ends[0]); });
  loop->call_after("end", milliseconds{20}, [&] { loop->stop(); });
  write_one();
  loop->run();
  BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_SUITE_END()
