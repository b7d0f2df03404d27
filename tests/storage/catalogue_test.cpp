#include "storage/catalogue.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "storage/codec.hpp"
#include "tests/storage/store_fixture.hpp"

namespace penstock::storage {
namespace {

using messages::dicom_uid;
using messages::errc;
using messages::protected_text;
using test::require_ok;
using test::value_of;

const dicom_uid brain{"1.2.3"};
const dicom_uid knee{"1.2.30"};
const dicom_uid series_a{"1.2.3.1"};
const dicom_uid series_b{"1.2.3.2"};

catalogued_pack pack_of(const std::string& pack_id, const dicom_uid& study = brain,
                        const std::string& pacs = "gh-rad") {
  catalogued_pack pack;
  pack.pack_id = pack_id;
  pack.pacs = pacs;
  pack.study = study;
  pack.pack_bytes = 1000;
  pack.instances = 2;
  return pack;
}

catalogued_instance instance_in(const catalogued_pack& pack, const dicom_uid& series, const std::string& sop_instance) {
  catalogued_instance instance;
  instance.pacs = pack.pacs;
  instance.study = pack.study;
  instance.series = series;
  instance.sop_instance = dicom_uid{sop_instance};
  instance.pack_id = pack.pack_id;
  instance.part10_offset = 96;
  instance.part10_bytes = 4'000'000'000;
  instance.crc32c = 0xe3069283;
  instance.instance_number = -3;
  instance.patient_name = protected_text{"Yamada^Tarou=山田^太郎"};
  return instance;
}

struct catalogue_fixture {
  test::scratch_directory scratch;
  catalogue shard = open();

