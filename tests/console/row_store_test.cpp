#include "tools/console/row_store.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

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

BOOST_AUTO_TEST_CASE(keeps_a_shared_value_once_and_lets_go_of_it) {
  text_pool pool;
  const auto first = pool.keep("rate reached");
  BOOST_TEST(pool.keep("rate reached") == first);
  BOOST_TEST(pool.size() == 1U);
  pool.release(first);
  BOOST_TEST(pool.at(first) == "rate reached");
  pool.release(first);
  BOOST_TEST(pool.size() == 0U);
  BOOST_TEST(pool.keep("another") == first);
}

BOOST_AUTO_TEST_CASE(reads_shared_values_as_it_reads_others) {
  row_store shared{{3, {0, 2}, 0}};
  row_store plain{row_shape{3, {}, 0}};
  std::mt19937 random{11};
  const auto some_text = [&] { return std::string(random() % 12, static_cast<char>('a' + random() % 3)); };
  for (int step = 0; step < 3000; ++step) {
    const auto id = std::to_string(random() % 40);
    const auto choice = random() % 4;
    const std::vector values{some_text(), some_text(), some_text()};
    for (auto* one : {&shared, &plain}) {
      if (choice == 0)
        one->erase(id);
      else if (choice == 1)
        one->set(id, step % 3, values[0]);
      else
        BOOST_TEST(one->put(id, values));
    }
    BOOST_REQUIRE(shared.counts() == plain.counts());
    BOOST_REQUIRE(shared.version() == plain.version());
    const auto at = shared.find(id);
    BOOST_REQUIRE(at == plain.find(id));
    for (std::size_t column = 0; at && column < 3; ++column)
      BOOST_REQUIRE(shared.value(*at, column) == plain.value(*at, column));
  }
  shared.clear();
  BOOST_TEST(shared.counts().empty());
}

BOOST_AUTO_TEST_SUITE_END()
