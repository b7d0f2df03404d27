#include "tools/penstock/exit_code.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace penstock::commands;
using penstock::messages::errc;

BOOST_AUTO_TEST_SUITE(exit_codes)

BOOST_AUTO_TEST_CASE(tells_what_kind_of_failure_it_was) {
  const auto code = [](errc of) { return static_cast<int>(exit_code_of(of)); };
  BOOST_TEST(code(errc::none) == 0);
  BOOST_TEST(code(errc::io_error) == 1);
  BOOST_TEST(code(errc::bad_request) == 2);
  BOOST_TEST(code(errc::bad_configuration) == 2);
  BOOST_TEST(code(errc::authentication_failed) == 4);
  BOOST_TEST(code(errc::timed_out) == 5);
  BOOST_TEST(code(errc::not_found) == 6);
  BOOST_TEST(code(errc::not_permitted) == 6);
}

BOOST_AUTO_TEST_CASE(are_all_listed_in_the_help) {
  const auto help = exit_code_help();
  for (const auto* listed :
       {"0 ok", "1 failed", "2 wrong", "3 finished", "4 verification", "5 server", "6 not found", "7 interrupted"})
    BOOST_TEST(help.find(listed) != std::string::npos, listed);
}

BOOST_AUTO_TEST_SUITE_END()
