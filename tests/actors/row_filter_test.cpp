#include "actors/row_filter.hpp"

#include <array>
#include <boost/test/unit_test.hpp>

#include "actors/listing.hpp"
#include "messages/errc.hpp"

BOOST_AUTO_TEST_SUITE(row_filter)

using namespace penstock::actors;
using nlohmann::json;
using penstock::messages::errc;
using penstock::messages::page_options;

namespace {

constexpr std::array<std::string_view, 3> ranks{"low", "normal", "high"};
constexpr std::array fields{
    listed_field{"id", field_kind::decimal},       listed_field{"PatientName", field_kind::text},
    listed_field{"Modality", field_kind::words},   listed_field{"bytes", field_kind::number},
    listed_field{"cached", field_kind::time},      listed_field{"complete", field_kind::flag},
    listed_field{"priority", field_kind::ranked, ranks}, listed_field{"counts.failed", field_kind::number},
};
constexpr std::array<std::string_view, 1> ids{"id"};
constexpr listed_table table{"items", fields, R"([["id","asc"]])", ids};

const json item{{"id", "12"},
                {"PatientName", "Smith^Jane"},
                {"Modality", "CT,SR"},
                {"bytes", 1000},
                {"cached", "2026-03-08T12:00:00.500Z"},
                {"complete", true},
                {"priority", "normal"},
                {"counts", {{"failed", 2}}}};

bool accepts(std::string_view filter) {
  const auto parsed = penstock::actors::row_filter::parse(filter, fields);
  BOOST_REQUIRE(parsed.ok());
  return parsed->accepts(item);
}

std::string fault(std::string_view filter) {
  const auto parsed = penstock::actors::row_filter::parse(filter, fields);
  BOOST_REQUIRE(!parsed.ok());
  BOOST_TEST((parsed.error().code == errc::bad_request));
  return parsed.error().context;
}

std::string sort_fault(std::string_view sort) {
  const auto parsed = row_order::parse(sort, "[]", fields, ids);
  BOOST_REQUIRE(!parsed.ok());
  return parsed.error().context;
}

/// Ids of one page over `items`, and its cursor.
struct page {
  std::vector<std::string> ids;
  std::uint64_t total = 0;
  std::string next;
};

std::chrono::steady_clock::time_point no_time() { return {}; }

penstock::messages::result<page> read_page(const std::vector<json>& items, const page_options& options,
                                           const listing_budget& budget = {}, listing::clock now = no_time) {
  auto gathered = listing::open(options, table, budget, std::move(now));
  if (!gathered) return gathered.error();
  for (const auto& each : items) {
    if (!gathered->visit()) break;
    gathered->add(each);
  }
  auto text = gathered->finish();
  if (!text) return text.error();
  const auto answer = json::parse(*text);
  page read{{}, answer["total"], answer.value("next", "")};
  for (const auto& each : answer["items"]) read.ids.push_back(each["id"]);
  return read;
}

std::vector<json> numbered(int count) {
  std::vector<json> items;
  for (int i = 1; i <= count; ++i) items.push_back({{"id", std::to_string(i)}, {"bytes", i % 3}});
  return items;
}

page_options with_limit(std::uint32_t limit) {
  page_options options;
  options.limit = limit;
  return options;
}

}  // namespace

BOOST_AUTO_TEST_CASE(accepts_everything_without_a_filter) {
  BOOST_TEST(accepts(""));
  BOOST_TEST(accepts("{}"));
}

BOOST_AUTO_TEST_CASE(a_facet_accepts_any_of_its_values) {
  BOOST_TEST(accepts(R"({"PatientName":{"in":["Doe^John","Smith^Jane"]}})"));
  BOOST_TEST(!accepts(R"({"PatientName":{"list":["Doe^John"]}})"));
  BOOST_TEST(accepts(R"({"bytes":{"in":[1,1000]}})"));
  BOOST_TEST(accepts(R"({"id":{"in":["12"]}})"));
  BOOST_TEST(!accepts(R"({"id":{"in":[]}})"));
}

