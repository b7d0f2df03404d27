#include "storage/recovery_record.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "storage/fence.hpp"
#include "tests/storage/store_fixture.hpp"

namespace penstock::storage {
namespace {

using test::require_ok;
using test::value_of;

struct recovery_fixture : test::journal_fixture {
  opened_core start(bool accept_rollback = false) {
    log.reset();
    auto options = where();
    options.accept_rollback = accept_rollback;
    return value_of(open_core_store(options));
  }
  void record(const opened_core& opened) { require_ok(record_recovery(opened, where().fence, site.options())); }
  std::string newest_entry(const row_reader& core) {
    const auto head = value_of(read_head(core));
    return value_of(read_entries(core, head.size, 1)).at(0).leaf;
  }
};

BOOST_FIXTURE_TEST_SUITE(recovery_record, recovery_fixture)

BOOST_AUTO_TEST_CASE(records_nothing_in_the_ordinary_case) {
  note(3);
  const auto opened = start();
  record(opened);
  BOOST_TEST(value_of(read_head(*opened.store)).size == 3U);
  BOOST_TEST(!value_of(newest_missing_since(*opened.store)).has_value());
}

BOOST_AUTO_TEST_CASE(records_what_was_accepted_and_then_fences_anew) {
  note(3);
  fence_now();
  log.reset();
  std::filesystem::remove_all(where().directory);
  {
    const auto opened = start(true);
    record(opened);
    const auto entry = nlohmann::json::parse(newest_entry(*opened.store));
    BOOST_TEST(entry.at("kind") == "journal.accepted");
    BOOST_TEST(entry.at("details").dump().find("it holds 0 entries, its fence has seen 3") != std::string::npos);
    BOOST_TEST(value_of(newest_missing_since(*opened.store)).value().since_us == site.now_us);
  }
  BOOST_TEST(value_of(read_fence(where().fence))->size == 1U);
  const auto later = start();
  BOOST_TEST(!later.newest_may_be_missing);
  BOOST_TEST(value_of(newest_missing_since(*later.store)).value().since_us == site.now_us);
}

BOOST_AUTO_TEST_CASE(records_a_cut_and_leaves_the_fence_to_the_journal) {
  note(3);
  fence_now();
  log.reset();
  std::filesystem::create_directory(scratch / "core.examined");
  const auto opened = start();
  record(opened);
  BOOST_TEST(nlohmann::json::parse(newest_entry(*opened.store)).at("kind") == "journal.cut");
  BOOST_TEST(value_of(newest_missing_since(*opened.store)).value().since_us == site.now_us);
  BOOST_TEST(value_of(read_fence(where().fence))->size == 3U);
}

BOOST_AUTO_TEST_CASE(says_that_a_clock_behind_the_journal_was_in_doubt) {
  note(3);
  fence_now();
  log.reset();
  std::filesystem::create_directory(scratch / "core.examined");
  site.now_us -= 3'600'000'000;
  const auto opened = start();
  record(opened);
  const auto found = value_of(newest_missing_since(*opened.store)).value();
  BOOST_TEST(found.clock_in_doubt);
  BOOST_TEST(found.boottime_ns == 7'000'000'000);
  BOOST_TEST(found.boot_id == site.options().clock.boot_id);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::storage
