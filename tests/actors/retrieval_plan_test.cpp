#include "actors/retrieval_plan.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <set>

#include "messages/dimse.hpp"

namespace penstock::actors {

using namespace messages;
using level = retrieve_level;

BOOST_AUTO_TEST_SUITE(retrieval_plan_of_a_study)

namespace {

dicom_uid series(int number) { return dicom_uid{"1." + std::to_string(number)}; }
dicom_uid instance(int of_series, int number) {
  return dicom_uid{"1." + std::to_string(of_series) + "." + std::to_string(number)};
}

/// Series 1, 2, ... of so many instances each.
instance_list study(const std::vector<int>& counts) {
  instance_list all;
  for (int s = 0; s < static_cast<int>(counts.size()); ++s)
    for (int i = 1; i <= counts[static_cast<std::size_t>(s)]; ++i) {
      all.instances.push_back(instance(s + 1, i));
      all.series_of.push_back(series(s + 1));
    }
  return all;
}

std::set<dicom_uid> set_of(const std::vector<dicom_uid>& uids) { return {uids.begin(), uids.end()}; }

}  // namespace

BOOST_AUTO_TEST_CASE(asks_for_the_whole_study_when_all_of_it_lacks) {
  const auto all = study({2, 3});
  const auto plan = plan_retrieval(all, all.instances, {}, level::instance);
  BOOST_TEST((plan.level == level::study));
  BOOST_TEST(plan.series.empty());
  BOOST_TEST(plan.asked.size() == 5U);
}

BOOST_AUTO_TEST_CASE(asks_for_the_chosen_series_when_all_of_them_lack) {
  const auto all = study({2});
  const auto plan = plan_retrieval(all, all.instances, {series(1)}, level::instance);
  BOOST_TEST((plan.level == level::series));
  BOOST_TEST((plan.series == std::vector{series(1)}));
}

BOOST_AUTO_TEST_CASE(asks_for_all_when_nothing_is_known) {
  BOOST_TEST((plan_retrieval({}, {}, {}, level::instance).level == level::study));
  BOOST_TEST((plan_retrieval({}, {}, {series(1)}, level::instance).level == level::series));
}

BOOST_AUTO_TEST_CASE(asks_for_what_one_series_lacks_by_instance) {
  const auto plan = plan_retrieval(study({3, 3}), {instance(2, 1), instance(2, 3)}, {}, level::instance);
  BOOST_TEST((plan.level == level::instance));
  BOOST_TEST((plan.series == std::vector{series(2)}));
  BOOST_TEST((plan.instances == std::vector{instance(2, 1), instance(2, 3)}));
  BOOST_TEST((plan.asked == plan.instances));
}

BOOST_AUTO_TEST_CASE(asks_for_whole_series_first_and_leaves_the_others_alone) {
  const auto plan =
      plan_retrieval(study({2, 3, 2}), {instance(1, 1), instance(1, 2), instance(2, 3)}, {}, level::instance);
  BOOST_TEST((plan.level == level::series));
  BOOST_TEST((plan.series == std::vector{series(1)}));
  BOOST_TEST(plan.asked.size() == 2U);
}

BOOST_AUTO_TEST_CASE(asks_for_more_where_the_pacs_refuses_the_finer_level) {
  const auto all = study({3, 3, 1});
  const auto by_series = plan_retrieval(all, {instance(2, 1), instance(3, 1)}, {}, level::series);
  BOOST_TEST((by_series.level == level::series));
  BOOST_TEST((by_series.series == std::vector{series(2), series(3)}));
  BOOST_TEST(by_series.asked.size() == 2U);
  BOOST_TEST((plan_retrieval(all, {instance(2, 1)}, {}, level::study).level == level::study));
  BOOST_TEST((plan_retrieval(all, {instance(2, 1)}, {series(2)}, level::study).level == level::study));
}

BOOST_AUTO_TEST_CASE(asks_for_no_more_instances_than_one_request_holds) {
  const auto all = study({3000});
  auto lacking = all.instances;
  lacking.pop_back();
  BOOST_TEST(plan_retrieval(all, lacking, {}, level::instance).instances.size() == most_dimse_uids);
}

BOOST_AUTO_TEST_CASE(takes_the_whole_when_the_series_were_not_recorded) {
  auto all = study({2, 2});
  all.series_of.clear();
  BOOST_TEST((plan_retrieval(all, {instance(1, 1)}, {}, level::instance).level == level::study));
}

// Whatever lacks: each retrieval asks for something that lacks and, while the PACS refuses nothing, for nothing that is
// here; so that as many as there are series fetch all.
BOOST_AUTO_TEST_CASE(fetches_everything_once_in_few_steps) {
  std::mt19937 dice{7};
  for (int round = 0; round < 2000; ++round) {
    const auto all = study({1 + static_cast<int>(dice() % 5), 1 + static_cast<int>(dice() % 5), 2});
    std::vector<dicom_uid> lacking;
    for (const auto& one : all.instances)
      if (dice() % 3 != 0) lacking.push_back(one);
    std::size_t steps = 0;
    while (!lacking.empty()) {
      BOOST_REQUIRE(++steps <= 4U);
      const auto plan = plan_retrieval(all, lacking, {}, level::instance);
      BOOST_REQUIRE(!plan.asked.empty());
      const auto before = set_of(lacking);
      for (const auto& uid : plan.asked) BOOST_REQUIRE(before.contains(uid));
      if (plan.level == level::instance) BOOST_REQUIRE((plan.instances == plan.asked));
      const auto sent = set_of(plan.asked);
      std::erase_if(lacking, [&](const auto& uid) { return sent.contains(uid); });
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::actors