BOOST_AUTO_TEST_CASE(all_facets_must_accept) {
  BOOST_TEST(accepts(R"({"bytes":{"from":1},"PatientName":{"like":"smi*"}})"));
  BOOST_TEST(!accepts(R"({"bytes":{"from":1001},"PatientName":{"like":"smi*"}})"));
}

BOOST_AUTO_TEST_CASE(the_conditions_of_one_facet_are_alternatives) {
  BOOST_TEST(accepts(R"({"bytes":{"in":[5],"from":900,"to":1100}})"));
  BOOST_TEST(accepts(R"({"PatientName":{"in":["Doe^John"],"like":"*JANE"}})"));
}

BOOST_AUTO_TEST_CASE(bounds_are_included) {
  BOOST_TEST(accepts(R"({"bytes":{"from":1000,"to":1000}})"));
  BOOST_TEST(!accepts(R"({"bytes":{"to":999}})"));
  BOOST_TEST(accepts(R"({"counts.failed":{"from":2}})"));
  BOOST_TEST(accepts(R"({"bytes":{"to":1000.0}})"));
}

BOOST_AUTO_TEST_CASE(words_are_looked_at_one_by_one) {
  BOOST_TEST(accepts(R"({"Modality":{"in":["SR"]}})"));
  BOOST_TEST(accepts(R"({"Modality":{"like":"c*"}})"));
  BOOST_TEST(!accepts(R"({"Modality":{"in":["C","T,SR"]}})"));
}

BOOST_AUTO_TEST_CASE(times_compare_as_instants_and_a_day_counts_whole) {
  BOOST_TEST(accepts(R"({"cached":{"from":"2026-03-08T12:00:00Z","to":"2026-03-08T12:00:01Z"}})"));
  BOOST_TEST(!accepts(R"({"cached":{"to":"2026-03-08T12:00:00Z"}})"));
  BOOST_TEST(accepts(R"({"cached":{"from":"2026-03-08","to":"2026-03-08"}})"));
  BOOST_TEST(!accepts(R"({"cached":{"from":"2026-03-09"}})"));
}

BOOST_AUTO_TEST_CASE(ranked_words_compare_by_their_rank) {
  BOOST_TEST(accepts(R"({"priority":{"from":"normal","to":"high"}})"));
  BOOST_TEST(!accepts(R"({"priority":{"to":"low"}})"));
  BOOST_TEST(accepts(R"({"complete":{"in":[true]}})"));
}

BOOST_AUTO_TEST_CASE(an_absent_value_is_accepted_by_no_facet) {
  const auto parsed = penstock::actors::row_filter::parse(R"({"bytes":{"to":9}})", fields).value();
  BOOST_TEST(!parsed.accepts(json{{"id", "1"}}));
  BOOST_TEST(!parsed.accepts(json{{"bytes", nullptr}}));
  const auto early = penstock::actors::row_filter::parse(R"({"PatientName":{"to":"Z"}})", fields).value();
  BOOST_TEST(!early.accepts(json{{"PatientName", ""}}));
}

BOOST_AUTO_TEST_CASE(like_takes_stars_and_ignores_case) {
  BOOST_TEST(is_like("Smith^Jane", "smi*"));
  BOOST_TEST(is_like("Smith^Jane", "*TH*ne"));
  BOOST_TEST(is_like("", "*"));
  BOOST_TEST(is_like("abc", "abc"));
  BOOST_TEST(!is_like("abc", "ab"));
  BOOST_TEST(!is_like("abc", "*b"));
  BOOST_TEST(!is_like("abc", "a?c"));
}

BOOST_AUTO_TEST_CASE(a_pattern_of_many_stars_costs_little) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  BOOST_TEST(!is_like(std::string(1000, 'a'), pattern + "b"));
}

