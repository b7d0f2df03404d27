#include "storage/state_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/storage/store_fixture.hpp"

namespace penstock::storage {
namespace {

using messages::errc;
using test::value_of;
namespace fs = std::filesystem;

struct state_fixture {
  test::scratch_directory scratch;
  state_directory_options options() const { return {scratch / "deep" / "state", 2, 1 << 20, 1 << 20}; }
};

unsigned mode_of(const fs::path& path) {
  struct stat status {};
  BOOST_REQUIRE_EQUAL(::stat(path.c_str(), &status), 0);
  return status.st_mode & 0777;
}

BOOST_FIXTURE_TEST_SUITE(state_directory_suite, state_fixture)

BOOST_AUTO_TEST_CASE(makes_private_rooms_and_keeps_room_for_the_end) {
  const auto state = value_of(state_directory::open(options()));
  for (const auto& room :
       {state.root(), state.core(), state.keys(), state.shard(0), state.shard_catalogue(1), state.shard_packs(1)}) {
    BOOST_TEST(fs::is_directory(room), room.string());
    BOOST_TEST(mode_of(room) == 0700U);
  }
  BOOST_TEST(!fs::exists(state.shard(2)));
  BOOST_TEST(fs::file_size(state.root() / "ballast") == std::uintmax_t{1} << 20);
  BOOST_TEST(value_of(state.free_bytes()) > 0U);
}

BOOST_AUTO_TEST_CASE(refuses_a_directory_in_use_and_names_the_process) {
  auto state = value_of(state_directory::open(options()));
  const auto refused = state_directory::open(options());
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == errc::held_by_another));
  BOOST_TEST(refused.error().context ==
             "state directory " + options().root.string() + " is in use by process " + std::to_string(::getpid()));
}

BOOST_AUTO_TEST_CASE(lets_the_lock_go_with_the_object_and_only_then) {
  {
    auto first = value_of(state_directory::open(options()));
    const auto moved = std::move(first);
    BOOST_TEST(!state_directory::open(options()).ok());
  }
  BOOST_TEST(state_directory::open(options()).ok());
}

BOOST_AUTO_TEST_CASE(refuses_a_full_disk_with_both_figures) {
  auto greedy = options();
  greedy.free_bytes_needed = std::uint64_t{1} << 60;
  const auto refused = state_directory::open(greedy);
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == errc::no_space));
  BOOST_TEST(refused.error().context.find(" MiB free, ") != std::string::npos);
  BOOST_TEST(refused.error().context.starts_with("state directory " + greedy.root.string() + ": "));
  BOOST_TEST(refused.error().context.find(" 1099511627777 MiB needed (") != std::string::npos);
  BOOST_TEST(refused.error().context.find(". Make room on its file system, ") != std::string::npos);
  BOOST_TEST(state_directory::open(options()).ok());
}

BOOST_AUTO_TEST_CASE(gives_the_ballast_away_once_and_makes_it_again) {
  {
    auto state = value_of(state_directory::open(options()));
    state.release_ballast();
    state.release_ballast();
    BOOST_TEST(!fs::exists(state.root() / "ballast"));
  }
  const auto state = value_of(state_directory::open(options()));
  BOOST_TEST(fs::exists(state.root() / "ballast"));
}

BOOST_AUTO_TEST_CASE(counts_the_part_of_the_ballast_that_lies_there_already) {
  auto exact = options();
  value_of(state_directory::open(exact));
  exact.ballast_bytes = std::uint64_t{1} << 60;
  BOOST_TEST(state_directory::open(exact).error().context.find(" 1099511627776 MiB needed (") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(makes_an_open_directory_private_again) {
  fs::create_directories(options().root);
  ::chmod(options().root.c_str(), 0755);
  const auto state = value_of(state_directory::open(options()));
  BOOST_TEST(mode_of(state.root()) == 0700U);
}

BOOST_AUTO_TEST_CASE(refuses_a_file_in_the_place_of_a_directory) {
  fs::create_directories(options().root);
  fs::copy_file("/proc/self/comm", options().root / "core");
  BOOST_TEST((state_directory::open(options()).error().code == errc::io_error));
}

BOOST_AUTO_TEST_CASE(follows_no_link_that_lay_there_before) {
  for (const auto* name : {"lock", "ballast"}) {
    fs::create_directories(options().root);
    fs::copy_file("/proc/self/comm", scratch / name);
    fs::create_symlink(scratch / name, options().root / name);
    BOOST_TEST((state_directory::open(options()).error().code == errc::io_error));
    BOOST_TEST(fs::file_size(scratch / name) < 100U);
    fs::remove_all(options().root);
  }
}

BOOST_AUTO_TEST_CASE(judges_the_room_with_some_to_spare_on_the_way_back) {
  constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
  const auto after = [](room before, std::uint64_t free) { return judge_room(free * mebibyte, before, 32 * mebibyte); };
  BOOST_TEST((after(room::ample, 64) == room::ample));
  BOOST_TEST((after(room::ample, 63) == room::scarce));
  BOOST_TEST((after(room::scarce, 79) == room::scarce));
  BOOST_TEST((after(room::scarce, 80) == room::ample));
  BOOST_TEST((after(room::scarce, 15) == room::none));
  BOOST_TEST((after(room::none, 111) == room::none));  // the ballast must fit again
  BOOST_TEST((after(room::none, 112) == room::ample));
}

BOOST_AUTO_TEST_CASE(serves_a_state_that_exists_from_a_full_disk_with_the_room_of_the_ballast) {
  auto full = options();
  full.free_bytes_needed = std::uint64_t{1} << 60;
  {
    const auto state = value_of(state_directory::open(options()));
    BOOST_TEST((state.room_at_start() == room::ample));
    std::ofstream{state.core() / "CURRENT"} << "MANIFEST-000001\n";
  }
  const auto state = value_of(state_directory::open(full));
  BOOST_TEST((state.room_at_start() == room::none));
  BOOST_TEST(!fs::exists(state.root() / "ballast"));
  test::require_ok(state.restore_ballast());
  BOOST_TEST(fs::exists(state.root() / "ballast"));
}

BOOST_AUTO_TEST_CASE(notices_that_it_was_removed_or_replaced) {
  const auto state = value_of(state_directory::open(options()));
  std::ofstream{state.core() / "CURRENT"} << "MANIFEST-000001\n";
  const auto known = value_of(state.who_it_is());
  test::require_ok(state.is_still(known));
  fs::rename(state.core(), scratch / "moved");
  BOOST_TEST((state.is_still(known).error().code == errc::corrupt));
  fs::copy(scratch / "moved", state.core());
  BOOST_TEST(!state.is_still(known).ok());
  fs::remove_all(state.core());
  fs::rename(scratch / "moved", state.core());
  test::require_ok(state.is_still(known));
  fs::remove_all(state.root());
  BOOST_TEST(!state.is_still(known).ok());
}

BOOST_AUTO_TEST_CASE(refuses_fewer_shards_than_there_are) {
  value_of(state_directory::open(options()));
  auto fewer = options();
  fewer.shards = 1;
  const auto refused = state_directory::open(fewer);
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == errc::bad_configuration));
  BOOST_TEST(refused.error().context.ends_with("holds shard 1: cache_shards must be at least 2"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::storage
