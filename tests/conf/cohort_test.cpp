#include "conf/cohort.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/conf/scratch.hpp"

using namespace penstock::conf;
using penstock::messages::medical_record_number;
using penstock::messages::protected_text;

namespace {

medical_record_number mrn(std::string id, std::string issuer) {
  return {protected_text{std::move(id)}, protected_text{std::move(issuer)}};
}

fault only_fault(const std::string& text) {
  const auto read = parse_cohort(text, "cohort.csv");
  BOOST_REQUIRE_MESSAGE(read.faults.size() == 1U, text_of(read.faults));
  BOOST_TEST(!read.value);
  return read.faults[0];
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cohort)

BOOST_AUTO_TEST_CASE(reads_rows_with_and_without_names_of_columns) {
  for (const std::string names : {"", "issuer,mrn\n"}) {
    const auto read = parse_cohort("# rows: 2\n" + names + "MGH,0000001\n,77\n", "cohort.csv");
    BOOST_REQUIRE_MESSAGE(read.ok(), text_of(read.faults));
    BOOST_TEST(read.value->patients().size() == 2U);
    BOOST_TEST(read.value->has(mrn("0000001", "MGH")));
    BOOST_TEST(read.value->has(mrn("77", "")));
  }
}

BOOST_AUTO_TEST_CASE(keeps_the_subject_and_the_text) {
  const std::string text = "# rows: 1\nissuer,mrn,subject\nMGH,1,ALZ-001\n";
  const auto read = parse_cohort(text, "cohort.csv");
  BOOST_REQUIRE(read.ok());
  BOOST_TEST(read.value->find(mrn("1", "MGH"))->subject.reveal() == "ALZ-001");
  BOOST_TEST(read.value->text() == text);
}

BOOST_AUTO_TEST_CASE(compares_exactly) {
  const auto read = parse_cohort("# rows: 1\nMGH,0000001\n", "cohort.csv");
  BOOST_REQUIRE(read.ok());
  BOOST_TEST(!read.value->has(mrn("1", "MGH")));
  BOOST_TEST(!read.value->has(mrn("0000001", "mgh")));
  BOOST_TEST(!read.value->has(mrn("0000001", "")));
  BOOST_TEST(!read.value->has(mrn("0000001 ", "MGH")));
}

BOOST_AUTO_TEST_CASE(tolerates_duplicates_and_counts_them) {
  const auto read = parse_cohort("# rows: 4\nA,1\nA,2\nA,1\nA,1\n", "cohort.csv");
  BOOST_REQUIRE(read.ok());
  BOOST_TEST(read.value->patients().size() == 2U);
  BOOST_TEST(read.value->duplicates() == 2U);
}

BOOST_AUTO_TEST_CASE(tolerates_what_a_spreadsheet_writes) {
  const auto read = parse_cohort("\xef\xbb\xbf# rows: 1\r\nissuer,mrn\r\nMGH,1\r\n", "cohort.csv");
  BOOST_REQUIRE_MESSAGE(read.ok(), text_of(read.faults));
  BOOST_TEST(read.value->has(mrn("1", "MGH")));
}

BOOST_AUTO_TEST_CASE(accepts_an_empty_cohort_that_says_so) {
  const auto read = parse_cohort("# rows: 0\n", "cohort.csv");
  BOOST_TEST(read.ok());
}

BOOST_AUTO_TEST_CASE(refuses_a_file_that_ends_early) {
  const auto cut = only_fault("# rows: 3\nissuer,mrn\nMGH,1\nMGH,2\n");
  BOOST_TEST(cut.message == "the header announces 3 rows, the file has 2");
  const auto torn = only_fault("# rows: 2\nMGH,1\nMGH,2");
  BOOST_TEST(torn.line == 3U);
  BOOST_TEST(torn.message.find("newline") != std::string::npos);
  BOOST_TEST(only_fault("").message.find("newline") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(refuses_a_file_with_more_rows_than_announced) {
  BOOST_TEST(only_fault("# rows: 1\nMGH,1\nMGH,2\n").message == "the header announces 1 rows, the file has 2");
}

BOOST_AUTO_TEST_CASE(refuses_a_file_without_its_header) {
  for (const auto* text :
       {"issuer,mrn\nMGH,1\n", "# rows:1\nMGH,1\n", "# rows: \n", "# rows: 1 \nA,1\n", "# rows: -1\n"})
    BOOST_TEST(only_fault(text).message == "expected \"# rows: N\" as the first line", text);
}

BOOST_AUTO_TEST_CASE(names_line_and_column_of_a_bad_value_and_never_the_value) {
  const auto read = parse_cohort("# rows: 4\nMGH,123*\nM?,1\nMGH,12\\3\nMGH,\n", "cohort.csv");
  BOOST_REQUIRE(read.faults.size() == 4U);
  BOOST_TEST(read.faults[0].text() ==
             "cohort.csv:2:5: mrn: expected 1 to 64 bytes without quotes, wildcard, backslash, control character or "
             "outer space");
  BOOST_TEST(read.faults[1].column == 1U);
  BOOST_TEST(read.faults[3].line == 5U);
  BOOST_TEST(text_of(read.faults).find("123") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(refuses_rows_with_other_columns) {
  BOOST_TEST(only_fault("# rows: 2\nissuer,mrn\nMGH,1\nMGH\n").line == 4U);
  BOOST_TEST(only_fault("# rows: 2\nissuer,mrn\nMGH,1\nMGH,2,S\n").line == 4U);
  BOOST_TEST(only_fault("# rows: 1\nissuer,mrn,subject\nMGH,1\n").line == 3U);
  BOOST_TEST(only_fault("# rows: 2\nMGH,1\n\n").line == 3U);
}

BOOST_AUTO_TEST_CASE(finds_any_of_a_hundred_thousand) {
  std::string text = "# rows: 100000\n";
  for (int i = 0; i < 100'000; ++i) text += "MGH," + std::to_string(10'000'000 - i * 7) + "\n";
  const auto read = parse_cohort(std::move(text), "cohort.csv");
  BOOST_REQUIRE(read.ok());
  BOOST_TEST(read.value->patients().size() == 100'000U);
  BOOST_TEST(read.value->has(mrn("10000000", "MGH")));
  BOOST_TEST(read.value->has(mrn(std::to_string(10'000'000 - 99'999 * 7), "MGH")));
  BOOST_TEST(!read.value->has(mrn("9999999", "MGH")));
}

BOOST_AUTO_TEST_CASE(refuses_more_rows_than_its_limit) {
  std::string text = "# rows: 1000001\n";
  for (std::size_t i = 0; i <= max_cohort_rows; ++i) text += "A,1\n";
  const auto problem = only_fault(text);
  BOOST_TEST(problem.message == "more than 1000000 rows");
}

BOOST_AUTO_TEST_CASE(refuses_a_file_that_is_missing) {
  const penstock::test::scratch directory;
  const auto read = load_cohort(directory.root() / "absent.csv");
  BOOST_REQUIRE(read.faults.size() == 1U);
  BOOST_TEST(read.faults[0].message.find("cannot be read") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
