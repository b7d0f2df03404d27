#include "actors/settle_policy.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(settle_policy)

using namespace penstock::actors;
using penstock::messages::dicom_uid;
using penstock::messages::medical_record_number;
using penstock::messages::protected_text;
using penstock::messages::study_settled;
using penstock::storage::catalogued_instance;

namespace {

const dicom_uid study{"1.2"};
const dicom_uid first{"1.2.1"};
const dicom_uid second{"1.2.2"};
const dicom_uid third{"1.2.3"};

arrived_record arrived(const dicom_uid& instance, std::string sha256 = "aa") {
  return {.bytes_sound = true,
          .readable = true,
          .recorded_instance = instance,
          .instance = instance,
          .study = study,
          .dataset_sha256 = std::move(sha256)};
}

medical_record_number mrn(std::string id, std::string issuer = "GH") {
  return {protected_text{std::move(id)}, protected_text{std::move(issuer)}};
}

catalogued_instance served(const dicom_uid& instance, const medical_record_number& patient = mrn("7")) {
  catalogued_instance row;
  row.sop_instance = instance;
  row.series = dicom_uid{"1.2.9"};
  row.part10_bytes = 100;
  row.patient_id = patient.patient_id;
  row.issuer_of_patient_id = patient.issuer;
  return row;
}

using positions = std::vector<std::size_t>;
using uids = std::vector<dicom_uid>;

}  // namespace

BOOST_AUTO_TEST_CASE(keeps_sound_records_of_the_study) {
  const auto plan = plan_settlement(study, {arrived(first), arrived(second)}, {});
  BOOST_TEST((plan.kept == positions{0, 1}));
  BOOST_TEST((plan.arrived == uids{first, second}));
  BOOST_TEST(plan.refused == 0);
}

BOOST_AUTO_TEST_CASE(refuses_bytes_that_do_not_check) {
  auto damaged = arrived(first);
  damaged.bytes_sound = false;
  const auto plan = plan_settlement(study, {damaged}, {});
  BOOST_TEST(plan.refused == 1);
  BOOST_TEST(plan.kept.empty());
  BOOST_TEST(plan.arrived.empty());
}

BOOST_AUTO_TEST_CASE(refuses_a_data_set_that_cannot_be_read) {
  auto unreadable = arrived(first);
  unreadable.readable = false;
  BOOST_TEST(plan_settlement(study, {unreadable}, {}).refused == 1);
}

BOOST_AUTO_TEST_CASE(refuses_another_study_and_an_instance_that_its_record_does_not_name) {
  auto foreign = arrived(first);
  foreign.study = dicom_uid{"9.9"};
  auto renamed = arrived(second);
  renamed.instance = third;
  const auto plan = plan_settlement(study, {foreign, renamed}, {});
  BOOST_TEST(plan.refused == 2);
  BOOST_TEST(plan.kept.empty());
}

BOOST_AUTO_TEST_CASE(keeps_the_first_of_two_deliveries_of_the_same_bytes) {
  const auto plan = plan_settlement(study, {arrived(first), arrived(second), arrived(first)}, {});
  BOOST_TEST((plan.kept == positions{0, 1}));
  BOOST_TEST(plan.duplicates == 1);
  BOOST_TEST(plan.refused == 0);
}

BOOST_AUTO_TEST_CASE(refuses_other_bytes_for_an_instance_that_the_same_delivery_holds) {
  const auto plan = plan_settlement(study, {arrived(first, "aa"), arrived(first, "bb")}, {});
  BOOST_TEST((plan.kept == positions{0}));
  BOOST_TEST(plan.refused == 1);
}

BOOST_AUTO_TEST_CASE(does_not_keep_again_what_is_catalogued_with_the_same_bytes) {
  const auto plan = plan_settlement(study, {arrived(first), arrived(second)}, {{first, "aa"}});
  BOOST_TEST((plan.kept == positions{1}));
  BOOST_TEST(plan.duplicates == 1);
  BOOST_TEST((plan.arrived == uids{first, second}));
}

