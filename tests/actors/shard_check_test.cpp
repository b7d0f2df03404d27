#include "actors/shard_check.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "tests/actors/shard_site.hpp"

BOOST_AUTO_TEST_SUITE(shard_check_suite)

using namespace penstock;
using namespace penstock::messages;
using namespace penstock::tests;

namespace {

struct checked_site : site {
  cache_examined sum;

  /// Asks part after part, each as short as can be.
  void check(running& world, bool repair = false) {
    sum = {};
    std::string from;
    do {
      const auto part = world.ask<cache_examined>(world.shard, examine_cache{from, repair, 0}).value();
      sum.studies += part.studies;
      sum.packs += part.packs;
      sum.instances += part.instances;
      sum.bytes += part.bytes;
      sum.findings.insert(sum.findings.end(), part.findings.begin(), part.findings.end());
      from = part.next;
    } while (!from.empty());
  }
  std::string found() const {
    std::string kinds;
    for (const auto& one : sum.findings) kinds += one.kind + (one.repaired ? "! " : " ");
    return kinds;
  }
  /// The last byte of the data set of the instance.
  void damage(running& world, int number) {
    const auto at = world.locate({uid(number)}).objects.front();
    overwrite(at.pack, at.offset + at.bytes - 1, '\x7f');
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(finds_that_everything_agrees, checked_site) {
  running world{options};
  BOOST_REQUIRE(world.deliver({{numbered(1), numbered(2)}, {numbered(3)}}, {}).ok());
  check(world);
  BOOST_TEST(found() == "");
  BOOST_TEST(sum.studies == 1U);
  BOOST_TEST(sum.packs == 2U);
  BOOST_TEST(sum.instances == 3U);
  BOOST_TEST(sum.bytes > 0U);
}

BOOST_FIXTURE_TEST_CASE(takes_no_newer_delivery_of_an_instance_for_a_disagreement, checked_site) {
  running world{options};
  auto other = numbered(1);
  BOOST_REQUIRE(world.deliver({{numbered(1), numbered(2)}}, {}).ok());
  other.series_number = 99;
  BOOST_REQUIRE(world.deliver({{other}}, {}).ok());
  check(world);
  BOOST_TEST(found() == "");
}

BOOST_FIXTURE_TEST_CASE(serves_nothing_more_from_a_pack_with_damaged_bytes_once_it_is_repaired, checked_site) {
  running world{options};
  BOOST_REQUIRE(world.deliver({{numbered(1)}, {numbered(2)}}, {}).ok());
  damage(world, 1);
  check(world);
  BOOST_TEST(found() == "bytes_damaged ");
  BOOST_TEST(world.locate({uid(1)}).objects.front().problem == "");
  check(world, true);
  BOOST_TEST(found() == "bytes_damaged! ");
  BOOST_TEST(world.locate({uid(1)}).objects.front().problem != "");
  BOOST_TEST(world.locate({uid(2)}).objects.front().problem == "");
  check(world);
  BOOST_TEST(found() == "");
  // What is fetched again takes its place.
  BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
  BOOST_TEST(world.locate({uid(1)}).objects.front().problem == "");
}

BOOST_FIXTURE_TEST_CASE(forgets_a_pack_that_is_gone_once_it_is_repaired, checked_site) {
  running world{options};
  BOOST_REQUIRE(world.deliver({{numbered(1)}, {numbered(2)}}, {}).ok());
  fs::remove(world.locate({uid(1)}).objects.front().pack);
  check(world);
  BOOST_TEST(found() == "pack_missing ");
  check(world, true);
  BOOST_TEST(found() == "pack_missing! ");
  check(world);
  BOOST_TEST(found() == "");
}

BOOST_FIXTURE_TEST_CASE(catalogues_a_pack_that_has_no_row_once_it_is_repaired, checked_site) {
  fs::path pack;
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
    pack = world.locate({uid(1)}).objects.front().pack;
    fs::copy_file(pack, directory.path() / "kept");
    fs::remove(pack);
  }
  running world{fresh_options()};
  fs::copy_file(directory.path() / "kept", pack);
  check(world);
  BOOST_TEST(found() == "pack_unlisted ");
  check(world, true);
  BOOST_TEST(found() == "pack_unlisted! ");
  BOOST_TEST(world.locate({uid(1)}).objects.front().problem == "");
  check(world);
  BOOST_TEST(found() == "");
}

BOOST_FIXTURE_TEST_CASE(leaves_alone_what_the_disk_does_not_give_however_it_is_repaired, checked_site) {
  running world{options};
  BOOST_REQUIRE(world.deliver({{numbered(1)}, {numbered(2)}}, {}).ok());
  const auto pack = world.locate({uid(1)}).objects.front().pack;
  for (const auto how : {full_disk::trouble::opening, full_disk::trouble::reading}) {
    disk.troubled[pack] = how;
    check(world, true);
    BOOST_TEST(found() == "pack_unreachable ");
    BOOST_TEST(sum.packs == 2U);
    disk.troubled.clear();
    check(world);
    BOOST_TEST(found() == "");
  }
  BOOST_TEST(world.locate({uid(1)}).objects.front().problem == "");
}

BOOST_FIXTURE_TEST_CASE(leaves_alone_a_pack_without_a_row_that_the_disk_does_not_give, checked_site) {
  fs::path pack;
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
    pack = world.locate({uid(1)}).objects.front().pack;
  }
  fs::remove_all(catalogue());
  disk.troubled[pack] = full_disk::trouble::reading;
  running world{fresh_options()};
  check(world, true);
  BOOST_TEST(found() == "pack_unreachable ");
  disk.troubled.clear();
  check(world, true);
  BOOST_TEST(found() == "pack_unlisted! ");
  BOOST_TEST(world.locate({uid(1)}).objects.front().problem == "");
}

BOOST_FIXTURE_TEST_CASE(takes_no_pack_for_lost_while_nothing_at_all_is_there, checked_site) {
  running world{options};
  BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
  fs::rename(settled(), directory.path() / "unmounted");
  fs::create_directory(settled());
  check(world, true);
  BOOST_TEST(found() == "pack_unreachable ");
  BOOST_TEST(!world.ask<objects_located>(world.shard, locate_objects{"gh-rad", study, {uid(1)}}).ok());
  fs::remove(settled());
  fs::rename(directory.path() / "unmounted", settled());
  BOOST_TEST(world.locate({uid(1)}).objects.front().problem == "");
}

BOOST_FIXTURE_TEST_CASE(begins_anew_when_the_shard_was_started_again_meanwhile, checked_site) {
  running world{options};
  BOOST_REQUIRE(world.deliver({{numbered(1)}, {numbered(2)}}, {}).ok());
  const auto part = world.ask<cache_examined>(world.shard, examine_cache{"", false, 0}).value();
  BOOST_REQUIRE(!part.next.empty());
  world.restart_shard();
  const auto lost = world.ask<cache_examined>(world.shard, examine_cache{part.next, false, 0});
  BOOST_TEST((lost.error().code == errc::conflict));
  check(world);
  BOOST_TEST(sum.packs == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
