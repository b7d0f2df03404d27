// What a shard finds and does when it starts.

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "actors/cache_shard.hpp"
#include "tests/actors/shard_site.hpp"

BOOST_AUTO_TEST_SUITE(cache_shard_start)

using namespace penstock;
using namespace penstock::messages;
using namespace penstock::tests;

BOOST_FIXTURE_TEST_CASE(no_name_on_the_disk_says_whose_study_it_is, site) {
  running world{options};
  BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
  const auto path = only_file_below(packs()).string();
  BOOST_TEST(path.find("1.2.3") == std::string::npos);
  BOOST_TEST(path.find("0012345") == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_new_process_finds_everything_and_clears_what_was_incoming, site) {
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {uid(1)}).ok());
    tests::write_part(incoming(), "0123456789abcdef-1.part", {numbered(2)});
  }
  running world{fresh_options()};
  BOOST_TEST(world.locate({uid(1)}).objects.front().problem == "");
  BOOST_TEST(files_below(incoming()) == 0);
  BOOST_TEST(world.describe().problem == "");
}

BOOST_FIXTURE_TEST_CASE(a_restart_of_the_actor_leaves_in_peace_what_is_on_its_way, site) {
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {uid(1)}).ok());
    tests::write_part(incoming(), "0123456789abcdef-1.part", {numbered(2)});
    unclaimed.insert("1.2.3");
  }
  running world{options};
  BOOST_TEST(files_below(incoming()) == 1);
  BOOST_TEST(world.describe().studies == 1);
}

BOOST_FIXTURE_TEST_CASE(a_new_process_removes_studies_that_nobody_claims, site) {
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {uid(1)}).ok());
  }
  unclaimed.insert("1.2.3");
  running world{fresh_options()};
  BOOST_TEST(world.describe().studies == 0);
  BOOST_TEST(files_below(packs()) == 0);
}

BOOST_FIXTURE_TEST_CASE(makes_a_lost_catalogue_again_from_the_packs, site) {
  std::string digest;
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}, {numbered(2)}}, {}).ok());
    digest = world.locate({uid(2)}).objects.front().dataset_sha256;
  }
  fs::remove_all(catalogue());
  running world{fresh_options()};
  const auto located = world.locate({uid(1), uid(2)});
  BOOST_TEST(located.objects[0].problem == "");
  BOOST_TEST(located.objects[1].dataset_sha256 == digest);
  BOOST_TEST(world.describe().instances == 2);
}

BOOST_FIXTURE_TEST_CASE(removes_packs_without_rows_that_nobody_claims, site) {
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
  }
  fs::remove_all(catalogue());
  unclaimed.insert("1.2.3");
  running world{fresh_options()};
  BOOST_TEST(files_below(settled()) == 0);
}

BOOST_FIXTURE_TEST_CASE(makes_a_damaged_catalogue_again_also_while_the_process_runs, site) {
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
  }
  std::ofstream{catalogue() / "CURRENT"} << "nonsense";
  unclaimed.insert("1.2.3");
  running world{options};
  BOOST_TEST(world.locate({uid(1)}).objects.front().problem == "");
}

BOOST_FIXTURE_TEST_CASE(forgets_the_rows_of_packs_that_are_gone_and_keeps_the_others, site) {
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
    BOOST_REQUIRE(world.deliver({{numbered(2)}}, {}).ok());
    fs::remove(world.locate({uid(1)}).objects.front().pack);
  }
  running world{fresh_options()};
  BOOST_TEST(world.locate({uid(1)}).objects.front().problem == "not in the cache");
  BOOST_TEST(world.locate({uid(2)}).objects.front().problem == "");
  BOOST_TEST(world.describe().problem == "1 packs lost, 0 unreadable");
}

BOOST_FIXTURE_TEST_CASE(leaves_a_pack_alone_in_which_nothing_checks, site) {
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
  }
  const auto pack = only_file_below(settled());
  overwrite(pack, fs::file_size(pack) - 40 - 5, 'X');
  fs::remove_all(catalogue());
  running world{fresh_options()};
  BOOST_TEST(files_below(settled()) == 1);
  BOOST_TEST(world.describe().problem == "0 packs lost, 1 unreadable");
}

BOOST_AUTO_TEST_SUITE_END()