BOOST_AUTO_TEST_CASE(takes_new_bytes_in_place_of_those_that_are_catalogued) {
  BOOST_TEST((plan_settlement(study, {arrived(first, "bb")}, {{first, "aa"}}).kept == positions{0}));
}

BOOST_AUTO_TEST_CASE(parts_what_is_expected_into_present_and_missing) {
  const auto found = compare({third, first, second, first}, {served(first), served(third)});
  BOOST_TEST((found.present == uids{third, first}));
  BOOST_TEST((found.missing == uids{second}));
}

BOOST_AUTO_TEST_CASE(sums_up_only_what_is_present) {
  std::vector<catalogued_instance> rows{served(first), served(second), served(third)};
  rows[0].modality = "SR";
  rows[1].modality = "MR";
  rows[1].series = dicom_uid{"1.2.8"};
  rows[2].modality = "CT";
  rows[0].study_date = "20260301";
  study_settled settled;
  summarise(rows, {first, second}, settled);
  BOOST_TEST(settled.bytes == 200);
  BOOST_TEST(settled.series == 2);
  BOOST_TEST(settled.modality == "MR,SR");
  BOOST_TEST(settled.study_date == "20260301");
  BOOST_TEST((settled.patient == mrn("7")));
  BOOST_TEST(settled.outcome.problem.empty());
}

BOOST_AUTO_TEST_CASE(says_when_instances_name_different_patients) {
  study_settled settled;
  summarise({served(first), served(second, mrn("8"))}, {first, second}, settled);
  BOOST_TEST(settled.outcome.problem == "instances of the study name different patients");
}

BOOST_AUTO_TEST_CASE(an_issuer_that_is_not_said_does_not_part_patients) {
  BOOST_TEST(is_same_patient(mrn("7"), mrn("7", "")));
  BOOST_TEST(!is_same_patient(mrn("7"), mrn("7", "CH")));
  BOOST_TEST(!is_same_patient(mrn("7"), mrn("07")));
}

BOOST_AUTO_TEST_CASE(lets_a_study_be_adopted_that_is_exactly_what_is_expected) {
  const auto found = judge_adoption({second, first}, mrn("7"), {served(first), served(second)}, {});
  BOOST_TEST(found.missing.empty());
  BOOST_TEST((found.present == uids{second, first}));
}

BOOST_AUTO_TEST_CASE(names_what_lacks_for_an_adoption) {
  const auto found = judge_adoption({first, second}, mrn("7"), {served(first)}, {});
  BOOST_TEST((found.missing == uids{second}));
  BOOST_TEST((found.present == uids{first}));
}

BOOST_AUTO_TEST_CASE(what_is_served_beyond_the_list_is_of_no_concern_in_other_series_or_when_the_list_is_held) {
  const auto other = [](catalogued_instance instance) {
    instance.series = dicom_uid{"1.2.8"};
    return instance;
  };
  const auto series = served(first).series;
  const auto of_series = judge_adoption({first}, mrn("7"), {served(first), other(served(second))}, {{series}, false});
  BOOST_TEST(of_series.missing.empty());
  BOOST_TEST((of_series.present == uids{first}));
  BOOST_TEST(judge_adoption({first}, mrn("7"), {served(first), served(second)}, {{series}, false}).present.empty());
  BOOST_TEST((judge_adoption({first}, mrn("7"), {served(first), served(second)}, {{}, true}).present == uids{first}));
}

BOOST_AUTO_TEST_CASE(lets_nothing_be_adopted_that_has_more_or_is_of_another_patient) {
  const auto more = judge_adoption({first}, mrn("7"), {served(first), served(second)}, {});
  BOOST_TEST((more.missing == uids{first}));
  BOOST_TEST(more.present.empty());
  const auto other = judge_adoption({first}, mrn("8"), {served(first)}, {});
  BOOST_TEST((other.missing == uids{first}));
}

BOOST_AUTO_TEST_SUITE_END()
