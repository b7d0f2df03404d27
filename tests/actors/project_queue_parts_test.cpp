// Studies that come in parts: what came is kept, what lacks is asked for, what is new is fetched.
#include "actors/project_queue.hpp"

#include "tests/actors/queue_site.hpp"

namespace penstock::tests {

using state = request_state;

namespace {

struct growing_site : queue_site {
  /// A study of two instances, looked at each minute until nothing new has come for so long.
  void retrieve_and_follow(std::chrono::seconds quiet) {
    study_at_pacs("1.2.1", jane, 2);
    auto command = submission({"1.2.1"});
    command.follow_every_s = 60;
    command.follow_quiet_s = static_cast<std::uint32_t>(quiet.count());
    BOOST_REQUIRE_EQUAL(outcomes(answer_of(ask<answered>(queue, command))).at(0), "accepted");
    retrieve_all();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(project_queue_parts, growing_site)

BOOST_AUTO_TEST_CASE(needs_no_permit_when_another_project_has_brought_the_study_meanwhile) {
  prepared("1.2.1", 2);
  pacs->nothing_lacks = true;
  shard->cached["1.2.1"] = pacs->instances["1.2.1"];
  grant();
  BOOST_TEST(governor->claims.size() == 0U);
  BOOST_TEST(!governor->answers.back().started);
  BOOST_TEST(pacs->retrievals.size() == 0U);
  BOOST_TEST(request(1).state == state::completed);
}

BOOST_AUTO_TEST_CASE(keeps_what_came_while_the_next_try_is_waited_for) {
  prepared("1.2.1", 3);
  grant();
  settle_retrieval(0, 2);
  BOOST_TEST(request(1).state == state::scheduled);
  const auto kept = row<holding_row>(keys::holding("alz", "gh-rad", dicom_uid{"1.2.1"}));
  BOOST_REQUIRE(kept);
  BOOST_TEST(kept->instances == 2U);
  BOOST_TEST(!kept->complete);
  BOOST_TEST(has_row(keys::missing("alz", 1)));
  advance(31s);
  retrieve_all();
  BOOST_TEST(request(1).state == state::completed);
  BOOST_TEST(!has_row(keys::missing("alz", 1)));
  BOOST_TEST(usage().at("studies") == 1);
}

BOOST_AUTO_TEST_CASE(fetches_and_keeps_a_study_that_cannot_be_listed_and_never_calls_it_complete) {
  pacs->refuses_image_queries = true;
  prepared("1.2.1", 3);
  grant();
  BOOST_REQUIRE_EQUAL(pacs->retrievals.size(), 1U);
  BOOST_TEST(pacs->retrievals[0].expected.empty());
  auto settled = settled_for(pacs->retrievals[0]);
  settled.present = {dicom_uid{"1.5"}, dicom_uid{"1.6"}};
  settled.outcome.sent = true;
  pacs->to_settle.emplace_back(0, settled);
  self->send(association_handle, tick{});
  settle();
  BOOST_TEST(request(1).state == state::incomplete);
  BOOST_TEST(request(1).error.find("nothing proves") != std::string::npos);
  BOOST_TEST(has_row(keys::holding("alz", "gh-rad", dicom_uid{"1.2.1"})));
}

BOOST_AUTO_TEST_CASE(says_of_an_adoption_whether_just_that_is_held_already) {
  prepared("1.2.1", 2);
  BOOST_TEST(!shard->adoptions.back().held);
  retrieve_all();
  shard->cached["1.2.1"] = pacs->instances["1.2.1"];
  retry_requests again;
  again.who = {"amy", "retry-1"};
  again.requests = {1};
  BOOST_TEST(answer_of(ask<answered>(queue, again)).at("rows").at(0).at("outcome") == "scheduled");
  settle();
  BOOST_TEST(shard->adoptions.back().held);
  study_at_pacs("1.2.1", jane, 3);
  again.who.op = "retry-2";
  static_cast<void>(ask<answered>(queue, again));
  settle();
  BOOST_TEST(shard->adoptions.size() == 3U);
  BOOST_TEST(!shard->adoptions.back().held);
}

// ---- follow ----

BOOST_AUTO_TEST_CASE(follows_a_growing_exam_and_fetches_what_is_new) {
  retrieve_and_follow(150s);
  BOOST_TEST(request(1).state == state::scheduled);
  BOOST_TEST((request(1).reason == waiting_reason::following));
  const auto held = [this] { return row<holding_row>(keys::holding("alz", "gh-rad", dicom_uid{"1.2.1"})); };
  BOOST_TEST(held()->complete);
  BOOST_TEST_MESSAGE("one more instance is acquired");
  study_at_pacs("1.2.1", jane, 3);
  advance(61s);
  retrieve_all();
  BOOST_TEST((request(1).reason == waiting_reason::following));
  BOOST_TEST(held()->instances == 3U);
  BOOST_TEST_MESSAGE("then nothing new: each look costs no retrieval");
  shard->cached["1.2.1"] = pacs->instances["1.2.1"];
  const auto version = held()->version;
  advance(61s);
  BOOST_TEST((request(1).reason == waiting_reason::following));
  advance(61s);
  advance(61s);
  BOOST_TEST(request(1).state == state::completed);
  BOOST_TEST(held()->version == version);
  BOOST_TEST(pacs->retrievals.size() == 2U);
}

BOOST_AUTO_TEST_CASE(stops_following_on_command_and_calls_it_complete) {
  retrieve_and_follow(600s);
  BOOST_TEST(cancel(1).at("outcome") == "completed");
  BOOST_TEST(request(1).state == state::completed);
  BOOST_TEST(ready() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