BOOST_AUTO_TEST_CASE(names_the_field_that_is_wrong) {
  BOOST_TEST(fault(R"({"Colour":{"in":["red"]}})") == "filter: Colour: no such field here");
  BOOST_TEST(fault(R"({"bytes":{"in":["12"]}})") == "filter: bytes: a value of the wrong type");
  BOOST_TEST(fault(R"({"bytes":{"from":1.5}})") == "filter: bytes: a bound of the wrong type");
  BOOST_TEST(fault(R"({"cached":{"from":"2026-02-30"}})") == "filter: cached: a bound of the wrong type");
  BOOST_TEST(fault(R"({"cached":{"from":"2026-02-20T25:00:00Z"}})") == "filter: cached: a bound of the wrong type");
  BOOST_TEST(fault(R"({"bytes":{"like":"1*"}})") == "filter: bytes: is not a text");
  BOOST_TEST(fault(R"({"bytes":{"near":1}})") == "filter: bytes: wants in, list, from, to or like");
  BOOST_TEST(fault(R"({"bytes":{}})") == "filter: bytes: wants an object with in, list, from, to or like");
  BOOST_TEST(fault(R"({"bytes":7})") == "filter: bytes: wants an object with in, list, from, to or like");
  BOOST_TEST(fault(R"({"complete":{"from":false}})") == "filter: complete: has no order");
  BOOST_TEST(fault(R"({"priority":{"in":["urgent"]}})") == "filter: priority: a value of the wrong type");
  BOOST_TEST(fault("[1]") == "filter: not a JSON object");
  BOOST_TEST(fault("{") == "filter: not a JSON object");
}

BOOST_AUTO_TEST_CASE(does_not_repeat_what_cannot_be_the_name_of_a_field) {
  BOOST_TEST(fault(R"({"Jane Smith 0012345":{"in":["red"]}})") == "filter: a field: no such field here");
}

BOOST_AUTO_TEST_CASE(limits_values_patterns_and_fields) {
  json many{{"bytes", {{"in", json::array()}}}};
  for (std::size_t i = 0; i <= penstock::actors::row_filter::most_listed_values; ++i) many["bytes"]["in"].push_back(i);
  BOOST_TEST(fault(many.dump()) == "filter: bytes: too many values");
  const json longest{{"PatientName", {{"like", std::string(257, 'a')}}}};
  BOOST_TEST(fault(longest.dump()) == "filter: PatientName: like wants a text of at most 256 bytes");
  json facets = json::object();
  for (std::size_t i = 0; i <= penstock::actors::row_filter::most_facets; ++i) facets["f" + std::to_string(i)] = {};
  BOOST_TEST(fault(facets.dump()) == "filter: too many fields");
}

BOOST_AUTO_TEST_CASE(refuses_an_order_that_makes_no_sense) {
  BOOST_TEST(sort_fault(R"([["Colour","asc"]])") == "sort: Colour: no such field here");
  BOOST_TEST(sort_fault(R"([["bytes","up"]])") == "sort: bytes: the direction is asc or desc");
  BOOST_TEST(sort_fault(R"([["bytes","asc"],["bytes","desc"]])") == "sort: bytes: named twice");
  BOOST_TEST(sort_fault(R"(["bytes"])") == "sort: wants pairs of field and direction");
  BOOST_TEST(sort_fault(R"({"bytes":"asc"})") == "sort: wants an array of at most 8 pairs of field and direction");
}

BOOST_AUTO_TEST_CASE(sorts_by_each_column_and_then_by_what_is_unique) {
  page_options options = with_limit(10);
  options.sort = R"([["bytes","desc"]])";
  const auto read = read_page(numbered(12), options).value();
  const std::vector<std::string> expected{"2", "5", "8", "11", "1", "4", "7", "10", "3", "6"};
  BOOST_TEST(read.ids == expected, boost::test_tools::per_element());
  BOOST_TEST(read.total == 12);
}

