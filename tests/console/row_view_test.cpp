#include "tools/console/row_view.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

using namespace penstock::console;

namespace {

struct view_fixture {
  std::vector<column_spec> columns{
      {"Accession"}, {"Modality"}, {"Size", value_kind::number}, {"Date", value_kind::time}};
  row_store rows{4};
  row_view view{rows, columns};

  view_fixture() {
    rows.put("1", {"a3", "CT", "1000", "2010-01-01"});
    rows.put("2", {"a1", "MR", "200", "2011-06-01"});
    rows.put("3", {"a2", "CT", "9", "2012-12-31"});
    rows.put("4", {"a4", "US", "", ""});
  }
  std::string order() {
    view.refresh();
    std::string ids;
    for (const auto at : view.order()) ids += rows.id(at);
    return ids;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(row_views, view_fixture)

BOOST_AUTO_TEST_CASE(sorts_texts_and_numbers_both_ways) {
  BOOST_TEST(order() == "2314");
  view.sort_by(2, false);
  BOOST_TEST(order() == "4321");
  view.sort_by(2, true);
  BOOST_TEST(order() == "1234");
}

BOOST_AUTO_TEST_CASE(filters_with_and_across_columns_and_or_within_one) {
  row_filter filter;
  filter.values[1] = {"CT", "MR"};
  view.set_filter(filter);
  BOOST_TEST(order() == "231");
  filter.ranges[2] = {100, 2000};
  view.set_filter(filter);
  BOOST_TEST(order() == "21");
  filter.text = "A3";
  view.set_filter(filter);
  BOOST_TEST(order() == "1");
  filter = {};
  filter.lists[0] = {"a4", "a2"};
  view.set_filter(filter);
  BOOST_TEST(order() == "34");
}

BOOST_AUTO_TEST_CASE(counts_what_the_other_filters_accept) {
  row_filter filter;
  filter.values[1] = {"CT"};
  view.set_filter(filter);
  auto modalities = view.count(1);
  BOOST_REQUIRE(modalities.values.size() == 3U);
  BOOST_TEST(modalities.values[0].first == "CT");
  BOOST_TEST(modalities.values[0].second == 2U);
  filter.ranges[2] = {0, 10};
  view.set_filter(filter);
  modalities = view.count(1);
  BOOST_TEST(modalities.values[0].second == 1U);
  const auto sizes = view.count(2);
  BOOST_TEST(sizes.least == 9);
  BOOST_TEST(sizes.greatest == 1000);
}

BOOST_AUTO_TEST_CASE(finds_the_place_of_a_row_after_changes) {
  BOOST_TEST(order() == "2314");
  rows.set("2", 0, "z9");
  BOOST_TEST(order() == "3142");
  BOOST_TEST(view.position_of("2").value() == 3U);
  rows.erase("1");
  BOOST_TEST(order() == "342");
  BOOST_TEST(!view.position_of("1"));
}

BOOST_AUTO_TEST_CASE(merging_changes_in_gives_what_sorting_all_gives) {
  std::mt19937 random{7};
  row_store many{4};
  row_view merged{many, columns};
  merged.sort_by(2, true);
  for (int step = 0; step < 300; ++step) {
    const auto id = std::to_string(random() % 120);
    if (random() % 5 == 0)
      many.erase(id);
    else
      many.put(id, {"a", random() % 2 ? "CT" : "MR", std::to_string(random() % 50), ""});
    if (random() % 3 != 0) continue;
    merged.refresh();
    row_view fresh{many, columns};
    fresh.sort_by(2, true);
    fresh.refresh();
    BOOST_REQUIRE(merged.order() == fresh.order());
  }
}

BOOST_AUTO_TEST_CASE(measures_dates_in_days) {
  BOOST_TEST(measure_of(value_kind::time, "1970-01-02").value() == 1);
  BOOST_TEST(measure_of(value_kind::time, "19700103").value() == 2);
  BOOST_TEST(measure_of(value_kind::time, "1970-01-04T10:00:00Z").value() == 3);
  BOOST_TEST(!measure_of(value_kind::time, "soon"));
  BOOST_TEST(!measure_of(value_kind::number, "x"));
}

BOOST_AUTO_TEST_SUITE_END()
