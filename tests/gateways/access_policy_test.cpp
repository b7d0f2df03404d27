#include "gateways/access_policy.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/gateways/site_rules.hpp"

namespace penstock::gateways {
namespace {

using messages::errc;

struct site {
  conf::rules rules = test::site_rules();

  errc code(const std::string& user, const char* command, const std::string& project) const {
    const auto allowed = authorise(rules, user, *find_command(command), project, test::test_day);
    return allowed ? errc::none : allowed.error().code;
  }
  bool follows(const std::string& user, const std::string& topic) const {
    return may_follow(rules, user, topic, test::test_day);
  }
};

BOOST_FIXTURE_TEST_SUITE(access_policy_suite, site)

BOOST_AUTO_TEST_CASE(knows_no_command_that_is_not_in_the_table) {
  BOOST_TEST(find_command("requests.explode") == nullptr);
  BOOST_TEST(find_command("") == nullptr);
}

BOOST_AUTO_TEST_CASE(lets_members_work_in_their_project) {
  BOOST_TEST((code("amy", "requests.submit", "alz-brain") == errc::none));
  BOOST_TEST((code("amy", "cache.list", "alz-brain") == errc::none));
}

BOOST_AUTO_TEST_CASE(answers_a_stranger_as_if_the_project_did_not_exist) {
  const auto& command = *find_command("requests.list");
  const auto foreign = authorise(rules, "amy", command, "secret", test::test_day).error();
  const auto absent = authorise(rules, "amy", command, "no-such", test::test_day).error();
  BOOST_TEST((foreign.code == errc::not_found));
  BOOST_TEST(foreign.text() == absent.text());
}

BOOST_AUTO_TEST_CASE(does_not_tell_an_admin_of_a_project_either) {
  BOOST_TEST((code("ada", "requests.list", "alz-brain") == errc::not_found));
}

BOOST_AUTO_TEST_CASE(lists_but_does_not_work_after_the_approval_has_ended) {
  for (const auto* command : {"patients.find", "studies.find", "series.find", "requests.submit", "download.open"})
    BOOST_TEST((code("amy", command, "old-heart") == errc::project_expired), command);
  for (const auto* command : {"requests.list", "requests.show", "cache.list", "cache.usage", "search.more"})
    BOOST_TEST((code("amy", command, "old-heart") == errc::none), command);
}

BOOST_AUTO_TEST_CASE(stops_members_whose_training_has_lapsed) {
  rules.require_training = true;
  rules.users["raj"].training_valid_through = test::test_day;
  BOOST_TEST((code("amy", "requests.list", "alz-brain") == errc::not_permitted));
  BOOST_TEST((code("raj", "requests.list", "alz-brain") == errc::none));
  BOOST_TEST((code("amy", "requests.list", "secret") == errc::not_found));
  BOOST_TEST(!follows("amy", "p/alz-brain/requests"));
}

BOOST_AUTO_TEST_CASE(keeps_the_administrators_commands_for_administrators) {
  for (const auto* command : {"pacs.echo", "server.status"}) {
    BOOST_TEST((code("ada", command, "") == errc::none), command);
    BOOST_TEST((code("amy", command, "") == errc::not_permitted), command);
    BOOST_TEST((code("uma", command, "") == errc::not_permitted), command);
  }
  BOOST_TEST((code("uma", "governance.show", "") == errc::none));
  BOOST_TEST((code("ada", "governance.show", "") == errc::none));
  BOOST_TEST((code("amy", "governance.show", "") == errc::not_permitted));
}

BOOST_AUTO_TEST_CASE(shows_the_journal_to_auditors_and_administrators) {
  BOOST_TEST((code("uma", "audit.list", "") == errc::none));
  BOOST_TEST((code("ada", "audit.list", "") == errc::none));
  BOOST_TEST((code("amy", "audit.list", "") == errc::not_permitted));
  for (const auto* command : {"audit.proof", "audit.checkpoint"}) BOOST_TEST((code("amy", command, "") == errc::none));
}

BOOST_AUTO_TEST_CASE(shows_the_governor_to_members_and_administrators) {
  BOOST_TEST((code("amy", "governor.status", "") == errc::none));
  BOOST_TEST((code("ada", "governor.status", "") == errc::none));
  BOOST_TEST((code("uma", "governor.status", "") == errc::not_permitted));
}

BOOST_AUTO_TEST_CASE(takes_topics_by_their_exact_name_only) {
  BOOST_TEST(follows("amy", "p/alz-brain/requests"));
  BOOST_TEST(follows("amy", "p/alz-brain/progress"));
  for (const auto* topic : {"p/alz-brain/", "p/alz-brain", "p/", "", "p/alz-brain/requests/", "p/alz-brain/other",
                            "p//requests", "alz-brain/requests", "p/alz/requests", "p/secret/requests"})
    BOOST_TEST(!follows("amy", topic), topic);
  BOOST_TEST(follows("ada", "governor"));
  BOOST_TEST(!follows("amy", "governor"));
  BOOST_TEST(follows("uma", "audit"));
  BOOST_TEST(!follows("ada", "audit"));
}

BOOST_AUTO_TEST_CASE(takes_on_nothing_new_on_a_disk_that_fills_and_still_ends_frees_and_shows_things_on_a_full_one) {
  const auto fits = [](const char* command, storage::room left) {
    return judge_appetite(*find_command(command), left).ok();
  };
  using storage::room;
  for (const auto* command : {"requests.submit", "requests.retry", "patients.find", "studies.find", "series.find"}) {
    BOOST_TEST(fits(command, room::ample), command);
    BOOST_TEST(!fits(command, room::scarce), command);
    BOOST_TEST(!fits(command, room::none), command);
  }
  for (const auto* command : {"requests.prioritise", "requests.delete", "governor.resume", "governance.reload"}) {
    BOOST_TEST(fits(command, room::scarce), command);
    BOOST_TEST(!fits(command, room::none), command);
  }
  for (const auto* command : {"hello", "requests.list", "requests.cancel", "cache.list", "cache.delete", "cache.purge",
                              "download.open", "governor.pause", "server.status", "search.more"})
    BOOST_TEST(fits(command, room::none), command);
  BOOST_TEST((judge_appetite(*find_command("requests.submit"), room::none).error().code == errc::disk_full));
}

BOOST_AUTO_TEST_CASE(tells_transient_topics_from_journaled_ones) {
  BOOST_TEST(is_transient_topic("p/alz-brain/progress"));
  BOOST_TEST(is_transient_topic("p/alz-brain/searches"));
  BOOST_TEST(!is_transient_topic("p/alz-brain/requests"));
  BOOST_TEST(!is_transient_topic("audit"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways
