#include "tools/console/row_store.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::console;

BOOST_AUTO_TEST_SUITE(row_stores)

BOOST_AUTO_TEST_CASE(keeps_each_value_of_a_row) {
  row_store rows{3};
  BOOST_TEST(rows.put("a", {"1", "", "three"}));
  const auto at = rows.find("a").value();
  BOOST_TEST(rows.value(at, 0) == "1");
  BOOST_TEST(rows.value(at, 1) == "");
  BOOST_TEST(rows.value(at, 2) == "three");
  BOOST_TEST(rows.set("a", 1, "longer than before"));
  BOOST_TEST(rows.value(at, 0) == "1");
  BOOST_TEST(rows.value(at, 1) == "longer than before");
  BOOST_TEST(rows.value(at, 2) == "three");
  BOOST_TEST(rows.set("a", 1, ""));
  BOOST_TEST(rows.value(at, 2) == "three");
  BOOST_TEST(!rows.set("b", 1, "x"));
}

BOOST_AUTO_TEST_CASE(is_not_confused_by_its_own_separator) {
  row_store rows{2};
  rows.put("a", {"x\x1fy", "z"});
  BOOST_TEST(rows.value(rows.find("a").value(), 0) == "x y");
  BOOST_TEST(rows.value(rows.find("a").value(), 1) == "z");
}

BOOST_AUTO_TEST_CASE(tells_what_was_touched) {
  row_store rows{1};
  rows.put("a", {"1"});
  rows.put("b", {"1"});
  const auto before = rows.version();
  rows.put("a", {"1"});
  BOOST_TEST(rows.version() == before);
  rows.set("b", 0, "2");
  rows.set("b", 0, "3");
  BOOST_TEST(rows.touched_since(before)->size() == 1U);
  rows.erase("a");
  BOOST_TEST(rows.touched_since(before)->size() == 2U);
  BOOST_TEST(!rows.find("a"));
  BOOST_TEST(rows.size() == 1U);
}

BOOST_AUTO_TEST_CASE(has_limits) {
  row_store rows{1};
  for (std::size_t i = 0; i < row_store::most_rows; ++i) rows.put(std::to_string(i), {"x"});
  BOOST_TEST(!rows.put("one more", {"x"}));
  BOOST_TEST(rows.put("7", {"y"}));
  BOOST_TEST(!rows.touched_since(0));
  rows.erase("7");
  BOOST_TEST(rows.put("one more", {"x"}));
  rows.clear();
  BOOST_TEST(rows.size() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
