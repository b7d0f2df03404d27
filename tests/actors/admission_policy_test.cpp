#include "actors/admission_policy.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::actors;
using penstock::messages::errc;
using penstock::messages::waiting_reason;

namespace {

const quota_facts roomy{1'000, 100, 100, 100};

item_facts good_item() {
  item_facts facts;
  facts.pacs_of_project = true;
  facts.patient = patient_standing::in_cohort;
  facts.quota = roomy;
  facts.enumerated = true;
  return facts;
}

/// Name of the outcome after one fact of a good item is changed.
template <class Change>
std::string outcome_with(Change change) {
  auto facts = good_item();
  change(facts);
  return std::string{name_of(admit(facts).outcome)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(admission_policy)

BOOST_AUTO_TEST_CASE(a_project_of_others_looks_like_none) {
  const auto none = refuse_submit({false, false, true, false});
  const auto not_mine = refuse_submit({true, false, true, true});
  BOOST_REQUIRE((none && not_mine));
  BOOST_TEST((none->code == errc::not_found));
  BOOST_TEST(none->text() == not_mine->text());
}

BOOST_AUTO_TEST_CASE(refuses_after_expiry_and_without_training) {
  BOOST_TEST((refuse_submit({true, true, true, true})->code == errc::project_expired));
  BOOST_TEST((refuse_submit({true, true, false, false})->code == errc::not_permitted));
  BOOST_TEST(!refuse_submit({true, true, true, false}));
}

BOOST_AUTO_TEST_CASE(accepts_a_study_of_a_verified_patient) {
  const auto accepted = admit(good_item());
  BOOST_TEST((accepted.outcome == submit_outcome::accepted));
  BOOST_TEST((accepted.waits_for == waiting_reason::ready));
  BOOST_TEST(accepted.identity_verified);
}

BOOST_AUTO_TEST_CASE(accepts_an_unknown_patient_but_lets_it_wait_for_its_identity) {
  auto facts = good_item();
  facts.patient = patient_standing::unknown;
  const auto accepted = admit(facts);
  BOOST_TEST((accepted.outcome == submit_outcome::accepted));
  BOOST_TEST((accepted.waits_for == waiting_reason::identity_unverified));
  BOOST_TEST(!accepted.identity_verified);
  BOOST_TEST(!accepted.message.empty());
}

BOOST_AUTO_TEST_CASE(a_full_quota_is_no_error) {
  auto facts = good_item();
  facts.quota.used_bytes = facts.quota.quota_bytes;
  const auto accepted = admit(facts);
  BOOST_TEST((accepted.outcome == submit_outcome::accepted));
  BOOST_TEST((accepted.waits_for == waiting_reason::quota_full));
}

BOOST_AUTO_TEST_CASE(gives_every_other_item_its_reasoned_outcome) {
  BOOST_TEST(outcome_with([](auto& f) { f.well_formed = false; }) == "invalid");
  BOOST_TEST(outcome_with([](auto& f) { f.pacs_of_project = false; }) == "not_found");
  BOOST_TEST(outcome_with([](auto& f) { f.patient = patient_standing::outside_cohort; }) == "not_found");
  BOOST_TEST(outcome_with([](auto& f) { f.patient = patient_standing::named_outside; }) == "not_permitted");
  BOOST_TEST(outcome_with([](auto& f) { f.open_request = "17"; }) == "already_requested");
  BOOST_TEST(outcome_with([](auto& f) { f.held = true; }) == "already_cached");
}

BOOST_AUTO_TEST_CASE(what_one_may_not_see_says_nothing_of_what_is_there) {
  // Neither a holding nor a request shows through for a patient outside the cohort or a PACS of others.
  for (const bool held : {false, true}) {
    BOOST_TEST(outcome_with([=](auto& f) {
                 f.patient = patient_standing::outside_cohort;
                 f.held = held;
                 f.open_request = held ? "17" : "";
               }) == "not_found");
  }
}

BOOST_AUTO_TEST_CASE(names_the_malformed_field) {
  auto facts = good_item();
  facts.well_formed = false;
  facts.malformed_field = "StudyInstanceUID";
  BOOST_TEST(admit(facts).message == "StudyInstanceUID is malformed");
}

BOOST_AUTO_TEST_CASE(quota_reserves_and_lets_what_runs_overshoot) {
  BOOST_TEST(has_room({1'000, 100, 100, 800}));
  BOOST_TEST(!has_room({1'000, 100, 100, 801}));
  BOOST_TEST(!has_room({1'000, 900, 100, 0}));
  BOOST_TEST(!has_room({1'000, 1'200, 0, 0}));
  BOOST_TEST_MESSAGE("what seems larger than the whole quota starts when it is alone");
  BOOST_TEST(has_room({1'000, 0, 0, 5'000}));
  BOOST_TEST(!has_room({1'000, 0, 1, 5'000}));
  BOOST_TEST(!has_room({1'000, 1, 0, 5'000}));
  BOOST_TEST(!has_room({0, 0, 0, 0}));
  BOOST_TEST(!has_room({1'000, 100, ~0ULL, ~0ULL}));
  BOOST_TEST(has_room({~0ULL, 0, 0, ~0ULL}));
  BOOST_TEST(!has_room({0, 0, 0, 0}));
}

BOOST_AUTO_TEST_CASE(waits_for_the_first_thing_that_is_missing) {
  waiting_facts facts{true, false, false, true, {}};
  BOOST_TEST((waits_for(facts) == waiting_reason::project_expired));
  facts.project_expired = false;
  BOOST_TEST((waits_for(facts) == waiting_reason::retry_later));
  facts.retry_pending = false;
  BOOST_TEST((waits_for(facts) == waiting_reason::identity_unverified));
  facts.identity_verified = true;
  BOOST_TEST((waits_for(facts) == waiting_reason::not_enumerated));
  facts.enumerated = true;
  BOOST_TEST((waits_for(facts) == waiting_reason::quota_full));
  facts.quota = roomy;
  BOOST_TEST((waits_for(facts) == waiting_reason::ready));
}

BOOST_AUTO_TEST_SUITE_END()
