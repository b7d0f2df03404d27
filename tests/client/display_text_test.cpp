#include "tools/penstock/display_text.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::commands;

BOOST_AUTO_TEST_SUITE(display_text)

BOOST_AUTO_TEST_CASE(shows_control_characters_in_place_of_obeying_them) {
  BOOST_TEST(printable("a\x1b[2Jb\r\n\tc\x7f") == "a\\x1b[2Jb\\x0d\\x0a\\x09c\\x7f");
  BOOST_TEST(printable("\xc2\x9b"
                       "31m") == "\\x9b31m");
  BOOST_TEST(printable("safe\u202egnp.exe") == "safe\\u202egnp.exe");
  BOOST_TEST(printable(std::string_view{"a\0b", 3}) == "a\\x00b");
}

BOOST_AUTO_TEST_CASE(replaces_bytes_that_are_not_utf8) {
  BOOST_TEST(printable("a\xff\xc3") == "a\ufffd\ufffd");
  BOOST_TEST(printable("\xc0\xaf") == "\ufffd\ufffd");
  BOOST_TEST(printable("\xed\xa0\x80") == "\ufffd\ufffd\ufffd");
  BOOST_TEST(printable("\xe5\xb1\xb1\xf0\x9f\x98\x80") == "\xe5\xb1\xb1\xf0\x9f\x98\x80");
}

BOOST_AUTO_TEST_CASE(counts_columns_and_not_bytes) {
  BOOST_TEST(display_width("Buc^J\u00e9r\u00f4me") == 10u);
  BOOST_TEST(display_width("\u5c71\u7530") == 4u);
  BOOST_TEST(display_width("e\u0301") == 1u);
  BOOST_TEST(display_width("") == 0u);
}

BOOST_AUTO_TEST_CASE(cuts_between_characters_and_says_so) {
  BOOST_TEST(fitted("Radiology", 20) == "Radiology");
  BOOST_TEST(fitted("Radiology", 5) == "Radi\u2026");
  BOOST_TEST(fitted("\u5c71\u7530\u592a\u90ce", 4) == "\u5c71\u2026");
  BOOST_TEST(fitted("abc", 0).empty());
}

BOOST_AUTO_TEST_SUITE_END()
