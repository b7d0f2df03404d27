#include "tools/console/found_patients.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::console;
using nlohmann::json;
using penstock::messages::search_outcome;

namespace {

struct found_fixture {
  found_patients found;
  line_outcomes outcomes{4, {{"ch", {0, 1, 2, 3}}, {"gh", {0, 1, 2, 3}}}};
  const std::vector<std::string> lines{"0042", "C7", "0042", "x*"};

  static json match(const std::string& mrn, const std::string& name = "Doe^Jane") {
    return {{"PatientID", mrn},    {"IssuerOfPatientID", "GH"},
            {"PatientName", name}, {"PatientBirthDate", "19610402"},
            {"PatientSex", "F"},   {"studies", 3},
            {"pacs", "gh"},        {"institution", "General"}};
  }
  void learn(const std::string& pacs, std::vector<json> matches, std::vector<search_news::line> said) {
    for (const auto& one : said) outcomes.learn(one.number, pacs, one.outcome, one.why);
    outcomes.count();
    found.learn({pacs, matches, std::move(said)}, lines, outcomes);
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> all;
    for (row_store::slot at = 0; at < found.rows().end_slot(); ++at)
      if (found.rows().is_row(at)) all.push_back(found.rows().id(at));
    return all;
  }
  /// "1 found 0042", in the order of lines.
  std::set<std::string> rows() const {
    std::set<std::string> all;
    for (const auto& id : ids()) {
      const auto text = [&](patient_value which) {
        return std::string{found.rows().value(*found.rows().find(id), static_cast<std::size_t>(which))};
      };
      all.insert(text(patient_value::line) + " " + text(patient_value::outcome) + " " + text(patient_value::mrn) + " " +
                 text(patient_value::pacs));
    }
    return all;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(patients_found, found_fixture)

BOOST_AUTO_TEST_CASE(has_a_row_for_each_line_and_pacs) {
  learn("gh", {match("0042")},
        {{0, search_outcome::found, "0042", ""},
         {1, search_outcome::invalid, "", "not an MRN"},
         {2, search_outcome::duplicate, "", "stands further up"},
         {3, search_outcome::invalid, "", "not an MRN"}});
  learn("ch", {},
        {{0, search_outcome::unavailable, "0042", "refused"},
         {1, search_outcome::not_found, "C7", "no such patient"},
         {2, search_outcome::duplicate, "", "stands further up"},
         {3, search_outcome::invalid, "", "not an MRN"}});
  const std::set<std::string> expected{"1 found 0042 gh", "1 unavailable 0042 ch", "2 not_found C7 ch",
                                       "3 duplicate 0042 ", "4 invalid x* "};
  BOOST_TEST(rows() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(does_not_judge_a_line_before_every_pacs_has) {
  learn("gh", {}, {{3, search_outcome::not_permitted, "", "not in the cohort"}});
  BOOST_TEST(rows().empty());
  learn("ch", {}, {{3, search_outcome::invalid, "", "not an MRN"}});
  BOOST_REQUIRE(rows().size() == 1U);
  BOOST_TEST(*rows().begin() == "4 not_permitted x* ");
}

BOOST_AUTO_TEST_CASE(shows_a_match_before_its_line_is_told) {
  learn("gh", {match("0042")}, {});
  BOOST_TEST(*rows().begin() == " found 0042 gh");
  learn("gh", {}, {{0, search_outcome::found, "0042", ""}});
  BOOST_TEST(*rows().begin() == "1 found 0042 gh");
}

BOOST_AUTO_TEST_CASE(forgets_that_a_pacs_was_away_once_it_has_answered) {
  learn("gh", {}, {{0, search_outcome::unavailable, "0042", "down"}});
  BOOST_TEST(*rows().begin() == "1 unavailable 0042 gh");
  learn("gh", {match("0042")}, {{0, search_outcome::found, "0042", ""}});
  BOOST_TEST(rows().size() == 1U);
  BOOST_TEST(*rows().begin() == "1 found 0042 gh");
}

BOOST_AUTO_TEST_CASE(keeps_two_names_under_one_number_apart) {
  learn("gh", {match("0042"), match("0042", "Doe^John")}, {{0, search_outcome::truncated, "0042", "has more"}});
  BOOST_TEST(rows().size() == 2U);  // two that read alike, and the line that says there is more
  BOOST_TEST(ids().size() == 3U);
}

BOOST_AUTO_TEST_CASE(chooses_each_patient_at_the_pacs_where_it_was_found) {
  learn("gh", {match("0042"), match("0043")}, {{1, search_outcome::not_found, "C7", "no"}});
  learn("ch", {match("0042")}, {});
  const auto chosen = found.choose(ids());
  BOOST_TEST(chosen.unfound == 1U);
  BOOST_REQUIRE(chosen.mrns.size() == 2U);
  BOOST_TEST(chosen.at.at("gh").size() == 2U);
  BOOST_TEST(chosen.at.at("ch").size() == 1U);
  BOOST_TEST(chosen.mrns[chosen.at.at("ch")[0]] == "0042");
}

BOOST_AUTO_TEST_SUITE_END()
