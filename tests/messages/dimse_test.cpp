#include "messages/dimse.hpp"

#include <boost/test/unit_test.hpp>

#include "messages/dimse_inbound.hpp"

BOOST_AUTO_TEST_SUITE(dimse)

using namespace penstock::messages;

namespace {

dimse_peer some_peer() {
  dimse_peer peer;
  peer.host = "pacs.example";
  peer.called_ae = "PACS";
  peer.calling_ae = "PENSTOCK";
  return peer;
}

find_job some_find() {
  find_job job;
  job.peer = some_peer();
  find_query query;
  query.level = "STUDY";
  query.keys.emplace("PatientID", protected_text{"0012345"});
  query.return_keys = {"StudyInstanceUID"};
  job.queries.push_back(query);
  return job;
}

move_job some_move() {
  move_job job;
  job.peer = some_peer();
  job.move_destination = "PENSTOCK";
  job.study_uid = dicom_uid{"1.2.3"};
  return job;
}

std::string fault(const result<void>& checked) { return checked ? "" : checked.error().context; }

}  // namespace

BOOST_AUTO_TEST_CASE(accepts_ordinary_jobs) {
  BOOST_TEST(fault(check(echo_job{some_peer()})) == "");
  BOOST_TEST(fault(check(some_find())) == "");
  BOOST_TEST(fault(check(some_move())) == "");
  BOOST_TEST(fault(check(accept_job{})) == "");
}

BOOST_AUTO_TEST_CASE(tls_has_all_its_files_or_none) {
  auto job = echo_job{some_peer()};
  BOOST_TEST(!job.peer.tls.wanted());
  job.peer.tls = {"/tls/ca.pem", "/tls/own.pem", "/tls/own.key", ""};
  BOOST_TEST(fault(check(job)) == "");
  BOOST_TEST(job.peer.tls.wanted());
  job.peer.tls.key.clear();
  BOOST_TEST(fault(check(job)).starts_with("tls"));
  job.peer.tls = {"", "", "", "pacs.example"};
  BOOST_TEST(fault(check(job)).starts_with("tls"));
  accept_job inbound;
  inbound.tls.ca = "/tls/ca.pem";
  BOOST_TEST(fault(check(inbound)).starts_with("tls"));
}

BOOST_AUTO_TEST_CASE(names_what_is_wrong_with_a_peer) {
  auto job = echo_job{some_peer()};
  job.peer.called_ae = "SEVENTEEN LETTERS";
  BOOST_TEST(fault(check(job)) == "peer.called_ae");
  job.peer.called_ae = "  ";
  BOOST_TEST(fault(check(job)) == "peer.called_ae");
  job = echo_job{some_peer()};
  job.peer.calling_ae = "A\\B";
  BOOST_TEST(fault(check(job)) == "peer.calling_ae");
  job = echo_job{some_peer()};
  job.peer.port = 0;
  BOOST_TEST(fault(check(job)) == "peer.port");
  job = echo_job{some_peer()};
  job.peer.response_timeout_ms = 0;
  BOOST_TEST(!fault(check(job)).empty());
}

BOOST_AUTO_TEST_CASE(lets_no_wildcard_list_or_empty_key_out) {
  for (const auto* value : {"", "*", "12?", "a\\b", " 1", "1 "}) {
    auto job = some_find();
    job.queries[0].keys["PatientID"] = protected_text{value};
    BOOST_TEST(fault(check(job)) == "query.keys: the value of PatientID");
  }
}

BOOST_AUTO_TEST_CASE(limits_queries_and_keys) {
  auto job = some_find();
  job.queries.resize(most_dimse_queries + 1, job.queries[0]);
  BOOST_TEST(fault(check(job)) == "queries");
  job = some_find();
  job.queries[0].return_keys.assign(most_dimse_keys, "StudyDate");
  BOOST_TEST(!fault(check(job)).empty());
  job = some_find();
  job.queries[0].level = "PATIENT";
  BOOST_TEST(fault(check(job)) == "query.level");
  job.queries.clear();
  BOOST_TEST(fault(check(job)) == "queries");
}

BOOST_AUTO_TEST_CASE(moves_instances_of_one_series_only) {
  auto job = some_move();
  job.instance_uids = {dicom_uid{"1.2.3.4"}};
  BOOST_TEST(!fault(check(job)).empty());
  job.series_uids = {dicom_uid{"1.2"}};
  BOOST_TEST(fault(check(job)) == "");
  job.series_uids.push_back(dicom_uid{"1.3"});
  BOOST_TEST(!fault(check(job)).empty());
}

BOOST_AUTO_TEST_CASE(moves_no_more_uids_than_a_message_holds) {
  auto job = some_move();
  job.series_uids.assign(most_dimse_uids + 1, dicom_uid{"1.2"});
  BOOST_TEST(fault(check(job)) == "series_uids");
  job = some_move();
  job.study_uid = dicom_uid{"1.2\\1.3"};
  BOOST_TEST(fault(check(job)) == "study_uid");
}

BOOST_AUTO_TEST_CASE(spells_every_outcome_both_ways) {
  for (int i = 0; i <= static_cast<int>(peer_outcome::broken); ++i) {
    auto parsed = peer_outcome::broken;
    BOOST_TEST(parse(name_of(static_cast<peer_outcome>(i)), parsed));
    BOOST_TEST((parsed == static_cast<peer_outcome>(i)));
  }
  auto untouched = peer_outcome::answered;
  BOOST_TEST(!parse("nonsense", untouched));
}

BOOST_AUTO_TEST_SUITE_END()
