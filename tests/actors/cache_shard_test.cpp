#include "actors/cache_shard.hpp"

#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

#include "storage/catalogue.hpp"
#include "storage/digest.hpp"
#include "tests/actors/shard_site.hpp"

BOOST_AUTO_TEST_SUITE(cache_shard)

using namespace penstock;
using namespace penstock::messages;
using namespace penstock::tests;
using namespace std::chrono_literals;

namespace {

/// The operating system refuses to let any file of this process grow beyond the limit.
class file_size_limit {
 public:
  explicit file_size_limit(std::size_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limited{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limited);
  }
  ~file_size_limit() { setrlimit(RLIMIT_FSIZE, &before_); }
  file_size_limit(const file_size_limit&) = delete;
  file_size_limit& operator=(const file_size_limit&) = delete;

 private:
  rlimit before_{};
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(settles_what_arrived_and_says_what_is_missing, site) {
  running world{options};
  const auto settled = world.deliver({{numbered(1), numbered(2)}, {numbered(3)}}, {uid(1), uid(2), uid(3), uid(4)});
  BOOST_REQUIRE(settled.ok());
  BOOST_TEST((settled->present == std::vector{uid(1), uid(2), uid(3)}));
  BOOST_TEST((settled->missing == std::vector{uid(4)}));
  BOOST_TEST((settled->patient == patient));
  BOOST_TEST(settled->request == 17);
  BOOST_TEST(settled->permit == 4);
  BOOST_TEST(settled->series == 1);
  BOOST_TEST(settled->modality == "MR");
  BOOST_TEST(settled->study_date == "20260301");
  BOOST_TEST((settled->accession == protected_text{"A77"}));
  BOOST_TEST(settled->bytes > 3 * 64);
  BOOST_TEST(files_below(incoming()) == 0);
  BOOST_TEST(files_below(this->settled() / "gh-rad") == 2);
  const auto totals = world.describe();
  BOOST_TEST(totals.studies == 1);
  BOOST_TEST(totals.instances == 3);
  BOOST_TEST(totals.problem == "");
}

BOOST_FIXTURE_TEST_CASE(fetches_nothing_while_the_disk_has_less_room_than_is_to_stay_free, site) {
  options.min_free_bytes = std::uint64_t{1} << 60;
  running full{options};
  const auto refused = full.ask<pack_reserved>(full.shard, reserve_pack{"gh-rad", study, {}, {}, {}});
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == errc::no_space));
  BOOST_TEST(refused.error().context.find("1099511627776 MiB is the least (min_free_disk)") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_located_object_is_a_part_10_file_with_the_data_set_as_received, site) {
  running world{options};
  BOOST_REQUIRE(world.deliver({{numbered(1), numbered(2)}}, {}).ok());
  const auto located = world.locate({uid(2)});
  BOOST_TEST(located.node == "node-1");
  BOOST_REQUIRE(located.objects.size() == 1);
  const auto& found = located.objects.front();
  BOOST_TEST(found.problem == "");
  BOOST_TEST((found.patient_id == protected_text{"0012345"}));
  BOOST_TEST(found.instance_number == 2);
  BOOST_REQUIRE(fs::path{found.pack}.is_absolute());
  std::vector<char> bytes(found.bytes);
  std::ifstream pack{found.pack, std::ios::binary};
  pack.seekg(static_cast<std::streamoff>(found.offset));
  pack.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  BOOST_REQUIRE(pack.good());
  BOOST_TEST(std::memcmp(bytes.data() + 128, "DICM", 4) == 0);
  const auto sent = tests::dataset_of(numbered(2));
  const std::string_view text{reinterpret_cast<const char*>(sent.data()), sent.size()};
  BOOST_TEST((std::string_view{bytes.data(), bytes.size()}.ends_with(text)));
  BOOST_TEST(found.dataset_sha256 == storage::to_hex(storage::sha256(text)));
}

BOOST_FIXTURE_TEST_CASE(takes_all_that_arrived_when_nothing_was_expected, site) {
  running world{options};
  const auto settled = world.deliver({{numbered(1), numbered(2)}}, {});
  BOOST_REQUIRE(settled.ok());
  BOOST_TEST(settled->present.size() == 2);
  BOOST_TEST(settled->missing.empty());
}

BOOST_FIXTURE_TEST_CASE(digests_instances_that_are_larger_than_its_buffer, site) {
  running world{options};
  auto large = numbered(1);
  large.pixel_bytes = 1'000'001;
  BOOST_REQUIRE(world.deliver({{large}}, {uid(1)}).ok());
  const auto sent = tests::dataset_of(large);
  BOOST_TEST(world.locate({uid(1)}).objects.front().dataset_sha256 ==
             storage::to_hex(storage::sha256({reinterpret_cast<const char*>(sent.data()), sent.size()})));
}

BOOST_FIXTURE_TEST_CASE(refuses_objects_of_another_study_or_name, site) {
  running world{options};
  auto foreign = numbered(2);
  foreign.study = "9.9.9";
  auto renamed = numbered(3);
  renamed.recorded = "1.2.3.1.4";
  const auto settled = world.deliver({{numbered(1), foreign, renamed}}, {uid(1), uid(2), uid(3), uid(4)});
  BOOST_REQUIRE(settled.ok());
  BOOST_TEST((settled->present == std::vector{uid(1)}));
  BOOST_TEST(settled->missing.size() == 3);
  BOOST_TEST(settled->outcome.refused == 2);
}

BOOST_FIXTURE_TEST_CASE(refuses_a_record_whose_bytes_do_not_check, site) {
  running world{options};
  const auto reserved = world.ask<pack_reserved>(world.shard, reserve_pack{"gh-rad", study, {}, {}, {}}).value();
  const auto name = reserved.stem + "-1.part";
  tests::write_part(reserved.directory, name, {numbered(1), numbered(2)});
  const auto path = fs::path{reserved.directory} / name;
  // A pixel of the second: before the commit block that ends the file.
  overwrite(path, fs::file_size(path) - 40 - 5, 'X');
  settle_study arrived;
  arrived.pacs = "gh-rad";
  arrived.study = study;
  arrived.parts = {name};
  arrived.expected = {uid(1), uid(2)};
  const auto settled = world.ask<study_settled>(world.shard, arrived);
  BOOST_REQUIRE(settled.ok());
  BOOST_TEST((settled->present == std::vector{uid(1)}));
  BOOST_TEST((settled->missing == std::vector{uid(2)}));
  BOOST_TEST(settled->outcome.refused == 1);
}

BOOST_FIXTURE_TEST_CASE(removes_parts_that_hold_nothing, site) {
  running world{options};
  const auto settled = world.deliver({{}, {numbered(1)}}, {uid(1)});
  BOOST_REQUIRE(settled.ok());
  BOOST_TEST(settled->missing.empty());
  BOOST_TEST(files_below(incoming()) == 0);
  BOOST_TEST(files_below(this->settled()) == 1);
}

BOOST_FIXTURE_TEST_CASE(takes_a_part_whose_writer_died_before_the_file_header_for_empty, site) {
  running world{options};
  const auto reserved = world.ask<pack_reserved>(world.shard, reserve_pack{"gh-rad", study, {}, {}, {}}).value();
  const auto name = reserved.stem + "-1.part";
  std::ofstream{fs::path{reserved.directory} / name} << "PENS";
  settle_study arrived;
  arrived.pacs = "gh-rad";
  arrived.study = study;
  arrived.parts = {name};
  arrived.expected = {uid(1)};
  const auto settled = world.ask<study_settled>(world.shard, arrived);
  BOOST_REQUIRE(settled.ok());
  BOOST_TEST(settled->missing.size() == 1);
  BOOST_TEST(files_below(packs()) == 0);
}

BOOST_FIXTURE_TEST_CASE(counts_what_earlier_deliveries_brought, site) {
  running world{options};
  BOOST_REQUIRE(world.deliver({{numbered(1)}}, {uid(1), uid(2)}).ok());
  const auto settled = world.deliver({{numbered(1), numbered(2)}}, {uid(1), uid(2)});
  BOOST_REQUIRE(settled.ok());
  BOOST_TEST(settled->missing.empty());
  BOOST_TEST(settled->present.size() == 2);
  BOOST_TEST(world.describe().instances == 2);
}

BOOST_FIXTURE_TEST_CASE(keeps_the_earlier_pack_when_the_same_bytes_come_again, site) {
  running world{options};
  BOOST_REQUIRE(world.deliver({{numbered(1)}}, {uid(1)}).ok());
  const auto before = world.locate({uid(1)}).objects.front().pack;
  BOOST_REQUIRE(world.deliver({{numbered(1)}}, {uid(1)}).ok());
  BOOST_TEST(world.locate({uid(1)}).objects.front().pack == before);
  BOOST_TEST(files_below(packs()) == 1);
}

BOOST_FIXTURE_TEST_CASE(settling_again_changes_nothing, site) {
  running world{options};
  const auto first = world.deliver({{numbered(1)}, {numbered(2)}}, {uid(1), uid(2), uid(3)});
  const auto again = world.ask<study_settled>(world.shard, world.last);
  BOOST_REQUIRE(first.ok());
  BOOST_REQUIRE(again.ok());
  BOOST_TEST((first->present == again->present));
  BOOST_TEST((first->missing == again->missing));
  BOOST_TEST(files_below(settled()) == 2);
}

BOOST_FIXTURE_TEST_CASE(a_full_disk_leaves_the_parts_for_a_later_try, site) {
  running world{options};
  disk.is_full = true;
  const auto settled = world.deliver({{numbered(1)}}, {uid(1)});
  BOOST_REQUIRE(!settled.ok());
  BOOST_TEST((settled.error().code == errc::no_space));
  BOOST_TEST(files_below(incoming()) == 1);
  BOOST_TEST((world.describe().problem != ""));
  disk.is_full = false;
  const auto later = world.ask<study_settled>(world.shard, world.last);
  BOOST_REQUIRE(later.ok());
  BOOST_TEST(later->missing.empty());
}

BOOST_FIXTURE_TEST_CASE(a_failed_catalogue_is_opened_again_by_the_next_life, site) {
  running world{options};
  std::vector<object> many;
  for (int i = 1; i <= 300; ++i) many.push_back(numbered(i));
  const auto reserved = world.ask<pack_reserved>(world.shard, reserve_pack{"gh-rad", study, {}, {}, {}}).value();
  settle_study arrived;
  arrived.pacs = "gh-rad";
  arrived.study = study;
  arrived.parts = {reserved.stem + "-1.part"};
  tests::write_part(reserved.directory, arrived.parts.front(), many);
  arrived.expected = {uid(1), uid(300)};
  {
    // Less than the catalogue's log needs for so many rows; the part itself is only read and renamed.
    const file_size_limit limit{std::size_t{128} << 10};
    BOOST_TEST(!world.ask<study_settled>(world.shard, arrived).ok());
  }
  BOOST_TEST(world.restarts == 1);
  world.advance(1s);
  const auto later = world.ask<study_settled>(world.shard, arrived);
  BOOST_REQUIRE(later.ok());
  BOOST_TEST(later->missing.empty());
}

BOOST_FIXTURE_TEST_CASE(refuses_names_that_are_not_parts_of_its_own, site) {
  running world{options};
  settle_study arrived;
  arrived.pacs = "gh-rad";
  arrived.study = study;
  for (const std::string name : {"../../0123456789abcdef-1.part", "0123456789abcdef-1.pack", "0123456789ABCDEF-1.part",
                                 "0123456789abcdef.part", "0123456789abcdef-/.part", ""}) {
    arrived.parts = {name};
    const auto settled = world.ask<study_settled>(world.shard, arrived);
    BOOST_REQUIRE(!settled.ok());
    BOOST_TEST((settled.error().code == errc::bad_request));
  }
  arrived.pacs = "../gh";
  arrived.parts = {};
  BOOST_TEST((world.ask<study_settled>(world.shard, arrived).error().code == errc::bad_request));
  arrived.pacs = "gh-rad";
  arrived.parts.assign(5000, "0123456789abcdef-1.part");
  BOOST_TEST((world.ask<study_settled>(world.shard, arrived).error().code == errc::too_large));
}

BOOST_FIXTURE_TEST_CASE(reserves_a_new_stem_each_time, site) {
  running world{options};
  std::set<std::string> stems;
  for (int i = 0; i < 100; ++i)
    stems.insert(world.ask<pack_reserved>(world.shard, reserve_pack{"gh-rad", study, {}, {}, {}}).value().stem);
  BOOST_TEST(stems.size() == 100);
  BOOST_TEST(stems.begin()->size() == 16);
}

BOOST_FIXTURE_TEST_CASE(lets_a_whole_study_be_adopted_and_names_what_lacks_else, site) {
  running world{options};
  BOOST_REQUIRE(world.deliver({{numbered(1), numbered(2)}}, {uid(1), uid(2)}).ok());
  adopt_study wanted{"second", 9, "gh-rad", study, {protected_text{"0012345"}, {}}, {uid(1), uid(2)}, {}, false};
  const auto adopted = world.ask<study_settled>(world.shard, wanted);
  BOOST_REQUIRE(adopted.ok());
  BOOST_TEST(adopted->missing.empty());
  BOOST_TEST(adopted->present.size() == 2);
  BOOST_TEST(adopted->project == "second");
  BOOST_TEST(adopted->bytes > 0);
  wanted.expected.push_back(uid(3));
  BOOST_TEST((world.ask<study_settled>(world.shard, wanted)->missing == std::vector{uid(3)}));
  wanted.expected = {uid(1), uid(2)};
  wanted.patient.patient_id = protected_text{"999"};
  BOOST_TEST(world.ask<study_settled>(world.shard, wanted)->missing.size() == 2);
  wanted.expected.clear();
  BOOST_TEST((world.ask<study_settled>(world.shard, wanted).error().code == errc::bad_request));
}

BOOST_FIXTURE_TEST_CASE(says_what_cannot_be_read, site) {
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {uid(1)}).ok());
    BOOST_REQUIRE(world.deliver({{numbered(2)}}, {uid(2)}).ok());
    BOOST_TEST(world.locate({uid(9)}).objects.front().problem == "not in the cache");
    fs::remove(world.locate({uid(1)}).objects.front().pack);
    BOOST_TEST(world.locate({uid(1)}).objects.front().problem == "its pack is missing");
  }
  {
    auto catalogue = storage::catalogue::open(this->catalogue()).value();
    const auto packs = catalogue.packs_of("gh-rad", study).value();
    for (const auto& pack : packs) BOOST_REQUIRE(catalogue.quarantine_pack("gh-rad", study, pack.pack_id).ok());
  }
  running world{options};
  BOOST_TEST(world.locate({uid(2)}).objects.front().problem == "quarantined: a check of its pack failed");
  const auto again = world.deliver({{numbered(2)}}, {uid(2)});
  BOOST_TEST(again->missing.empty());
  BOOST_TEST(world.locate({uid(2)}).objects.front().problem == "");
}

