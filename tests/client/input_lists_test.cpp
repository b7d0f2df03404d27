#include "tools/penstock/input_lists.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::commands;
using penstock::messages::errc;

namespace {

std::vector<std::string> listed(std::string_view text) {
  auto values = parse_input_list(text, mrn_headings());
  BOOST_REQUIRE(values.ok());
  std::vector<std::string> revealed;
  for (const auto& value : *values) revealed.push_back(value.reveal());
  return revealed;
}

void check(std::string_view text, const std::vector<std::string>& expected) {
  const auto found = listed(text);
  BOOST_CHECK_EQUAL_COLLECTIONS(found.begin(), found.end(), expected.begin(), expected.end());
}

std::string range_of(std::string_view text) {
  auto range = parse_date_range(text);
  return range ? *range : "refused";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(input_lists)

BOOST_AUTO_TEST_CASE(keeps_leading_zeros_duplicates_and_order) {
  check("0000123\n123\n0000123\n", {"0000123", "123", "0000123"});
}

BOOST_AUTO_TEST_CASE(ignores_blank_lines_comments_byte_order_mark_and_carriage_returns) {
  check("\xef\xbb\xbf# list of Monday\r\n\r\n  0042 \r\n\t\r\n77", {"0042", "77"});
}

BOOST_AUTO_TEST_CASE(takes_the_column_that_a_csv_heading_names) {
  check("Name,Patient ID,Sex\n\"Doe, Jane\",0007,F\nRoe,\"00\"\"8\",M\n", {"0007", "00\"8"});
  check("subject;MRN\n1;0009\n", {"0009"});
  check("mrn\n1\n", {"1"});
}

BOOST_AUTO_TEST_CASE(takes_the_first_column_without_a_heading) { check("0001,MGH\n0002,MGH\n", {"0001", "0002"}); }

BOOST_AUTO_TEST_CASE(keeps_a_line_without_the_wanted_column_as_an_empty_value) {
  check("name,mrn\nDoe\nRoe,5\n", {"", "5"});
}

BOOST_AUTO_TEST_CASE(passes_on_what_the_server_shall_refuse) { check("12*\n9\\8\n", {"12*", "9\\8"}); }

BOOST_AUTO_TEST_CASE(refuses_a_list_over_the_limit) {
  std::string text;
  for (std::size_t i = 0; i < most_input_lines; ++i) text += "1\n";
  BOOST_TEST(listed(text).size() == most_input_lines);
  auto over = parse_input_list(text + "1\n", mrn_headings());
  BOOST_REQUIRE(!over.ok());
  BOOST_TEST(static_cast<int>(over.error().code) == static_cast<int>(errc::too_large));
}

BOOST_AUTO_TEST_CASE(reads_days_and_ranges_in_both_spellings) {
  BOOST_TEST(range_of("2009-01-01..2012-01-01") == "20090101-20120101");
  BOOST_TEST(range_of("20090101-20120101") == "20090101-20120101");
  BOOST_TEST(range_of("2009-01-01-2012-01-01") == "20090101-20120101");
  BOOST_TEST(range_of("2009-01-01") == "20090101");
  BOOST_TEST(range_of("20090101-") == "20090101-");
  BOOST_TEST(range_of("..2012-01-01") == "-20120101");
}

BOOST_AUTO_TEST_CASE(refuses_days_that_no_calendar_has_and_ranges_that_run_backwards) {
  for (const auto* text :
       {"2009-02-30", "20091301", "2012-01-01..2009-01-01", "..", "-", "", "yesterday", "2009", "2009-1-1"})
    BOOST_TEST(range_of(text) == "refused", text);
}

BOOST_AUTO_TEST_CASE(takes_modalities_in_capitals_only) {
  BOOST_TEST((parse_modalities("MR, CT").value() == std::vector<std::string>{"MR", "CT"}));
  BOOST_TEST(!parse_modalities("mr").ok());
  BOOST_TEST(!parse_modalities("MR\\CT").ok());
}

BOOST_AUTO_TEST_SUITE_END()
