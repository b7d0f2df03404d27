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

namespace {

/// A byte in the first block of every table file.
void damage_tables(const fs::path& catalogue) {
  std::size_t damaged = 0;
  for (const auto& file : fs::directory_iterator{catalogue})
    if (file.path().extension() == ".sst") overwrite(file.path(), 20, 'X'), ++damaged;
  BOOST_REQUIRE(damaged > 0);
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(makes_a_catalogue_with_a_damaged_block_again_and_tells_of_it, site) {
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
  }
  {
    running world{fresh_options()};  // its log becomes a table
  }
  damage_tables(catalogue());
  auto again = fresh_options();
  std::vector<catalogue_made_again> told;
  again.news->listen([&](const catalogue_made_again& news) { told.push_back(news); });
  running world{again};
  BOOST_TEST(world.locate({uid(1)}).objects.front().problem == "");
  BOOST_REQUIRE_EQUAL(told.size(), 1U);
  BOOST_TEST(told[0].packs == 1U);
  BOOST_TEST(fs::exists(told[0].kept_in));
  BOOST_TEST(world.describe().problem.starts_with("its catalogue was damaged"));
}

BOOST_FIXTURE_TEST_CASE(makes_a_catalogue_again_that_is_found_damaged_while_it_is_read, site) {
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
  }
  { running world{fresh_options()}; }
  damage_tables(catalogue());
  auto later = fresh_options();
  later.reconciled->store(true);  // as when the process runs already: nothing is read at the start
  running world{later};
  BOOST_TEST(!world.ask<objects_located>(world.shard, locate_objects{"gh-rad", study, {uid(1)}}).ok());
  world.advance(std::chrono::seconds{1});
  BOOST_TEST(world.restarts == 1);
  BOOST_TEST(world.locate({uid(1)}).objects.front().problem == "");
}

BOOST_AUTO_TEST_SUITE_END()
