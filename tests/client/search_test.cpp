#include "tools/penstock/search.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::commands;
using nlohmann::json;

BOOST_AUTO_TEST_SUITE(searches)

BOOST_AUTO_TEST_CASE(goes_on_until_the_server_says_done) {
  search_findings findings;
  json args;
  const json first{{"search", "s1"},
                   {"done", false},
                   {"rows", {{{"input", "1"}, {"outcome", "found"}}}},
                   {"studies", {{{"StudyInstanceUID", "1.2"}}}},
                   {"next", 7}};
  BOOST_TEST(add_search_part(first, "studies", findings, args));
  BOOST_TEST(args == (json{{"search", "s1"}, {"cursor", 7}}));
  const json last{{"search", "s1"}, {"done", true}, {"rows", {{{"input", "2"}, {"outcome", "not_found"}}}}};
  BOOST_TEST(!add_search_part(last, "studies", findings, args));
  BOOST_TEST(findings.found.size() == 1u);
  BOOST_TEST(count_outcomes(findings.rows) == (json{{"found", 1}, {"not_found", 1}}));
}

BOOST_AUTO_TEST_CASE(fetches_the_last_page_of_a_search_that_is_done) {
  search_findings findings;
  json args;
  const json page{{"search", "s1"}, {"done", true}, {"studies", {{{"StudyInstanceUID", "1.2"}}}}, {"next", "c2"}};
  BOOST_TEST(add_search_part(page, "studies", findings, args));
  const json empty{{"search", "s1"}, {"done", true}, {"studies", json::array()}, {"next", "c3"}};
  BOOST_TEST(!add_search_part(empty, "studies", findings, args));
}

BOOST_AUTO_TEST_CASE(is_not_wholly_ok_when_a_line_was_not_found) {
  const json good{{{"outcome", "found"}}, {{"outcome", "duplicate"}}};
  BOOST_TEST((code_of_outcomes(good) == exit_code::ok));
  const json mixed{{{"outcome", "found"}}, {{"outcome", "not_permitted"}}};
  BOOST_TEST((code_of_outcomes(mixed) == exit_code::not_everything_ok));
}

BOOST_AUTO_TEST_SUITE_END()
