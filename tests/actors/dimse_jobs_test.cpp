#include "actors/dimse_jobs.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/actors/site_of_tests.hpp"

namespace penstock::actors {

using namespace messages;

BOOST_AUTO_TEST_SUITE(dimse_jobs)

namespace {

query_row row_of(const std::string& keyword, const std::string& value) {
  query_row row;
  row.values[keyword] = protected_text{value};
  return row;
}

query_row series_row(const std::string& uid, const std::string& modality) {
  auto row = row_of("SeriesInstanceUID", uid);
  row.values["Modality"] = protected_text{modality};
  return row;
}

void demands_tls(const dimse_peer& peer) {
  BOOST_TEST(peer.tls.ca == "/tls/ca.pem");
  BOOST_TEST(peer.tls.certificate == "/tls/penstock.pem");
  BOOST_TEST(peer.tls.key == "/tls/penstock.key");
  BOOST_TEST(peer.tls.name == "pacs.example");
}

}  // namespace

BOOST_AUTO_TEST_CASE(makes_jobs_that_the_channel_accepts) {
  auto pacs = tests::pacs_of_tests("gh-rad");
  pacs.default_charset = "ISO_IR 192";
  const auto queries =
      find_job_for(pacs, {series_query(dicom_uid{"1.2"}), image_query(dicom_uid{"1.2"}, dicom_uid{"1.3"})});
  BOOST_TEST(check(queries).ok());
  BOOST_TEST(queries.default_charset == "ISO_IR 192");
  BOOST_TEST(queries.peer.called_ae == "GHPACS");
  BOOST_TEST(queries.peer.calling_ae == "PENSTOCK");
  const auto move = move_job_for(pacs, dicom_uid{"1.2"}, {retrieve_level::series, {dicom_uid{"1.3"}}, {}, {}});
  BOOST_TEST(check(move).ok());
  BOOST_TEST(move.move_destination == "PENSTOCK");
  BOOST_TEST(move.series_uids.size() == 1U);
  BOOST_TEST(move.wait_for_go);
  BOOST_TEST(move.idle_timeout_ms == 120'000U);
}

BOOST_AUTO_TEST_CASE(asks_for_images_only_under_their_series) {
  const auto query = image_query(dicom_uid{"1.2"}, dicom_uid{"1.3"});
  BOOST_TEST(query.level == "IMAGE");
  BOOST_TEST(query.keys.at("StudyInstanceUID").reveal() == "1.2");
  BOOST_TEST(query.keys.at("SeriesInstanceUID").reveal() == "1.3");
  BOOST_TEST(query.max_rows == most_instances_of_a_series);
}

BOOST_AUTO_TEST_CASE(takes_each_valid_series_that_was_asked_for_once) {
  query_answered answer;
  answer.rows = {series_row("1.3", "MR"), series_row("1.3", "MR"), series_row("1..4", "CT"),
                 series_row("1.5", "SR"), series_row("1.6", "MR"), row_of("Modality", "US")};
  const auto found = series_of(answer, {dicom_uid{"1.2"}, {}});
  BOOST_TEST(found.series.size() == 3U);
  BOOST_TEST(found.modalities == (std::vector<std::string>{"MR", "SR"}), boost::test_tools::per_element());
  BOOST_TEST(!found.truncated);
  const auto series = series_of(answer, {dicom_uid{"1.2"}, {dicom_uid{"1.5"}}}).series;
  BOOST_REQUIRE_EQUAL(series.size(), 1U);
  BOOST_TEST(series[0].reveal() == "1.5");
}

BOOST_AUTO_TEST_CASE(remembers_that_any_answer_was_cut) {
  query_answered answer;
  answer.truncated = true;
  BOOST_TEST(series_of(answer, {}).truncated);
  images_listed found;
  add_instances(answer, dicom_uid{"1.3"}, found);
  add_instances({{row_of("SOPInstanceUID", "1.3.1"), row_of("SOPInstanceUID", "no uid"), {}}, false}, dicom_uid{"1.3"},
                found);
  BOOST_TEST(found.truncated);
  BOOST_TEST(found.instances.size() == 1U);
  BOOST_TEST(found.series_of.at(0).reveal() == "1.3");
}

BOOST_AUTO_TEST_CASE(spells_a_status_as_the_standard_does) {
  BOOST_TEST(hex_status(0xa801) == "0xA801");
  BOOST_TEST(hex_status(0) == "0x0000");
  BOOST_TEST(hex_status(0x1ff00) == "0xFF00");
}

BOOST_AUTO_TEST_CASE(every_job_for_a_pacs_with_tls_demands_it) {
  auto pacs = tests::pacs_of_tests("gh-rad");
  BOOST_TEST(!peer_of(pacs).tls.wanted());
  pacs.tls = conf::tls_files{"/tls/ca.pem", "/tls/penstock.pem", "/tls/penstock.key", "pacs.example"};
  demands_tls(peer_of(pacs));
  demands_tls(find_job_for(pacs, {}).peer);
  demands_tls(move_job_for(pacs, dicom_uid{"1.2.3"}, {}).peer);
  pacs.retrieve = conf::retrieve_method::get;
  demands_tls(move_job_for(pacs, dicom_uid{"1.2.3"}, {}).peer);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::actors
