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

BOOST_AUTO_TEST_CASE(takes_the_column_that_the_user_names) {
  BOOST_TEST(parse_input_list("Nummer,Alt\n1,0007\n", mrn_headings(), "alt").value().front().reveal() == "0007");
  auto none = parse_input_list("Nummer,Alt\n1,2\n", mrn_headings(), "neu");
  BOOST_REQUIRE(!none.ok());
  BOOST_TEST(none.error().context.find("'Nummer', 'Alt'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(asks_which_column_when_no_heading_is_known) {
  auto unclear = parse_input_list("Name,Number\nDoe,0007\n", mrn_headings());
  BOOST_REQUIRE(!unclear.ok());
  BOOST_TEST(unclear.error().context.find("--column") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(reads_values_with_line_breaks_beside_them) {
  check("note;mrn\r\n\"two\r\nlines\";0007\r\nnone;0008\r\n", {"0007", "0008"});
  check("1\r2\r", {"1", "2"});
}

BOOST_AUTO_TEST_CASE(says_when_a_spreadsheet_has_rounded_a_number) {
  BOOST_TEST(!parse_input_list("mrn\n1.23457E+11\n", mrn_headings()).ok());
  check("1E5\nE+1\n", {"1E5", "E+1"});
}

BOOST_AUTO_TEST_CASE(reads_what_spreadsheets_save_as_unicode_text) {
  const auto wide = [](std::string_view text, bool big) {
    std::string bytes = big ? "\xfe\xff" : "\xff\xfe";
    for (const char c : text) bytes += big ? std::string{'\0', c} : std::string{c, '\0'};
    return bytes;
  };
  BOOST_TEST(utf8_text(wide("mrn\r\n0042", false)).value() == "mrn\r\n0042");
  BOOST_TEST(utf8_text(wide("0042", true)).value() == "0042");
  BOOST_TEST(utf8_text(std::string{"\xff\xfe\xfc\x00\x3d\xd8\x00\xde", 8}).value() == "\xc3\xbc\xf0\x9f\x98\x80");
  BOOST_TEST(utf8_text("\xef\xbb\xbf"
                       "1")
                 .value() == "1");
  BOOST_TEST(!utf8_text("PK\x03\x04 workbook").ok());
  BOOST_TEST(!utf8_text(std::string{"1\0"
                                    "2",
                                    3})
                  .ok());
}

BOOST_AUTO_TEST_CASE(takes_apart_what_was_pasted_into_one_argument) {
  const std::vector<std::string> pasted{"0001 0002\n0003", "0004,0005;"};
  BOOST_TEST((split_pasted(pasted) == std::vector<std::string>{"0001", "0002", "0003", "0004", "0005"}));
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
  for (const auto* text : {"2009-02-30", "20091301", "2012-01-01..2009-01-01", "..", "-", "", "yesterday", "209",
                           "2009-13", "2009-1-1", "2012..2009"})
    BOOST_TEST(range_of(text) == "refused", text);
}

BOOST_AUTO_TEST_CASE(takes_a_year_or_a_month_for_all_their_days) {
  BOOST_TEST(range_of("2009") == "20090101-20091231");
  BOOST_TEST(range_of("2012-02") == "20120201-20120229");
  BOOST_TEST(range_of("2009..2012") == "20090101-20121231");
  BOOST_TEST(range_of("2009..") == "20090101-");
  BOOST_TEST(range_of("2009-06..2009-06-15") == "20090601-20090615");
}

BOOST_AUTO_TEST_CASE(takes_modalities_in_capitals_only) {
  BOOST_TEST((parse_modalities("MR, CT").value() == std::vector<std::string>{"MR", "CT"}));
  BOOST_TEST(!parse_modalities("mr").ok());
  BOOST_TEST(!parse_modalities("MR\\CT").ok());
}

BOOST_AUTO_TEST_SUITE_END()
