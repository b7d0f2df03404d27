#include "conf/rules_queries.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/conf/rules_fixture.hpp"

using namespace penstock::conf;
using namespace penstock::test;
using namespace std::chrono_literals;
using penstock::messages::errc;

namespace {

struct fixture : rules_fixture {
  rules_ptr all = read(small_rules()).value;
  const penstock::conf::pacs& peer = all->pacs.at("gh-rad");

  [[nodiscard]] std::string normal(std::string_view input) const {
    const auto made = normalise_mrn(peer, input);
    return made.ok() ? made->issuer.reveal() + "/" + made->patient_id.reveal()
                     : std::string{name_of(made.error().code)};
  }
  [[nodiscard]] std::string answer(std::string_view id, std::string_view issuer) const {
    const auto made = mrn_of_answer(peer, id, issuer);
    return made.issuer.reveal() + "/" + made.patient_id.reveal();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(rules_queries, fixture)

BOOST_AUTO_TEST_CASE(finds_things_by_id) {
  BOOST_TEST(find_project(*all, "alz")->title == "Alzheimer");
  BOOST_TEST(find_project(*all, "other") == nullptr);
  BOOST_TEST(find_pacs(*all, "gh-rad") == &peer);
  BOOST_TEST(find_user(*all, "amy")->name == "Amy");
  BOOST_TEST(find_institution(*all, "gh")->name == "General Hospital");
  BOOST_TEST(user_of_key(*all, amy_key)->id == "amy");
  BOOST_TEST(user_of_key(*all, raj_key) == nullptr);
  BOOST_TEST(user_of_key(*all, "") == nullptr);
}

BOOST_AUTO_TEST_CASE(knows_members_roles_and_places) {
  const auto& approved = *find_project(*all, "alz");
  BOOST_TEST(is_member(approved, "amy"));
  BOOST_TEST(!is_member(approved, "raj"));
  BOOST_TEST(may_use_pacs(approved, "gh-rad"));
  BOOST_TEST(!may_use_pacs(approved, "ch-rad"));
  BOOST_TEST(has_role(*find_user(*all, "amy"), user_role::admin));
  BOOST_TEST(!has_role(*find_user(*all, "amy"), user_role::auditor));
  BOOST_TEST(projects_of(*all, "amy").size() == 1U);
  BOOST_TEST(projects_of(*all, "raj").empty());
  BOOST_TEST(pacs_of(*all, "gh").size() == 1U);
  BOOST_TEST(pacs_of(*all, "gh", "Radiology").size() == 1U);
  BOOST_TEST(pacs_of(*all, "gh", "Cardiology").empty());
  BOOST_TEST((departments_of(*all, "gh") == std::vector<std::string>{"Radiology"}));
}

BOOST_AUTO_TEST_CASE(knows_when_a_project_has_expired) {
  const auto& approved = *find_project(*all, "alz");
  BOOST_TEST(!is_expired(approved, std::chrono::year{2027} / 3 / 31));
  BOOST_TEST(is_expired(approved, std::chrono::year{2027} / 4 / 1));
}

BOOST_AUTO_TEST_CASE(training_counts_only_when_it_is_required) {
  const auto today = std::chrono::year{2026} / 11 / 21;
  BOOST_TEST(training_in_force(*all, *find_user(*all, "amy"), today));
  const auto strict = read(changed("timezone", "require_training = true\ntimezone"));
  BOOST_REQUIRE(strict.ok());
  BOOST_TEST(!training_in_force(*strict.value, *find_user(*strict.value, "amy"), today));
  user trained{"zoe", "Zoe", {}, {}, today};
  BOOST_TEST(training_in_force(*strict.value, trained, today));
  BOOST_TEST(!training_in_force(*strict.value, trained, std::chrono::year{2026} / 11 / 22));
}

BOOST_AUTO_TEST_CASE(pads_what_people_type_and_finds_its_issuer) {
  BOOST_TEST(normal("1234567") == "GH/1234567");
  BOOST_TEST(normal(" 42\t") == "GH/0000042");
  BOOST_TEST(normal("X42") == "GHX/X42");
}

BOOST_AUTO_TEST_CASE(refuses_input_that_is_no_exact_key_or_no_mrn_of_the_pacs) {
  for (const auto* input : {"", "  ", "12*", "12?", "12\\34", "*", "X1\n2", "12345678", "x42", "Y1", "-1"})
    BOOST_TEST(normal(input) == "bad_request", input);
  BOOST_TEST(normal(std::string(65, '1')) == "bad_request");
  BOOST_TEST(normalise_mrn(peer, "SECRET*").error().text().find("SECRET") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(takes_answers_as_they_are_but_for_an_empty_issuer) {
  BOOST_TEST(answer("0000001", "GH") == "GH/0000001");
  BOOST_TEST(answer("0000001", "") == "GH/0000001");
  BOOST_TEST(answer("0000001 ", " ") == "GH/0000001");
  BOOST_TEST(answer("1", "") == "/1");
  BOOST_TEST(answer("0000001", "ELSEWHERE") == "ELSEWHERE/0000001");
  BOOST_TEST(answer(" 0000001", "") == "/ 0000001");
}

BOOST_AUTO_TEST_CASE(the_cohort_decides_by_both_parts) {
  const auto& approved = *find_project(*all, "alz");
  BOOST_TEST(cohort_has(approved, *normalise_mrn(peer, "1")));
  BOOST_TEST(cohort_has(approved, mrn_of_answer(peer, "X2", "")));
  BOOST_TEST(!cohort_has(approved, mrn_of_answer(peer, "X2", "GH")));
  BOOST_TEST(!cohort_has(approved, *normalise_mrn(peer, "2")));
}

BOOST_AUTO_TEST_CASE(an_expression_that_could_run_away_does_not) {
  auto hard = peer;
  hard.mrn = {{*mrn_pattern::compile("(a|aa|a*)*b"), "GH", 0}};
  BOOST_TEST(!normalise_mrn(hard, std::string(63, 'a')).ok());
}

BOOST_AUTO_TEST_SUITE_END()
