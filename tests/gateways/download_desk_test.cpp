#include "gateways/download_desk.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/gateways/site_rules.hpp"

namespace penstock::gateways {
namespace {

using messages::dicom_uid;
using messages::errc;
using messages::located_object;
using nlohmann::json;

located_object object(const std::string& uid, std::int64_t series_number, std::int64_t number,
                      const std::string& pack = "p1") {
  located_object made;
  made.series = dicom_uid{"1.2." + std::to_string(series_number)};
  made.instance = dicom_uid{uid};
  made.patient_id = messages::protected_text{"P1"};
  made.pack = pack;
  made.offset = static_cast<std::uint64_t>(number) * 1000;
  made.bytes = 500;
  made.series_number = series_number;
  made.instance_number = number;
  return made;
}

download_study study(const std::string& uid, std::vector<located_object> objects) {
  download_study made;
  made.part.study = dicom_uid{uid};
  for (const auto& each : objects) made.part.instances.push_back(each.instance);
  made.objects = std::move(objects);
  return made;
}

std::string always_there(const std::string& pack) { return "stamp of " + pack; }

struct desk_at_work {
  download_plan plan{.download = "alz-brain-1",
                     .project = "alz-brain",
                     .user = "amy",
                     .key = std::make_shared<const storage::secret_bytes>(storage::secret_bytes::random(16)),
                     .studies = {},
                     .series = {}};
  download_tickets tickets;
  std::vector<download_offer> offers;
  std::vector<std::string> withdrawn;
  std::vector<std::pair<std::string, std::string>> open{{"amy", "alz-brain"}, {"raj", "alz-brain"}};
  errc offer_problem = errc::none;
  download_desk desk{{"tcp://data", [] { return test::test_time_us; }}, tickets, outlets()};

  download_outlets outlets() {
    return {[this](download_offer offer) -> messages::result<void> {
              if (offer_problem != errc::none) return messages::fail(offer_problem, "offer");
              offers.push_back(std::move(offer));
              return {};
            },
            [this](const std::string& id) { withdrawn.push_back(id); },
            [this](const auto& allowed) {
              std::erase_if(open, [&](const auto& each) { return !allowed(each.first, each.second); });
            }};
  }
  /// Who still may, after the rules have changed to these.
  std::string still_open(const conf::rules& rules, std::chrono::year_month_day today = test::test_day,
                         const std::set<std::string>& changed = {}) {
    desk.judge_again(rules, today, changed);
    std::string users;
    for (const auto& each : open) users += each.first + " ";
    return users;
  }