BOOST_FIXTURE_TEST_CASE(lists_series_and_instances_of_the_manifest_only, site) {
  running world{options};
  auto report = numbered(3);
  report.series = "1.2.3.2";
  report.series_number = 0;
  report.modality = "SR";
  auto tenth = numbered(10);
  BOOST_REQUIRE(world.deliver({{tenth, numbered(2), numbered(4), report}}, {}).ok());
  list_instances asked{"gh-rad", study, {}, true, {uid(10), uid(2), uid(3)}};
  const auto series = nlohmann::json::parse(world.ask<answered>(world.shard, asked)->json)["items"];
  BOOST_REQUIRE(series.size() == 2);
  BOOST_TEST(series[0]["Modality"] == "SR");
  BOOST_TEST(series[1]["instances"] == 2);
  BOOST_TEST(series[1]["SeriesDescription"] == "Schädel");
  BOOST_TEST(series[1]["bytes"].get<int>() > 2 * 64);
  asked.by_series = false;
  asked.series = dicom_uid{"1.2.3.1"};
  const auto instances = nlohmann::json::parse(world.ask<answered>(world.shard, asked)->json)["items"];
  BOOST_REQUIRE(instances.size() == 2);
  BOOST_TEST(instances[0]["InstanceNumber"] == 2);
  BOOST_TEST(instances[1]["InstanceNumber"] == 10);
  BOOST_TEST(instances[0]["Rows"] == 256);
  BOOST_TEST(instances[0]["Columns"] == 512);
  BOOST_TEST(instances[0]["NumberOfFrames"] == 2);
  BOOST_TEST(instances[0]["dataset_sha256"].get<std::string>().size() == 64);
}

BOOST_FIXTURE_TEST_CASE(forgetting_a_study_removes_its_bytes, site) {
  running world{options};
  BOOST_REQUIRE(world.deliver({{numbered(1)}, {numbered(2)}}, {}).ok());
  const auto forgotten = world.ask<study_forgotten>(world.shard, forget_study{"gh-rad", study});
  BOOST_REQUIRE(forgotten.ok());
  BOOST_TEST(forgotten->bytes > 0);
  BOOST_TEST(files_below(packs()) == 0);
  BOOST_TEST(world.describe().studies == 0);
  BOOST_TEST((world.ask<study_forgotten>(world.shard, forget_study{"gh-rad", study})->bytes == 0));
}

BOOST_AUTO_TEST_SUITE_END()