  catalogue open() const { return value_of(catalogue::open(scratch / "catalogue")); }
  std::vector<std::string> sop_instances(const dicom_uid& study) const {
    std::vector<std::string> uids;
    for (const auto& instance : value_of(shard.instances_of("gh-rad", study)))
      uids.push_back(instance.sop_instance.reveal());
    return uids;
  }
};

using list = std::vector<std::string>;

BOOST_FIXTURE_TEST_SUITE(catalogue_suite, catalogue_fixture)

BOOST_AUTO_TEST_CASE(gives_an_instance_back_as_it_was_put) {
  const auto pack = pack_of("p1");
  const auto put = instance_in(pack, series_a, "1.2.3.1.1");
  require_ok(shard.put_study({pack}, {put}));
  const auto found = value_of(shard.find_instance("gh-rad", brain, series_a, dicom_uid{"1.2.3.1.1"})).value();
  BOOST_TEST(encode(found) == encode(put));
  BOOST_TEST((found.patient_name.reveal() == put.patient_name.reveal()));
  BOOST_TEST(found.part10_bytes == 4'000'000'000U);
}

BOOST_AUTO_TEST_CASE(lists_one_study_of_one_pacs_only) {
  const auto pack = pack_of("p1");
  const auto other_study = pack_of("p2", knee);
  const auto other_pacs = pack_of("p3", brain, "ch-rad");
  require_ok(
      shard.put_study({pack}, {instance_in(pack, series_b, "1.2.3.2.1"), instance_in(pack, series_a, "1.2.3.1.2"),
                               instance_in(pack, series_a, "1.2.3.1.1")}));
  require_ok(shard.put_study({other_study}, {instance_in(other_study, series_a, "9.1")}));
  require_ok(shard.put_study({other_pacs}, {instance_in(other_pacs, series_a, "9.2")}));
  BOOST_TEST(sop_instances(brain) == (list{"1.2.3.1.1", "1.2.3.1.2", "1.2.3.2.1"}));
  BOOST_TEST(sop_instances(knee) == (list{"9.1"}));
  BOOST_TEST(!value_of(shard.find_instance("gh-rad", brain, series_a, dicom_uid{"9.2"})).has_value());
}

BOOST_AUTO_TEST_CASE(moves_an_instance_to_its_newest_pack) {
  const auto first = pack_of("p1");
  const auto second = pack_of("p2");
  require_ok(shard.put_study({first}, {instance_in(first, series_a, "1.1")}));
  require_ok(shard.put_study({second}, {instance_in(second, series_a, "1.1")}));
  BOOST_TEST(value_of(shard.instances_of("gh-rad", brain)).at(0).pack_id == "p2");
  BOOST_TEST(value_of(shard.packs_of("gh-rad", brain)).size() == 2U);
}

BOOST_AUTO_TEST_CASE(accepts_instances_of_a_pack_that_is_known) {
  const auto pack = pack_of("p1");
  require_ok(shard.put_study({pack}, {}));
  require_ok(shard.put_study({}, {instance_in(pack, series_a, "1.1")}));
  require_ok(shard.put_study({}, {}));
  BOOST_TEST(sop_instances(brain) == (list{"1.1"}));
}

BOOST_AUTO_TEST_CASE(refuses_rows_that_do_not_belong_together) {
  const auto pack = pack_of("p1");
  const auto foreign = pack_of("p1", knee);
  const auto code = [&](const std::vector<catalogued_pack>& packs, const std::vector<catalogued_instance>& instances) {
    return shard.put_study(packs, instances).error().code;
  };
  BOOST_TEST((code({pack, foreign}, {}) == errc::bad_request));
  BOOST_TEST((code({pack}, {instance_in(foreign, series_a, "1.1")}) == errc::bad_request));
  BOOST_TEST((code({}, {instance_in(pack, series_a, "1.1")}) == errc::bad_request));
  BOOST_TEST((code({pack_of("")}, {}) == errc::bad_request));
  BOOST_TEST((code({pack}, {instance_in(pack, series_a, "")}) == errc::bad_request));
  BOOST_TEST((code({pack_of("p1", dicom_uid{std::string("1\0002", 3)})}, {}) == errc::bad_request));
  BOOST_TEST(value_of(shard.totals()).packs == 0U);
}

BOOST_AUTO_TEST_CASE(removes_a_study_and_says_which_packs_are_free) {
  const auto pack = pack_of("p1");
  const auto kept = pack_of("p2", knee);
  require_ok(shard.put_study({pack, pack_of("p3")}, {instance_in(pack, series_a, "1.1")}));
  require_ok(shard.put_study({kept}, {instance_in(kept, series_a, "2.1")}));
  const auto freed = value_of(shard.remove_study("gh-rad", brain));
  BOOST_REQUIRE_EQUAL(freed.size(), 2U);
  BOOST_TEST(freed[0].pack_id == "p1");
  BOOST_TEST(sop_instances(brain).empty());
  BOOST_TEST(sop_instances(knee) == (list{"2.1"}));
  BOOST_TEST(value_of(shard.remove_study("gh-rad", brain)).empty());
}

BOOST_AUTO_TEST_CASE(keeps_a_condemned_pack_in_sight) {
  require_ok(shard.put_study({pack_of("p1"), pack_of("p2")}, {}));
  require_ok(shard.quarantine_pack("gh-rad", brain, "p2"));
  const auto packs = value_of(shard.packs_of("gh-rad", brain));
  BOOST_TEST((packs.at(0).state == pack_state::settled));
  BOOST_TEST((packs.at(1).state == pack_state::quarantined));
  BOOST_TEST((shard.quarantine_pack("gh-rad", brain, "p9").error().code == errc::not_found));
}

BOOST_AUTO_TEST_CASE(serves_nothing_of_a_state_that_a_later_version_writes) {
  const auto later = value_of(decode<catalogued_pack>(R"({"pack_id":"p1","state":"frozen"})", "pack"));
  BOOST_TEST((later.state == pack_state::quarantined));
}

BOOST_AUTO_TEST_CASE(sums_up_studies_over_their_packs) {
  require_ok(shard.put_study({pack_of("p1"), pack_of("p2")}, {}));
  require_ok(shard.put_study({pack_of("p3", knee)}, {}));
  std::vector<catalogued_study> studies;
  require_ok(shard.scan_studies([&](const catalogued_study& study) {
    studies.push_back(study);
    return true;
  }));
  BOOST_REQUIRE_EQUAL(studies.size(), 2U);
  BOOST_TEST(studies[0].packs == 2U);
  BOOST_TEST(studies[0].pack_bytes == 2000U);
  BOOST_TEST((studies[1].study == knee));
  const auto totals = value_of(shard.totals());
  BOOST_TEST(totals.studies == 2U);
  BOOST_TEST(totals.packs == 3U);
  BOOST_TEST(totals.instances == 6U);
  BOOST_TEST(totals.pack_bytes == 3000U);

  std::size_t visits = 0;
  require_ok(shard.scan_studies([&](const catalogued_study&) { return ++visits > 1; }));
  BOOST_TEST(visits == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

// Opened anew, so that what is read comes from the disk.
BOOST_AUTO_TEST_CASE(catalogue_keeps_its_rows_over_a_restart) {
  test::scratch_directory scratch;
  const auto pack = pack_of("p1");
  {
    auto shard = value_of(catalogue::open(scratch / "catalogue"));
    require_ok(shard.put_study({pack}, {instance_in(pack, series_a, "1.1")}));
  }
  const auto shard = value_of(catalogue::open(scratch / "catalogue"));
  BOOST_TEST(value_of(shard.instances_of("gh-rad", brain)).size() == 1U);
}

}  // namespace
}  // namespace penstock::storage
