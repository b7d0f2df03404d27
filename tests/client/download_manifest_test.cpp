#include "tools/client/download_manifest.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::client;

namespace {

constexpr auto mixed_order = R"({"project": "p", "download": "d", "objects": [
  {"index": 1, "StudyInstanceUID": "1.9", "SeriesInstanceUID": "1.9.2", "SOPInstanceUID": "1.9.2.10",
   "PatientID": "007", "SeriesNumber": 10, "InstanceNumber": 10, "plain_bytes": 5, "Modality": "MR"},
  {"index": 2, "StudyInstanceUID": "1.9", "SeriesInstanceUID": "1.9.2", "SOPInstanceUID": "1.9.2.2",
   "PatientID": "007", "SeriesNumber": 10, "InstanceNumber": "2", "plain_bytes": 5},
  {"index": 3, "StudyInstanceUID": "1.1", "SeriesInstanceUID": "1.1.1", "SOPInstanceUID": "1.1.1.1",
   "PatientID": "8", "plain_bytes": 5, "Modality": "../CT"},
  {"index": 4, "error": "not_found"},
  {"index": 5, "StudyInstanceUID": "1.9", "SeriesInstanceUID": "1.9.1", "SOPInstanceUID": "1.9.1.1",
   "PatientID": "007", "SeriesNumber": "9", "InstanceNumber": 1, "plain_bytes": 5}]})";

std::string path_at(const download_manifest& manifest, std::size_t object) {
  return sealed_path(place_objects(manifest)[object]);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(download_manifests)

BOOST_AUTO_TEST_CASE(places_studies_as_they_come_and_series_and_instances_by_their_numbers) {
  auto manifest = parse_manifest(mixed_order);
  BOOST_REQUIRE(manifest.ok());
  BOOST_TEST(path_at(*manifest, 0) == "0001/0002/000002.sealed");
  BOOST_TEST(path_at(*manifest, 1) == "0001/0002/000001.sealed");
  BOOST_TEST(path_at(*manifest, 2) == "0002/0001/000001.sealed");
  BOOST_TEST(path_at(*manifest, 4) == "0001/0001/000001.sealed");
}

BOOST_AUTO_TEST_CASE(lets_nothing_of_the_manifest_into_a_path_but_a_clean_modality) {
  auto manifest = parse_manifest(mixed_order);
  BOOST_REQUIRE(manifest.ok());
  BOOST_TEST(manifest->objects[2].modality == "CT");
  BOOST_TEST(manifest->objects[1].modality == "OTHER");
  BOOST_TEST(plain_path({1, 2, 3}, "MR") == "MR/0001/0002/000003.dcm");
  BOOST_TEST(sealed_path({12345, 1, 1234567}) == "12345/0001/1234567.sealed");
}

BOOST_AUTO_TEST_CASE(refuses_what_is_not_a_manifest) {
  BOOST_TEST(!parse_manifest("{").ok());
  BOOST_TEST(!parse_manifest("[]").ok());
  BOOST_TEST(!parse_manifest(R"({"objects":[{"index":2,"plain_bytes":1}]})").ok());
  BOOST_TEST(!parse_manifest(R"({"objects":[{"index":1}]})").ok());
  BOOST_TEST(!parse_manifest(R"({"objects":[{"index":"1","plain_bytes":1}]})").ok());
}

BOOST_AUTO_TEST_SUITE_END()
