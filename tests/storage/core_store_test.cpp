#include "storage/core_store.hpp"

#include <rocksdb/db.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "storage/fence.hpp"
#include "storage/journal_verifier.hpp"
#include "tests/storage/store_fixture.hpp"

namespace penstock::storage {
namespace {

using messages::errc;
using test::value_of;
namespace fs = std::filesystem;

struct core_fixture : test::journal_fixture {
  /// The newest write-ahead log.
  fs::path wal() const {
    fs::path newest;
    for (const auto& file : fs::directory_iterator{where().directory})
      if (file.path().extension() == ".log" && file.path() > newest) newest = file.path();
    BOOST_REQUIRE(!newest.empty());
    return newest;
  }
  static void flip_byte(const fs::path& file, std::uintmax_t at) {
    std::fstream bytes{file, std::ios::in | std::ios::out | std::ios::binary};
    bytes.seekg(static_cast<std::streamoff>(at));
    const auto byte = static_cast<char>(bytes.get() ^ 0x40);
    bytes.seekp(static_cast<std::streamoff>(at));
    bytes.put(byte);
    BOOST_REQUIRE(bytes.good());
  }
  void stop() { log.reset(); }
  messages::result<opened_core> start(bool accept_rollback = false) const {
    auto options = where();
    options.accept_rollback = accept_rollback;
    return open_core_store(options);
  }
  void expect_refusal(const std::string& part) const {
    const auto refused = start();
    BOOST_REQUIRE(!refused.ok());
    BOOST_TEST((refused.error().code == errc::corrupt));
    BOOST_TEST(refused.error().context.find(part) != std::string::npos, refused.error().context);
  }
  /// Directories beside the database, such as those that an examination leaves.
  std::vector<std::string> beside() const {
    std::vector<std::string> names;
    for (const auto& file : fs::directory_iterator{scratch.path()})
      if (file.is_directory() && file.path().filename() != "core") names.push_back(file.path().filename().string());
    return names;
  }
  /// Twenty entries behind the fence at `fenced`, then one flipped byte in the log after entry `damaged`.
  void damage_after(std::size_t fenced, std::size_t damaged) {
    std::uintmax_t damaged_at = 0;
    for (std::size_t i = 1; i <= 20; ++i) {
      note(1);
      if (i == fenced) fence_now();
      if (i == damaged) damaged_at = fs::file_size(wal()) + 20;
    }
    const auto file = wal();
    stop();
    flip_byte(file, damaged_at);
  }
};

BOOST_FIXTURE_TEST_SUITE(core_store, core_fixture)

BOOST_AUTO_TEST_CASE(gives_a_new_journal_a_fence_at_0) {
  BOOST_TEST(value_of(read_fence(where().fence)).value().size == 0U);
}

BOOST_AUTO_TEST_CASE(opens_without_a_word_in_the_ordinary_case) {
  note(3);
  fence_now();
  note(2);
  stop();
  const auto opened = value_of(start());
  BOOST_TEST(opened.warnings.empty());
  BOOST_TEST(!opened.newest_may_be_missing);
  BOOST_TEST(value_of(read_head(*opened.store)).size == 5U);
}

BOOST_AUTO_TEST_CASE(refuses_an_older_copy_of_the_database) {
  note(3);
  stop();
  fs::copy(where().directory, scratch / "backup", fs::copy_options::recursive);
  open();
  note(2);
  fence_now();
  stop();
  fs::remove_all(where().directory);
  fs::rename(scratch / "backup", where().directory);
  expect_refusal("journal was rolled back: it holds 3 entries, its fence has seen 5");
}

BOOST_AUTO_TEST_CASE(refuses_an_emptied_database) {
  note(3);
  fence_now();
  stop();
  fs::remove_all(where().directory);
  expect_refusal("it holds 0 entries, its fence has seen 3");
}

BOOST_AUTO_TEST_CASE(refuses_a_journal_whose_fence_is_missing) {
  note(3);
  stop();
  fs::remove(where().fence);
  expect_refusal("is missing");
}

BOOST_AUTO_TEST_CASE(takes_a_rollback_that_an_administrator_accepts_but_leaves_the_fence_to_the_record) {
  note(3);
  fence_now();
  stop();
  fs::remove_all(where().directory);
  {
    const auto opened = value_of(start(true));
    BOOST_REQUIRE_EQUAL(opened.warnings.size(), 1U);
    BOOST_TEST(opened.warnings[0].starts_with("accepted by the administrator: journal was rolled back"));
    BOOST_TEST(opened.accepted.starts_with("journal was rolled back: it holds 0 entries, its fence has seen 3"));
    BOOST_TEST(opened.newest_may_be_missing);
  }
  expect_refusal("it holds 0 entries, its fence has seen 3");
}

BOOST_AUTO_TEST_CASE(takes_a_journal_with_an_unreadable_fence_only_when_an_administrator_accepts) {
  note(3);
  stop();
  std::ofstream{where().fence} << "{}";
  expect_refusal("not the JSON of a fence");
  BOOST_TEST(value_of(start(true)).accepted.ends_with("is missing"));
}

BOOST_AUTO_TEST_CASE(opens_a_log_whose_end_is_cut_since_nothing_there_was_acknowledged) {
  note(3);
  const auto file = wal();
  const auto three = fs::file_size(file);
  note(1);
  stop();
  fs::resize_file(file, three + 30);
  const auto opened = value_of(start());
  BOOST_TEST(opened.warnings.empty());
  BOOST_TEST(value_of(read_head(*opened.store)).size == 3U);
}

BOOST_AUTO_TEST_CASE(refuses_a_log_damaged_before_its_fence_and_leaves_it_as_it_was) {
  damage_after(/*fenced=*/15, /*damaged=*/10);
  expect_refusal("it holds 10 entries, its fence has seen 15");
  BOOST_TEST(beside().empty());
  expect_refusal("it holds 10 entries, its fence has seen 15");
}

BOOST_AUTO_TEST_CASE(cuts_a_log_damaged_after_its_fence_and_says_so) {
  damage_after(/*fenced=*/10, /*damaged=*/12);
  {
    const auto opened = value_of(start());
    BOOST_TEST(opened.newest_may_be_missing);
    BOOST_REQUIRE_EQUAL(opened.warnings.size(), 1U);
    BOOST_TEST(opened.warnings[0].find("core.damaged-") != std::string::npos);
    BOOST_TEST(value_of(read_head(*opened.store)).size == 12U);
    BOOST_TEST(value_of(verify_journal(*opened.store, value_of(read_fence(where().fence)))).entries == 12U);
  }
  BOOST_REQUIRE_EQUAL(beside().size(), 1U);
  BOOST_TEST(beside()[0].starts_with("core.damaged-"));

  BOOST_TEST(value_of(start()).warnings.empty());
  open();
  BOOST_TEST(commit(test::append_of({test::entry_of("noted")})).first_sequence == 13U);
}

BOOST_AUTO_TEST_CASE(finishes_and_repeats_the_warning_of_a_start_that_was_interrupted) {
  note(3);
  fence_now();
  stop();
  fs::create_directory(scratch / "core.examined");
  const auto opened = value_of(start());
  BOOST_TEST(opened.newest_may_be_missing);
  BOOST_TEST(opened.warnings.size() == 1U);
  BOOST_TEST(!fs::exists(scratch / "core.examined"));
}

BOOST_AUTO_TEST_CASE(takes_a_log_damaged_before_its_fence_when_an_administrator_accepts) {
  damage_after(/*fenced=*/15, /*damaged=*/10);
  const auto opened = value_of(start(true));
  BOOST_TEST(opened.newest_may_be_missing);
  BOOST_TEST(opened.warnings.size() == 2U);
  BOOST_TEST(value_of(read_head(*opened.store)).size == 10U);
}

BOOST_AUTO_TEST_CASE(takes_a_damaged_log_without_a_fence_only_when_an_administrator_accepts) {
  damage_after(/*fenced=*/15, /*damaged=*/10);
  fs::remove(where().fence);
  expect_refusal("there is no fence to say what it must hold");
  BOOST_TEST(value_of(read_head(*value_of(start(true)).store)).size == 10U);
}

BOOST_AUTO_TEST_CASE(refuses_a_database_whose_manifest_is_gone) {
  note(3);
  fence_now();
  stop();
  for (const auto& file : fs::directory_iterator{where().directory})
    if (file.path().filename().string().starts_with("MANIFEST")) fs::resize_file(file.path(), 0);
  BOOST_TEST((start().error().code == errc::corrupt));
  for (const auto& file : fs::directory_iterator{where().directory})
    if (file.path().filename().string().starts_with("MANIFEST")) fs::remove(file.path());
  BOOST_TEST((start().error().code == errc::corrupt));
}

BOOST_AUTO_TEST_CASE(reads_the_blocks_of_a_large_database_while_it_is_in_use) {
  note(3);
  stop();
  fs::path table;
  {
    // What the log held becomes a table file at a start.
    const auto opened = value_of(start());
    BOOST_TEST(opened.unverified_bytes == 0u);
    std::vector<rocksdb::LiveFileMetaData> files;
    opened.store->engine()->GetLiveFilesMetaData(&files);
    for (const auto& file : files)
      if (file.column_family_name == "entries") table = file.db_path + file.name;
  }
  BOOST_REQUIRE(!table.empty());
  flip_byte(table, 20);
  expect_refusal(table.filename().string());

  auto options = where();
  options.verified_at_start_bytes = 0;
  const auto opened = value_of(open_core_store(options));
  BOOST_TEST(opened.unverified_bytes >= fs::file_size(table));
  BOOST_TEST(value_of(opened.store->verify(UINT64_MAX, [] { return false; })) == opened.unverified_bytes);
  const auto found = opened.store->verify(UINT64_MAX);
  BOOST_REQUIRE(!found.ok());
  BOOST_TEST((found.error().code == errc::corrupt));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::storage
