#include "gateways/arrivals.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

BOOST_AUTO_TEST_SUITE(arrivals)

using namespace penstock;
using gateways::arrivals_table;
using messages::dicom_uid;
using messages::errc;

namespace {

struct scratch {
  scratch() {
    std::string pattern = std::filesystem::temp_directory_path() / "penstock-arrivals-XXXXXX";
    path = ::mkdtemp(pattern.data());
  }
  ~scratch() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

messages::expect_arrivals expecting(const scratch& in, std::uint64_t ticket, const std::string& study) {
  messages::expect_arrivals what;
  what.owner = "mgh-rad";
  what.ticket = ticket;
  what.ae_title = "MGHPACS";
  what.study = dicom_uid{study};
  what.patient = {messages::protected_text{"0012345"}, messages::protected_text{"MGH"}};
  what.directory = in.path;
  what.stem = "000017";
  what.most_bytes = 1000;
  what.most_instances = 10;
  return what;
}

}  // namespace

BOOST_AUTO_TEST_CASE(gives_each_child_a_part_of_its_own) {
  const scratch in;
  arrivals_table table;
  BOOST_REQUIRE(table.expect(expecting(in, 1, "1.2.3")));
  auto first = table.decide(7, dicom_uid{"1.2.3"}, "MGHPACS");
  auto second = table.decide(8, dicom_uid{"1.2.3"}, "MGHPACS");
  BOOST_TEST((first.decision.allowed && second.decision.allowed && first.pack && second.pack));
  BOOST_TEST(first.decision.patient.patient_id.reveal() == "0012345");
  BOOST_TEST(first.decision.most_bytes == 1000U);
  const auto* one = table.find(7, dicom_uid{"1.2.3"});
  BOOST_TEST((one->parts == std::vector<std::string>{"000017-1.part", "000017-2.part"}));
  BOOST_TEST(std::filesystem::exists(in.path / "000017-2.part"));
  BOOST_TEST(table.forget_child(7).size() == 1U);
  BOOST_TEST((one->writers == std::set<gateways::child_number>{8}));
}

BOOST_AUTO_TEST_CASE(passes_over_what_a_crash_left_behind) {
  const scratch in;
  std::ofstream{in.path / "000017-1.part"} << "left behind";
  arrivals_table table;
  BOOST_REQUIRE(table.expect(expecting(in, 1, "1.2.3")));
  BOOST_TEST(table.decide(7, dicom_uid{"1.2.3"}, "MGHPACS").decision.allowed);
  BOOST_TEST((table.find(7, dicom_uid{"1.2.3"})->parts == std::vector<std::string>{"000017-2.part"}));
}

BOOST_AUTO_TEST_CASE(allows_no_study_that_is_not_expected_or_stopping) {
  const scratch in;
  arrivals_table table;
  BOOST_TEST(!table.decide(7, dicom_uid{"1.2.3"}, "MGHPACS").decision.allowed);
  BOOST_REQUIRE(table.expect(expecting(in, 1, "1.2.3")));
  table.find(7, dicom_uid{"1.2.3"})->stopping = true;
  BOOST_TEST(!table.decide(7, dicom_uid{"1.2.3"}, "MGHPACS").decision.allowed);
  table.forget({"mgh-rad", 1});
  BOOST_TEST(table.find(7, dicom_uid{"1.2.3"}) == nullptr);
  BOOST_TEST(std::filesystem::is_empty(in.path));
}

BOOST_AUTO_TEST_CASE(expects_a_study_once_at_a_time) {
  const scratch in;
  arrivals_table table;
  BOOST_REQUIRE(table.expect(expecting(in, 1, "1.2.3")));
  BOOST_TEST((table.expect(expecting(in, 2, "1.2.3")).error().code == errc::conflict));
  BOOST_TEST((table.expect(expecting(in, 1, "1.2.4")).error().code == errc::conflict));
  BOOST_TEST(table.expect(expecting(in, 2, "1.2.4")).ok());
  BOOST_TEST(table.of_owner("mgh-rad").size() == 2U);
  BOOST_TEST(table.of_owner("other").empty());
}

BOOST_AUTO_TEST_CASE(tells_two_senders_of_the_same_study_apart_by_their_titles) {
  const scratch in;
  arrivals_table table;
  BOOST_REQUIRE(table.expect(expecting(in, 1, "1.2.3")));
  auto other = expecting(in, 1, "1.2.3");
  other.owner = "bwh-rad";
  other.ae_title = "BWHPACS";
  other.stem = "000018";
  other.patient.patient_id = messages::protected_text{"B77"};
  BOOST_REQUIRE(table.expect(other));
  BOOST_TEST(table.decide(7, dicom_uid{"1.2.3"}, "BWHPACS").decision.patient.patient_id.reveal() == "B77");
  BOOST_TEST(table.decide(8, dicom_uid{"1.2.3"}, "MGHPACS").decision.patient.patient_id.reveal() == "0012345");
  BOOST_TEST(!table.decide(9, dicom_uid{"1.2.3"}, "ANYBODY").decision.allowed);
  BOOST_TEST(table.find(7, dicom_uid{"1.2.3"})->expected.owner == "bwh-rad");
  BOOST_TEST(table.find(9, dicom_uid{"1.2.3"}) == nullptr);
  table.forget({"mgh-rad", 1});
  BOOST_TEST_MESSAGE("where only one expects it, the title does not matter");
  BOOST_TEST(table.decide(9, dicom_uid{"1.2.3"}, "ANYBODY").decision.allowed);
}

BOOST_AUTO_TEST_CASE(takes_over_tls_only_what_is_expected_so) {
  const scratch in;
  arrivals_table table;
  BOOST_REQUIRE(table.expect(expecting(in, 1, "1.2.3"), true));
  const auto clear = table.decide(7, dicom_uid{"1.2.3"}, "ANYBODY");
  BOOST_TEST((!clear.decision.allowed && !clear.pack));
  BOOST_TEST(clear.decision.reason.find("TLS") != std::string::npos);
  BOOST_TEST(table.decide(8, dicom_uid{"1.2.3"}, "ANYBODY", true).decision.allowed);
}

BOOST_AUTO_TEST_CASE(holds_all_parts_together_to_the_limits) {
  const scratch in;
  arrivals_table table;
  BOOST_REQUIRE(table.expect(expecting(in, 1, "1.2.3")));
  auto* one = table.find(7, dicom_uid{"1.2.3"});
  one->bytes = 900;
  one->instances = 9;
  const auto next = table.decide(7, dicom_uid{"1.2.3"}, "MGHPACS");
  BOOST_TEST(next.decision.most_bytes == 100U);
  BOOST_TEST(next.decision.most_instances == 1U);
  one->instances = 10;
  BOOST_TEST(!table.decide(8, dicom_uid{"1.2.3"}, "MGHPACS").decision.allowed);
}

BOOST_AUTO_TEST_CASE(a_part_that_cannot_be_opened_is_a_refusal) {
  const scratch in;
  arrivals_table table;
  auto lost = expecting(in, 1, "1.2.3");
  lost.directory = in.path / "gone";
  BOOST_REQUIRE(table.expect(lost));
  const auto refused = table.decide(7, dicom_uid{"1.2.3"}, "MGHPACS");
  BOOST_TEST((!refused.decision.allowed && !refused.pack));
  BOOST_TEST(table.find(7, dicom_uid{"1.2.3"})->writers.empty());
}

BOOST_AUTO_TEST_CASE(expects_no_more_studies_than_the_limit) {
  const scratch in;
  arrivals_table table;
  for (std::uint64_t n = 0; n < arrivals_table::most_arrivals; ++n)
    BOOST_REQUIRE(table.expect(expecting(in, n, "1.2." + std::to_string(n))));
  BOOST_TEST((table.expect(expecting(in, 9999, "1.3")).error().code == errc::rate_limited));
}

BOOST_AUTO_TEST_SUITE_END()
