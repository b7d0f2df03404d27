#include "tools/penstock/csv.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::commands;

namespace {

std::vector<std::string> taken(std::string_view text, char separator = ',') {
  auto record = take_csv_record(text, separator);
  return record ? *record : std::vector<std::string>{"refused"};
}

using fields = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(comma_separated_values)

BOOST_AUTO_TEST_CASE(quotes_what_needs_it_and_changes_nothing) {
  BOOST_TEST(csv_record({"0042", "Doe, \"Jane\"", "a\nb", " x", ""}) ==
             "0042,\"Doe, \"\"Jane\"\"\",\"a\nb\",\" x\",\r\n");
  BOOST_TEST(csv_record({"=1+1", "-7", "@x"}) == "=1+1,-7,@x\r\n");
}

BOOST_AUTO_TEST_CASE(reads_back_what_it_wrote) {
  const fields written{"0042", "Doe, \"Jane\"", "a\r\nb", " x ", "", "J\xc3\xbcrgen"};
  BOOST_TEST((taken(csv_record(written)) == written));
}

BOOST_AUTO_TEST_CASE(takes_one_record_whatever_ends_it) {
  for (const auto* end : {"\n", "\r\n", "\r"}) {
    const auto text = std::string{"a;b"} + end + "c;d" + end;
    std::string_view rest{text};
    BOOST_TEST((take_csv_record(rest, ';').value() == fields{"a", "b"}));
    BOOST_TEST((take_csv_record(rest, ';').value() == fields{"c", "d"}));
    BOOST_TEST(rest.empty());
  }
  BOOST_TEST((taken("a\t\tb", '\t') == fields{"a", "", "b"}));
  BOOST_TEST((taken("a,") == fields{"a", ""}));
}

BOOST_AUTO_TEST_CASE(refuses_a_quote_that_is_never_closed) { BOOST_TEST((taken("1,\"2\n3\n") == fields{"refused"})); }

BOOST_AUTO_TEST_SUITE_END()
