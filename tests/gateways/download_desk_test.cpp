#include "gateways/download_desk.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

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
  errc offer_problem = errc::none;
  download_desk desk{{"tcp://data", [] { return test::test_time_us; }},
                     tickets,
                     [this](download_offer offer) -> messages::result<void> {
                       if (offer_problem != errc::none) return messages::fail(offer_problem, "offer");
                       offers.push_back(std::move(offer));
                       return {};
                     },
                     [this](const std::string& id) { withdrawn.push_back(id); }};

  json manifest_lines(const pack_stamp& stamp = always_there) const {
    return json::parse(offer_of(plan, stamp).manifest)["objects"];
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
  const auto offer = offer_of(plan, stamp);
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
    return offer_of(plan, stamp).objects.at(0).digest;
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
  const auto opened = desk.open(plan);
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
  const auto opened = desk.open(plan);
  BOOST_REQUIRE(!opened.ok());
  BOOST_TEST((opened.error().code == errc::rate_limited));
  BOOST_TEST(tickets.outstanding() == 0);
}

BOOST_AUTO_TEST_CASE(ends_the_downloads_of_a_removed_member) {
  plan.studies = {study("1.9", {object("1.1", 1, 1)})};
  BOOST_REQUIRE(desk.open(plan).ok());
  auto rules = test::site_rules();
  desk.rules_changed(rules);
  BOOST_TEST(withdrawn.empty());
  rules.projects["alz-brain"].members = {"raj"};
  desk.rules_changed(rules);
  BOOST_TEST(withdrawn == std::vector<std::string>{"alz-brain-1"}, boost::test_tools::per_element());
  desk.rules_changed(rules);
  BOOST_TEST(withdrawn.size() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways
