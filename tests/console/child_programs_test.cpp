#include "tools/console/child_programs.hpp"

#include <boost/test/unit_test.hpp>

#include "tools/console/background.hpp"

using namespace penstock::console;
using penstock::client::secret_text;

namespace {

struct loop_fixture {
  std::unique_ptr<event_loop> loop = std::move(event_loop::make({}, [](int) {}).value());
  std::string lines;
  program_runner::outcome end;

  void run(const std::string& program, const std::vector<std::string>& arguments, const std::string& input = {}) {
    child_programs programs{*loop, program};
    const auto started = programs.start(
        arguments, secret_text::copy_of(input), [this](const std::string& line) { lines += line + "|"; },
        [this](const program_runner::outcome& what) {
          end = what;
          loop->stop();
        });
    BOOST_REQUIRE(started.ok());
    loop->run();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(child_processes, loop_fixture)

BOOST_AUTO_TEST_CASE(gives_input_and_tells_lines_output_and_the_exit_code) {
  run("/bin/sh", {"-c", "read secret; echo \"got $secret\"; echo one >&2; echo two >&2; exit 3"}, "staple");
  BOOST_TEST(end.output == "got staple\n");
  BOOST_TEST(lines == "one|two|");
  BOOST_TEST(end.exit_code == 3);
}

BOOST_AUTO_TEST_CASE(leaves_out_lines_and_output_beyond_their_limits) {
  run("/bin/sh",
      {"-c", "head -c 6000000 /dev/zero; head -c 100000 /dev/zero | tr '\\0' x >&2; echo >&2; echo end >&2"});
  BOOST_TEST(end.output.size() < child_programs::most_output_bytes + 5000);
  BOOST_TEST(lines == "end|");
}

BOOST_AUTO_TEST_CASE(interrupts_what_still_runs_when_it_goes) {
  const auto begin = std::chrono::steady_clock::now();
  {
    child_programs programs{*loop, "/bin/sh"};
    BOOST_REQUIRE(programs
                      .start(
                          {"-c", "exec sleep 60"}, {}, [](const auto&) {}, [](const auto&) {})
                      .ok());
  }
  BOOST_TEST((std::chrono::steady_clock::now() - begin < child_programs::longest_farewell));
}

BOOST_AUTO_TEST_CASE(says_that_there_is_no_such_program) {
  child_programs programs{*loop, "/nowhere/penstock"};
  BOOST_TEST(!programs
                  .start(
                      {}, {}, [](const auto&) {}, [](const auto&) {})
                  .ok());
}

BOOST_AUTO_TEST_CASE(works_in_a_thread_and_finishes_in_the_loop) {
  background thread{*loop};
  std::string order;
  const auto here = std::this_thread::get_id();
  for (const char name : {'a', 'b', 'c'})
    BOOST_REQUIRE(thread.run([&, name]() -> background::finish {
      const bool elsewhere = std::this_thread::get_id() != here;
      return [&, name, elsewhere] {
        order += elsewhere ? name : '!';
        if (name == 'c') loop->stop();
      };
    }));
  loop->run();
  BOOST_TEST(order == "abc");
}

BOOST_AUTO_TEST_SUITE_END()