BOOST_AUTO_TEST_CASE(pages_meet_every_item_once) {
  auto options = with_limit(7);
  options.sort = R"([["bytes","asc"]])";
  std::vector<std::string> met;
  std::size_t pages = 0;
  do {
    const auto read = read_page(numbered(100), options).value();
    met.insert(met.end(), read.ids.begin(), read.ids.end());
    BOOST_TEST(read.total == 100);
    options.cursor = read.next;
    ++pages;
  } while (!options.cursor.empty());
  BOOST_TEST(pages == 15);
  BOOST_TEST(met.size() == 100);
  std::sort(met.begin(), met.end());
  BOOST_TEST((std::unique(met.begin(), met.end()) == met.end()));
}

BOOST_AUTO_TEST_CASE(a_page_goes_on_where_the_last_one_ended_although_items_have_gone) {
  auto options = with_limit(3);
  const auto before = read_page(numbered(9), options).value();
  options.cursor = before.next;
  auto left = numbered(9);
  left.erase(left.begin(), left.begin() + 3);
  const auto after = read_page(left, options).value();
  const std::vector<std::string> expected{"4", "5", "6"};
  BOOST_TEST(after.ids == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(refuses_a_cursor_that_this_listing_did_not_give) {
  auto options = with_limit(3);
  const auto given = read_page(numbered(9), options).value().next;
  const auto code_of = [](const page_options& with) {
    const auto read = read_page(numbered(9), with);
    return read ? errc::none : read.error().code;
  };
  for (const std::string garbage : {"x", "7b7d", "6e756c6c", "zz", "5b5b5b5b"}) {
    options.cursor = garbage;
    BOOST_TEST((code_of(options) == errc::bad_request));
  }
  options.cursor = std::string(longest_cursor_bytes + 2, 'a');
  BOOST_TEST((code_of(options) == errc::bad_request));
  options.cursor = given;
  BOOST_TEST((code_of(options) == errc::none));
  options.sort = R"([["bytes","asc"]])";
  BOOST_TEST((code_of(options) == errc::bad_request));
  options.cursor = spell_cursor("items\n\n" + options.sort, json::array({"not a number", 1}));
  BOOST_TEST((code_of(options) == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(a_page_ends_at_its_size_and_says_that_there_is_more) {
  std::vector<json> items;
  for (int i = 1; i <= 100; ++i)
    items.push_back({{"id", std::to_string(i)}, {"PatientName", std::string(10'000, 'a')}});
  const auto read = read_page(items, with_limit(100)).value();
  BOOST_TEST(read.ids.size() > 40);
  BOOST_TEST(read.ids.size() * 10'000 < (512u << 10));
  BOOST_TEST(!read.next.empty());
  items = {{{"id", "1"}, {"PatientName", std::string(1'000'000, 'a')}}, {{"id", "2"}}};
  BOOST_TEST(read_page(items, with_limit(100)).value().ids.size() == 1);
}

BOOST_AUTO_TEST_CASE(a_page_has_a_limit_of_items) {
  BOOST_TEST(read_page(numbered(6000), with_limit(100'000)).value().ids.size() == most_items_a_page);
  BOOST_TEST((read_page(numbered(6), with_limit(0)).error().code == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(stops_at_the_budget_of_rows) {
  BOOST_TEST(read_page(numbered(100), with_limit(5), {.most_rows = 100}).ok());
  BOOST_TEST((read_page(numbered(101), with_limit(5), {.most_rows = 100}).error().code == errc::too_large));
}

BOOST_AUTO_TEST_CASE(stops_at_the_budget_of_time) {
  std::chrono::steady_clock::time_point now;
  const auto ticking = [&now] { return now += std::chrono::seconds{4}; };
  BOOST_TEST(read_page(numbered(700), with_limit(5), {}, ticking).ok());
  BOOST_TEST((read_page(numbered(1000), with_limit(5), {}, ticking).error().code == errc::too_large));
}

BOOST_AUTO_TEST_SUITE_END()
