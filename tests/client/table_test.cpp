#include "tools/penstock/table.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::commands;

BOOST_AUTO_TEST_SUITE(table_drawing)

BOOST_AUTO_TEST_CASE(aligns_columns_by_display_width) {
  table rows{{{"MRN"}, {"Name"}, {"Images", alignment::right}}};
  rows.add({"0000123", "\u5c71\u7530", "20"});
  rows.add({"7", "Smith", "1200"});
  BOOST_TEST(rows.text({}) ==
             "MRN      Name   Images\n"
             "0000123  \u5c71\u7530       20\n"
             "7        Smith    1200\n");
}

BOOST_AUTO_TEST_CASE(lets_no_escape_sequence_of_a_cell_reach_the_terminal) {
  table rows{{{"Name"}}};
  rows.add({"\x1b]0;owned\x07"});
  BOOST_TEST(rows.text({true, 0}).find("\x1b]") == std::string::npos);
  BOOST_TEST(rows.text({true, 0}).find('\x07') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(narrows_the_widest_column_to_fit_the_terminal) {
  table rows{{{"Id"}, {"Reason"}}};
  rows.add({"1", "the rate of this PACS is reached until 14:03:20"});
  const auto text = rows.text({false, 20});
  BOOST_TEST(text == "Id  Reason\n1   the rate of thi\u2026\n");
}

BOOST_AUTO_TEST_CASE(colours_only_when_asked_to) {
  table rows{{{"State"}}};
  rows.add({cell{"completed", tint::good}});
  BOOST_TEST(rows.text({}).find('\x1b') == std::string::npos);
  BOOST_TEST(rows.text({true, 0}).find("\x1b[32mcompleted\x1b[0m") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
