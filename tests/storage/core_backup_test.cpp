#include "storage/core_backup.hpp"

#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fstream>
#include <set>

#include "storage/recovery_record.hpp"
#include "tests/storage/store_fixture.hpp"

namespace penstock::storage {
namespace {

using messages::errc;
using test::value_of;
namespace fs = std::filesystem;

/// As a disk that fills up: no file may grow beyond a few bytes.
class small_files_only {
 public:
  small_files_only() {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit tight = before_;
    tight.rlim_cur = 64;
    std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &tight);
  }
  ~small_files_only() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  small_files_only(const small_files_only&) = delete;
  small_files_only& operator=(const small_files_only&) = delete;

 private:
  rlimit before_{};
};

struct backup_fixture : test::journal_fixture {
  fs::path backups() const { return scratch / "backups"; }
  core_backup back_up(std::uint32_t keep = 7) { return value_of(back_up_core(log->core(), backups(), keep)); }
  state_directory state() const {
    state_directory_options options;
    options.root = scratch / "state";
    options.ballast_bytes = 4096;
    return value_of(state_directory::open(options));
  }
  static std::set<std::string> names_in(const state_directory& state) {
    std::set<std::string> names;
    for (const auto& each : fs::directory_iterator{state.root()}) names.insert(each.path().filename().string());
    return names;
  }
  static std::string text_of(const fs::path& file) {
    std::ifstream from{file};
    return {std::istreambuf_iterator<char>{from}, {}};
  }
  std::uint64_t entries_in(const state_directory& state) const {
    const auto opened = value_of(open_core_store({state.core(), state.fence(), false}));
    return value_of(read_head(*opened.store)).size;
  }
};

BOOST_FIXTURE_TEST_SUITE(core_backup_suite, backup_fixture)

BOOST_AUTO_TEST_CASE(brings_back_everything_that_was_committed_before_it_and_says_so_in_the_journal) {
  note(3);
  BOOST_TEST(back_up().reached.size == 3U);
  note(2);
  const auto to = state();
  const auto done = value_of(restore_core(backups(), {}, to));
  BOOST_TEST(done.entries == 3U);
  BOOST_TEST(done.replaced.empty());
  BOOST_TEST(entries_in(to) == 4U);  // and the one that says what is missing
  const auto opened = value_of(open_core_store({to.core(), to.fence(), false}));
  BOOST_TEST(opened.warnings.empty());
  BOOST_TEST(value_of(newest_missing_since(*opened.store)).has_value());
}

BOOST_AUTO_TEST_CASE(is_not_reached_by_what_is_committed_later) {
  note(3);
  back_up();
  note(40);
  const auto to = state();
  BOOST_TEST(value_of(restore_core(backups(), {}, to)).entries == 3U);
}

BOOST_AUTO_TEST_CASE(tells_how_many_entries_are_missing_by_the_fence_that_was_there_and_keeps_what_it_replaces) {
  note(3);
  back_up();
  note(2);
  const auto to = state();
  test::require_ok(write_fence(to.fence(), log->checkpoint()));
  std::ofstream{to.core() / "CURRENT"} << "nonsense";
  const auto done = value_of(restore_core(backups(), {}, to));
  BOOST_TEST(done.missing.find("with 3 entries; 2 entries that were acknowledged until") != std::string::npos,
             done.missing);
  BOOST_TEST(fs::exists(done.replaced / "CURRENT"));
}

BOOST_AUTO_TEST_CASE(keeps_as_many_as_it_is_told_and_restores_the_one_that_is_named) {
  for (int i = 0; i < 4; ++i) {
    note(1);
    back_up(3);
  }
  const auto all = value_of(list_backups(backups()));
  BOOST_REQUIRE_EQUAL(all.size(), 3U);
  BOOST_TEST(all.front().number == 2U);
  const auto to = state();
  BOOST_TEST(value_of(restore_core(backups(), 3, to)).entries == 3U);
  BOOST_TEST((restore_core(backups(), 1, to).error().code == errc::not_found));
}

BOOST_AUTO_TEST_CASE(refuses_a_damaged_backup_and_changes_nothing) {
  note(3);
  back_up();
  const auto to = state();
  BOOST_REQUIRE(restore_core(backups(), {}, to).ok());
  const auto before = names_in(to);
  const auto fence = text_of(to.fence());
  for (const auto& file : fs::directory_iterator{backups() / "shared_checksum"}) {
    std::fstream bytes{file.path(), std::ios::in | std::ios::out | std::ios::binary};
    bytes.seekp(100);
    bytes.put('\x55');
  }
  const auto refused = restore_core(backups(), {}, to);
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == errc::corrupt), refused.error().text());
  BOOST_TEST(names_in(to) == before);
  BOOST_TEST(text_of(to.fence()) == fence);
  BOOST_TEST(entries_in(to) == 4U);
}

BOOST_AUTO_TEST_CASE(leaves_no_copy_behind_where_there_is_no_room_for_it) {
  note(3);
  back_up();
  const auto to = state();
  BOOST_REQUIRE(restore_core(backups(), {}, to).ok());
  const auto before = names_in(to);
  {
    const small_files_only limit;
    BOOST_TEST(!restore_core(backups(), {}, to).ok());
  }
  BOOST_TEST(names_in(to) == before, boost::test_tools::per_element());
  BOOST_TEST(entries_in(to) == 4U);
}

BOOST_AUTO_TEST_CASE(starts_whenever_it_ends_before_or_after_the_names_are_exchanged) {
  note(3);
  back_up();
  note(20);
  const auto to = state();
  test::require_ok(write_fence(to.fence(), log->checkpoint()));
  const auto old_fence = text_of(to.fence());
  std::ofstream{to.core() / "CURRENT"} << "nonsense";
  const auto done = value_of(restore_core(backups(), {}, to));
  // As it is when it ends between the exchange and the new fence.
  fs::rename(to.fence(), fence_of_restored(to.fence()));
  std::ofstream{to.fence()} << old_fence;
  BOOST_TEST(entries_in(to) == 4U);
  BOOST_TEST(!fs::exists(fence_of_restored(to.fence())));
  BOOST_TEST(text_of(to.fence()) != old_fence);
  // And before: what is in place is not what the waiting fence is for.
  const auto fence = text_of(to.fence());
  std::ofstream{fence_of_restored(to.fence())} << old_fence;
  BOOST_TEST(entries_in(to) == 4U);
  BOOST_TEST(text_of(to.fence()) == fence);
}

BOOST_AUTO_TEST_CASE(leaves_the_state_beside_it_the_room_of_new_work) {
  BOOST_TEST(fits_beside_state(room_to_admit_bytes + 10, 10));
  BOOST_TEST(!fits_beside_state(room_to_admit_bytes + 10, 11));
  BOOST_TEST(!fits_beside_state(room_to_admit_bytes - 1, 0));
}

BOOST_AUTO_TEST_CASE(is_readable_by_nobody_else) {
  back_up();
  BOOST_TEST((fs::status(backups()).permissions() == fs::perms::owner_all));
}

BOOST_AUTO_TEST_CASE(names_a_directory_that_is_not_there) {
  BOOST_TEST((list_backups(scratch / "nowhere").error().code == errc::not_found));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::storage
