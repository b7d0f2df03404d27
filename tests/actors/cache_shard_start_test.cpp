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
  BOOST_TEST(world.describe().problem == "1 packs lost, 0 unreadable, 0 out of reach");
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
  BOOST_TEST(world.describe().problem == "0 packs lost, 1 unreadable, 0 out of reach");
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
  later.lives->reconciled = true;  // as when the process runs already: nothing is read at the start
  running world{later};
  BOOST_TEST(!world.ask<objects_located>(world.shard, locate_objects{"gh-rad", study, {uid(1)}}).ok());
  world.advance(std::chrono::seconds{1});
  BOOST_TEST(world.restarts == 1);
  BOOST_TEST(world.locate({uid(1)}).objects.front().problem == "");
}

namespace {

/// Hears what a shard tells of a loss.
struct listening_site : site {
  std::vector<catalogue_made_again> told;

  actors::cache_shard_options heard() {
    auto made = fresh_options();
    made.news->listen([this](const catalogue_made_again& news) { told.push_back(news); });
    return made;
  }
  std::string pack_of(running& world, int number) { return world.locate({uid(number)}).objects.front().pack; }
  std::string problem_of(running& world, int number) { return world.locate({uid(number)}).objects.front().problem; }
  /// As where the disk of the packs is not mounted.
  void unmount() {
    fs::rename(packs(), directory.path() / "unmounted");
    fs::create_directory(packs());
  }
  void mount() {
    fs::remove_all(packs());
    fs::rename(directory.path() / "unmounted", packs());
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(passes_over_a_pack_that_the_disk_does_not_give_and_reads_it_at_the_next_start, listening_site) {
  std::string pack;
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
    BOOST_REQUIRE(world.deliver({{numbered(2)}}, {}).ok());
    pack = pack_of(world, 1);
  }
  fs::remove_all(catalogue());
  disk.troubled[pack] = full_disk::trouble::reading;
  {
    running world{heard()};
    BOOST_TEST(problem_of(world, 1) == "not in the cache");
    BOOST_TEST(problem_of(world, 2) == "");
    BOOST_TEST(world.describe().problem == "0 packs lost, 0 unreadable, 1 out of reach");
    BOOST_TEST(told.size() == 1U);
  }
  BOOST_TEST(fs::exists(pack));
  disk.troubled.clear();
  running world{fresh_options()};
  BOOST_TEST(problem_of(world, 1) == "");
}

BOOST_FIXTURE_TEST_CASE(tells_of_a_catalogue_made_again_when_the_packs_were_read_to_the_last_one, listening_site) {
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
  }
  std::ofstream{catalogue() / "CURRENT"} << "nonsense";
  write_part(incoming(), "0123456789abcdef-1.part", {numbered(2)});
  disk.removes = false;
  running world{heard()};
  world.advance(std::chrono::seconds{1});
  BOOST_TEST(world.restarts > 1);
  BOOST_TEST(told.empty());
  disk.removes = true;
  world.advance(std::chrono::seconds{2});
  BOOST_TEST(problem_of(world, 1) == "");
  BOOST_REQUIRE_EQUAL(told.size(), 1U);
  BOOST_TEST(fs::exists(told[0].kept_in));
  BOOST_TEST(world.describe().problem.starts_with("its catalogue was damaged"));
}

BOOST_FIXTURE_TEST_CASE(goes_on_with_a_catalogue_that_could_not_be_opened_after_it_was_set_aside, listening_site) {
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
  }
  // As a life leaves it that ended between the two.
  fs::rename(catalogue(), catalogue().string() + ".damaged");
  auto later = heard();
  later.lives->reconciled = true;
  later.lives->unfinished = catalogue_made_again{0, "a block", catalogue().string() + ".damaged", 0, 0};
  running world{later};
  BOOST_TEST(problem_of(world, 1) == "");
  BOOST_REQUIRE_EQUAL(told.size(), 1U);
  BOOST_TEST(told[0].why == "a block");
  world.restart_shard();
  BOOST_TEST(told.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(serves_nothing_and_forgets_nothing_while_the_disk_of_its_packs_is_not_there, listening_site) {
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
  }
  unmount();
  running world{heard()};
  world.advance(std::chrono::seconds{1});
  BOOST_TEST(world.restarts > 1);
  mount();
  world.advance(std::chrono::seconds{2});
  BOOST_TEST(problem_of(world, 1) == "");
  BOOST_TEST(told.empty());
}

BOOST_FIXTURE_TEST_CASE(takes_back_packs_that_return_for_as_long_as_they_are_claimed, listening_site) {
  fs::path lost;
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
    BOOST_REQUIRE(world.deliver({{numbered(2)}}, {}).ok());
    const auto pack = pack_of(world, 1);
    fs::copy_file(pack, directory.path() / "kept");
    fs::remove(pack);
    lost = pack;
  }
  {
    running world{heard()};
    BOOST_TEST(problem_of(world, 1) == "not in the cache");
    BOOST_TEST(told.size() == 1U);
  }
  fs::copy_file(directory.path() / "kept", lost);
  running world{fresh_options()};
  BOOST_TEST(problem_of(world, 1) == "");
}

BOOST_FIXTURE_TEST_CASE(keeps_what_nobody_claims_while_claims_may_be_missing_and_has_holdings_looked_at,
                        listening_site) {
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
  }
  unclaimed.insert("1.2.3");
  auto restored = heard();
  restored.claims_may_be_missing = true;
  {
    running world{restored};
    BOOST_TEST(problem_of(world, 1) == "");
    BOOST_TEST(told.size() == 1U);
    world.restart_shard();
    BOOST_TEST(told.size() == 1U);
  }
  running world{fresh_options()};
  BOOST_TEST(world.describe().studies == 0);
}

BOOST_FIXTURE_TEST_CASE(takes_no_pack_for_lost_about_which_the_disk_does_not_say, listening_site) {
  fs::path folder;
  {
    running world{options};
    BOOST_REQUIRE(world.deliver({{numbered(1)}}, {}).ok());
    folder = fs::path{pack_of(world, 1)}.parent_path();
  }
  fs::rename(folder, directory.path() / "away");
  fs::create_symlink(folder, folder);  // a loop: no answer, instead of a no
  running world{fresh_options()};
  BOOST_TEST(world.describe().problem == "0 packs lost, 0 unreadable, 1 out of reach");
  BOOST_TEST(!world.ask<objects_located>(world.shard, locate_objects{"gh-rad", study, {uid(1)}}).ok());
  fs::remove(folder);
  fs::rename(directory.path() / "away", folder);
  BOOST_TEST(problem_of(world, 1) == "");
}

BOOST_AUTO_TEST_SUITE_END()
