#include "tools/console/data_table.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/console/golden.hpp"

using namespace penstock::console;

namespace {

struct table_fixture {
  row_store rows{3};
  data_table table{
      rows,
      {{"Accession", value_kind::text, 10}, {"Size", value_kind::number, 8}, {"Why", value_kind::text, 20}},
      [](std::size_t, std::string_view) { return role::plain; }};

  table_fixture() {
    for (int i = 0; i < 20; ++i)
      rows.put("r" + std::to_string(i), {"acc" + std::to_string(10 + i), std::to_string(i * 7 % 20), "O’Brien, 山田"});
    table.refresh();
  }
  void press(std::initializer_list<action> actions) {
    for (const auto one : actions) table.act(one);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(data_tables, table_fixture)

BOOST_AUTO_TEST_CASE(sums_the_marked_rows_again_only_when_one_has_changed) {
  int looks = 0;
  const auto sum = [&] {
    return table.sum_of_marked([&](const auto& ids) {
      ++looks;
      std::uint64_t bytes = 0;
      for (const auto& id : ids) bytes += std::stoull(std::string{rows.value(rows.find(id).value(), 1)});
      return bytes;
    });
  };
  press({action::down, action::mark, action::mark});
  BOOST_TEST(sum() == 7U + 14U);
  BOOST_TEST(sum() == 7U + 14U);
  BOOST_TEST(looks == 1);
  rows.set("r1", 1, "100");
  BOOST_TEST(sum() == 100U + 14U);
  rows.erase("r2");
  table.refresh();
  BOOST_TEST(sum() == 100U);
  press({action::clear_marks});
  BOOST_TEST(sum() == 0U);
}

BOOST_AUTO_TEST_CASE(takes_a_click_for_the_row_that_was_seen_there) {
  canvas on{60, 10};
  table.draw(on, on.all(), true);
  rows.put("new", {"acc00", "1", ""});
  table.refresh();
  on.send_mouse({mouse_kind::press, 1, 3, false});
  BOOST_TEST(table.cursor_id() == "r2");
  BOOST_TEST(table.chosen() == std::vector<std::string>{"r2"}, boost::test_tools::per_element());
  rows.erase("r4");
  table.refresh();
  on.send_mouse({mouse_kind::press, 1, 5, false});
  BOOST_TEST(table.cursor_id() == "r2");
}

BOOST_AUTO_TEST_CASE(keeps_the_cursor_and_the_marks_on_their_rows) {
  press({action::down, action::down, action::mark, action::mark});
  BOOST_TEST(table.cursor_id() == "r4");
  rows.set("r4", 0, "aaa");
  rows.erase("r0");
  rows.put("new", {"acc00", "1", ""});
  table.refresh();
  BOOST_TEST(table.cursor_id() == "r4");
  BOOST_TEST(table.chosen() == (std::vector<std::string>{"r2", "r3"}), boost::test_tools::per_element());
  rows.erase("r2");
  table.refresh();
  BOOST_TEST(table.chosen() == std::vector<std::string>{"r3"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(goes_to_the_next_row_when_its_own_is_gone) {
  press({action::down, action::down});
  rows.erase("r2");
  table.refresh();
  BOOST_TEST(table.cursor_id() == "r3");
  rows.clear();
  table.refresh();
  BOOST_TEST(table.cursor_id() == "");
  press({action::down, action::mark, action::extend_down, action::last, action::sort, action::invert_marks});
  BOOST_TEST(table.chosen().empty());
}

BOOST_AUTO_TEST_CASE(marks_ranges_and_inverts_what_is_shown) {
  press({action::extend_down, action::extend_down});
  BOOST_TEST(table.marked().size() == 3U);
  press({action::invert_marks});
  BOOST_TEST(table.marked().size() == 17U);
  row_filter filter;
  filter.text = "acc29";
  table.view().set_filter(filter);
  table.refresh();
  BOOST_TEST(table.marked_unseen() == 16U);
  press({action::clear_marks});
  BOOST_TEST(table.marked().empty());
}

BOOST_AUTO_TEST_CASE(sorts_by_the_column_under_the_cursor_and_by_a_click_on_a_heading) {
  canvas on{60, 8};
  press({action::next_column, action::sort, action::sort, action::first});
  BOOST_TEST(rows.value(rows.find(table.cursor_id()).value(), 1) == "19");
  table.draw(on, on.all(), true);
  on.send_mouse({mouse_kind::press, 5, 0, false});
  press({action::first});
  BOOST_TEST(table.cursor_id() == "r0");
}

BOOST_AUTO_TEST_CASE(takes_clicks_and_the_wheel) {
  canvas on{60, 8};
  table.draw(on, on.all(), true);
  on.send_mouse({mouse_kind::press, 10, 3, false});
  BOOST_TEST(table.cursor_id() == "r2");
  on.send_mouse({mouse_kind::press, 1, 4, false});
  BOOST_TEST(table.marked().contains("r3"));
  on.send_mouse({mouse_kind::press, 10, 6, true});
  BOOST_TEST(table.marked().size() == 3U);
  on.send_mouse({mouse_kind::wheel_down, 10, 6, false});
  BOOST_TEST(table.cursor_id() == "r8");
}

BOOST_AUTO_TEST_CASE(draws_only_what_is_seen) {
  canvas on{40, 8};
  press({action::down, action::mark, action::last});
  table.draw(on, on.all(), true);
  press({action::first, action::down, action::down});
  table.draw(on, on.all(), true);
  BOOST_TEST(testing::looks_like(on, "data_table"));
}

BOOST_AUTO_TEST_CASE(scrolls_sideways_and_hides_columns) {
  canvas on{24, 3};
  press({action::next_column, action::next_column});
  table.draw(on, on.all(), true);
  BOOST_TEST(on.text().find("Why") != std::string::npos);
  BOOST_TEST(on.text().find("Accession") == std::string::npos);
  press({action::hide_column});
  on.clear();
  table.draw(on, on.all(), true);
  BOOST_TEST(on.text().find("Why") == std::string::npos);
  BOOST_TEST(on.text().find("Accessi") != std::string::npos);
  press({action::show_columns});
}

BOOST_AUTO_TEST_CASE(copies_and_exports) {
  rows.put("r0", {"a,\"b\"", "1", ""});
  table.refresh();
  press({action::first});
  BOOST_TEST(table.value_at_cursor() == "a,\"b\"");
  BOOST_TEST(table.rows_as_text() == "Accession\tSize\tWhy\na,\"b\"\t1\t\n");
  BOOST_TEST(table.as_csv().rfind("Accession,Size,Why\r\n\"a,\"\"b\"\"\",1,\r\n", 0) == 0U);
}

BOOST_AUTO_TEST_CASE(takes_a_hundred_thousand_rows) {
  row_store many{3};
  for (std::size_t i = 0; i < row_store::most_rows; ++i)
    many.put(std::to_string(i), {"acc" + std::to_string(i * 7919 % 100'000), std::to_string(i), "x"});
  data_table large{many, table.columns(), [](std::size_t, std::string_view) { return role::plain; }};
  large.refresh();
  large.act(action::last);
  canvas on{80, 24};
  large.draw(on, on.all(), true);
  BOOST_TEST(on.text().find("acc99999") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
