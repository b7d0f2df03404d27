#include "tools/penstock/list_columns.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <ctime>

using namespace penstock::commands;
using nlohmann::json;

namespace {

constexpr std::array columns{list_column{"mrn", "PatientID", "MRN"},
                             list_column{"study-date", "StudyDate", "Study date/time", column_kind::date},
                             list_column{"modality", "Modality", "Modality", column_kind::words},
                             list_column{"size", "bytes", "Size", column_kind::bytes},
                             list_column{"cached", "cached", "Cached", column_kind::time},
                             list_column{"images", "counts.received", "Images", column_kind::number},
                             list_column{"request", "id", "Request", column_kind::decimal},
                             list_column{"complete", "complete", "Complete", column_kind::flag, false},
                             list_column{"starts", "estimate", "Starts", column_kind::text, false, known_to::client}};

json where(const std::string& condition) {
  auto filter = parse_where({condition}, columns);
  return filter ? *filter : json(filter.error().context);
}

std::string fault(const std::string& condition) {
  auto filter = parse_where({condition}, columns);
  return filter ? "" : filter.error().context;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lists_of_columns)

BOOST_AUTO_TEST_CASE(finds_a_column_by_what_people_and_the_protocol_call_it) {
  for (const auto* name : {"study-date", "StudyDate", "study_date", "STUDYDATE", "Study date/time"})
    BOOST_TEST(find_column(columns, name)->name == "study-date", name);
  BOOST_TEST(find_column(columns, "nonsense") == nullptr);
}

BOOST_AUTO_TEST_CASE(reads_values_patterns_and_ranges) {
  BOOST_TEST(where("modality=MR, CT") == (json{{"Modality", {{"in", {"MR", "CT"}}}}}));
  BOOST_TEST(where("mrn~smi*") == (json{{"PatientID", {{"like", "smi*"}}}}));
  BOOST_TEST(where("mrn=0042") == (json{{"PatientID", {{"in", {"0042"}}}}}));
  BOOST_TEST(where("mrn=") == (json{{"PatientID", {{"in", {""}}}}}));
  BOOST_TEST(where("study-date=2009..2012-02") == (json{{"StudyDate", {{"from", "20090101"}, {"to", "20120229"}}}}));
  BOOST_TEST(where("study-date=2009-01-31") == (json{{"StudyDate", {{"from", "20090131"}, {"to", "20090131"}}}}));
  BOOST_TEST(where("size=10M..1.5GiB") == (json{{"bytes", {{"from", 10485760}, {"to", 1610612736}}}}));
  BOOST_TEST(where("images=3,4") == (json{{"counts.received", {{"in", {3, 4}}}}}));
  BOOST_TEST(where("images=3..") == (json{{"counts.received", {{"from", 3}}}}));
  BOOST_TEST(where("request=7..9") == (json{{"id", {{"from", "7"}, {"to", "9"}}}}));
  BOOST_TEST(where("complete=no") == (json{{"complete", {{"in", {false}}}}}));
}

BOOST_AUTO_TEST_CASE(takes_days_of_a_time_as_days_where_the_user_is) {
  ::setenv("TZ", "America/New_York", 1);
  ::tzset();
  BOOST_TEST(where("cached=2026-11-22") ==
             (json{{"cached", {{"from", "2026-11-22T05:00:00Z"}, {"to", "2026-11-23T04:59:59.999Z"}}}}));
  ::unsetenv("TZ");
  ::tzset();
}

BOOST_AUTO_TEST_CASE(names_the_columns_there_are_and_says_what_is_wrong) {
  BOOST_TEST(fault("modalty=MR").find("mrn, study-date, modality, size") != std::string::npos);
  BOOST_TEST(fault("modality").find("column=value") != std::string::npos);
  BOOST_TEST(fault("size=big").find("not a number") != std::string::npos);
  BOOST_TEST(fault("study-date=2009-02-30").find("study date") != std::string::npos);
  BOOST_TEST(fault("starts=now").find("cannot choose by starts") != std::string::npos);
  BOOST_TEST(!parse_where({"mrn=1", "PatientID=2"}, columns).ok());
  BOOST_TEST(!parse_sort({"mrn:down"}, columns).ok());
  BOOST_TEST(!parse_sort({"nonsense"}, columns).ok());
  BOOST_TEST(!chosen_columns(columns, "mrn,nonsense").ok());
}

BOOST_AUTO_TEST_CASE(sorts_by_several_columns) {
  BOOST_TEST(parse_sort({"mrn,size:desc", "images:asc"}, columns).value() ==
             json::parse(R"([["PatientID","asc"],["bytes","desc"],["counts.received","asc"]])"));
  const json rows{
      {{"PatientID", "2"}, {"bytes", 5}}, {{"PatientID", "1"}, {"bytes", 7}}, {{"PatientID", "2"}, {"bytes", 9}}};
  const auto sorted =
      filtered_and_sorted(rows, columns, json::object(), json::parse(R"([["PatientID","desc"],["bytes","desc"]])"))
          .value();
  BOOST_TEST(sorted == json::array({rows[2], rows[0], rows[1]}));
}

BOOST_AUTO_TEST_CASE(filters_words_in_an_array_as_the_server_does) {
  const json rows{{{"Modality", {"MR", "SR"}}}, {{"Modality", {"CT"}}}, {{"Modality", json::array()}}};
  const auto chosen = filtered_and_sorted(rows, columns, where("modality=SR,US"), json::array()).value();
  BOOST_TEST(chosen == json::array({rows[0]}));
}

BOOST_AUTO_TEST_CASE(shows_columns_that_were_chosen_in_that_order) {
  const auto chosen = chosen_columns(columns, "complete, mrn").value();
  BOOST_REQUIRE(chosen.size() == 2u);
  BOOST_TEST(chosen[0].name == "complete");
  BOOST_TEST(chosen_columns(columns, "").value().size() == columns.size() - 2);
}

BOOST_AUTO_TEST_CASE(gives_programs_the_value_and_people_the_sight_of_it) {
  const json row{{"bytes", 2048}, {"StudyDate", "20090131"}, {"Modality", {"MR", "SR"}}, {"PatientID", nullptr}};
  const auto both = [&](const char* name) {
    const auto& column = *find_column(columns, name);
    return raw_value(row, column) + "|" + drawn_value(row, column).text;
  };
  BOOST_TEST(both("size") == "2048|2 KiB");
  BOOST_TEST(both("study-date") == "20090131|2009-01-31");
  BOOST_TEST(both("modality") == "MR,SR|MR,SR");
  BOOST_TEST(both("mrn") == "|");
  BOOST_TEST(both("images") == "|");
}

BOOST_AUTO_TEST_SUITE_END()