  json manifest_lines(const pack_stamp& stamp = always_there) const {
    return json::parse(prepare_download(plan, stamp).offer.manifest)["objects"];
  }
  std::vector<std::string> order() const {
    std::vector<std::string> uids;
    for (const auto& line : manifest_lines()) uids.push_back(line["SOPInstanceUID"]);
    return uids;
  }
};

BOOST_FIXTURE_TEST_SUITE(download_desk_suite, desk_at_work)

BOOST_AUTO_TEST_CASE(puts_objects_into_dicom_order_study_by_study) {
  plan.studies = {study("1.9", {object("1.1", 2, 1), object("1.2", 1, 10), object("1.3", 1, 9)}),
                  study("1.1", {object("1.5", 1, 1), object("1.4", 1, 1)})};
  const std::vector<std::string> wanted{"1.3", "1.2", "1.1", "1.4", "1.5"};
  BOOST_TEST(order() == wanted, boost::test_tools::per_element());
  const auto lines = manifest_lines();
  for (std::size_t n = 0; n < lines.size(); ++n) BOOST_TEST(lines[n]["index"] == n + 1);
  BOOST_TEST(lines[0]["StudyInstanceUID"] == "1.9");
  BOOST_TEST(lines[0]["PatientID"] == "P1");
  BOOST_TEST(lines[0]["plain_bytes"] == 500);
  BOOST_TEST(!lines[0].contains("dataset_sha256"));
}

BOOST_AUTO_TEST_CASE(names_what_cannot_be_had_and_sends_the_rest) {
  plan.studies = {study("1.9", {object("1.1", 1, 1), object("1.2", 1, 2), object("1.3", 1, 3, "lost")})};
  plan.studies[0].objects[1].problem = "damaged";
  plan.studies[0].part.instances.emplace_back("1.4");
  const pack_stamp stamp = [](const std::string& pack) { return pack == "lost" ? std::string{} : pack; };
  const auto lines = manifest_lines(stamp);
  BOOST_REQUIRE(lines.size() == 4);
  std::map<std::string, std::string> errors;
  for (const auto& line : lines)
    if (line.contains("error")) errors[line["SOPInstanceUID"]] = line["error"];
  BOOST_TEST(errors.size() == 3);
  BOOST_TEST(errors["1.2"] == "damaged");
  BOOST_TEST(errors["1.3"] == "its pack cannot be read");
  BOOST_TEST(errors["1.4"] == "not in the cache any more");
  const auto offer = prepare_download(plan, stamp).offer;
  BOOST_REQUIRE(offer.objects.size() == 1);
  BOOST_TEST(offer.objects[0].index == 1);
  BOOST_TEST(check_offer(offer).ok());
}

BOOST_AUTO_TEST_CASE(narrows_to_the_series_that_were_asked_for) {
  plan.studies = {study("1.9", {object("1.1", 1, 1), object("1.2", 2, 1)})};
  plan.studies[0].part.instances.emplace_back("1.7");
  plan.series = {dicom_uid{"1.2.2"}};
  const std::vector<std::string> wanted{"1.2"};
  BOOST_TEST(order() == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(leaves_out_what_was_not_authorised) {
  plan.studies = {study("1.9", {object("1.1", 1, 1)})};
  plan.studies[0].objects.push_back(object("1.2", 1, 2));
  const std::vector<std::string> wanted{"1.1"};
  BOOST_TEST(order() == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(gives_the_same_digest_to_the_same_bytes_only) {
  plan.studies = {study("1.9", {object("1.1", 1, 1)})};
  const auto digest = [&](const pack_stamp& stamp = always_there) {
    return prepare_download(plan, stamp).offer.objects.at(0).digest;
  };
  const auto first = digest();
  BOOST_TEST((digest() == first));
  plan.studies[0].objects[0].dataset_sha256 = "known later";
  BOOST_TEST((digest() == first));
  BOOST_TEST((digest([](const std::string&) { return std::string{"another file"}; }) != first));
  plan.studies[0].objects[0].offset = 1;
  BOOST_TEST((digest() != first));
}

BOOST_AUTO_TEST_CASE(offers_a_download_and_gives_a_ticket_that_redeems) {
  plan.studies = {study("1.9", {object("1.1", 1, 1, "/proc/self/exe"), object("1.2", 1, 2, "/proc/self/exe")})};
  const auto opened = desk.open(prepare_download(plan));
  BOOST_REQUIRE(opened.ok());
  BOOST_REQUIRE(offers.size() == 1);
  BOOST_TEST(opened->objects == 3);
  BOOST_TEST(opened->bytes == sealed_bytes_of(offers[0]));
  BOOST_TEST(opened->key == storage::to_base64(plan.key->view()));
  BOOST_TEST(opened->data_endpoint == "tcp://data");
  BOOST_TEST(opened->expires_us == test::test_time_us + 60'000'000);
  BOOST_TEST(tickets.redeem(opened->ticket, opened->secret) == "alz-brain-1");
}

BOOST_AUTO_TEST_CASE(issues_no_ticket_for_an_offer_that_is_refused) {
  offer_problem = errc::rate_limited;
  plan.studies = {study("1.9", {object("1.1", 1, 1)})};
  const auto opened = desk.open(prepare_download(plan));
  BOOST_REQUIRE(!opened.ok());
  BOOST_TEST((opened.error().code == errc::rate_limited));
  BOOST_TEST(tickets.outstanding() == 0);
}

BOOST_AUTO_TEST_CASE(makes_no_offer_without_a_ticket) {
  while (tickets.issue("d-" + std::to_string(tickets.outstanding())).ok()) {
  }
  plan.studies = {study("1.9", {object("1.1", 1, 1)})};
  BOOST_TEST((desk.open(prepare_download(plan)).error().code == errc::rate_limited));
  BOOST_TEST((withdrawn == std::vector<std::string>{"alz-brain-1"}));
}

BOOST_AUTO_TEST_CASE(says_of_each_study_what_it_holds) {
  plan.studies = {study("1.9", {object("1.1", 1, 1), object("1.2", 1, 2)}), study("1.8", {object("1.3", 2, 1)})};
  plan.studies[0].part.pacs = "gh-rad";
  plan.studies[0].part.version = 7;
  const auto before = prepare_download(plan, always_there).studies;
  BOOST_REQUIRE(before.size() == 2);
  BOOST_TEST(before[0].pacs == "gh-rad");
  BOOST_TEST(before[0].version == 7);
  BOOST_TEST(before[0].instances == 2);
  BOOST_TEST(before[0].bytes == 1000);
  BOOST_TEST(prepare_download(plan, always_there).studies[0].contents == before[0].contents);
  plan.studies[0].objects[1].offset = 1;
  const auto after = prepare_download(plan, always_there).studies;
  BOOST_TEST(after[0].contents != before[0].contents);
  BOOST_TEST(after[1].contents == before[1].contents);
}

BOOST_AUTO_TEST_CASE(leaves_out_studies_of_which_nothing_was_asked_for) {
  plan.studies = {study("1.9", {object("1.1", 1, 1)}), study("1.8", {object("1.3", 2, 1)})};
  plan.series = {dicom_uid{"1.2.2"}};
  const auto studies = prepare_download(plan, always_there).studies;
  BOOST_REQUIRE(studies.size() == 1);
  BOOST_TEST(studies[0].study.reveal() == "1.8");
}

BOOST_AUTO_TEST_CASE(makes_the_same_offer_of_the_same_plan) {
  plan.studies = {study("1.9", {object("1.1", 1, 1, "/proc/self/exe"), object("1.2", 1, 2, "/proc/self/exe")})};
  const auto one = prepare_download(plan).offer;
  const auto other = prepare_download(plan).offer;
  BOOST_TEST(one.manifest == other.manifest);
  for (std::size_t n = 0; n < 2; ++n) BOOST_TEST((one.objects[n].digest == other.objects[n].digest));
}

BOOST_AUTO_TEST_CASE(ends_the_downloads_of_whoever_may_not_open_them_any_more) {
  auto rules = test::site_rules();
  BOOST_TEST(still_open(rules) == "amy raj ");
  rules.projects["alz-brain"].members = {"raj"};
  BOOST_TEST(still_open(rules) == "raj ");
  rules.projects["alz-brain"].valid_through = test::test_day;
  BOOST_TEST(still_open(rules) == "raj ");
  BOOST_TEST(still_open(rules, std::chrono::sys_days{test::test_day} + std::chrono::days{1}) == "");
}

BOOST_AUTO_TEST_CASE(ends_the_downloads_of_a_user_who_lost_a_key) {
  auto rules = test::site_rules();
  rules.users["amy"].keys = {"old", "new"};
  rules.users["raj"].keys = {"one"};
  BOOST_TEST(still_open(rules) == "amy raj ");
  rules.users["amy"].keys = {"new"};
  rules.users["raj"].keys = {"one", "two"};
  BOOST_TEST(still_open(rules) == "raj ");
  open.emplace_back("amy", "alz-brain");
  BOOST_TEST(still_open(rules) == "raj amy ");
}

BOOST_AUTO_TEST_CASE(hands_on_each_end_of_a_session_once) {
  desk.session_ended({"alz-brain", {"alz-brain-1", 10, true}});
  BOOST_TEST(desk.take_ended().size() == 1);
  BOOST_TEST(desk.take_ended().empty());
}

BOOST_AUTO_TEST_CASE(ends_what_is_under_way_of_a_project_that_lost_patients_or_a_pacs) {
  open = {{"amy", "alz-brain"}, {"zoe", "secret"}};
  BOOST_TEST(still_open(test::site_rules(), test::test_day, {"alz-brain"}) == "zoe ");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways
