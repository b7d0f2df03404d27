#include "storage/fence.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "storage/journal_reader.hpp"
#include "tests/storage/store_fixture.hpp"

namespace penstock::storage {
namespace {

using messages::errc;
using test::value_of;

struct fence_fixture : test::journal_fixture {
  std::filesystem::path file = scratch / "journal.fence";

  void write_text(const std::string& text) const { std::ofstream{file, std::ios::trunc} << text; }
  std::string text() const {
    std::ifstream in{file};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
};

BOOST_FIXTURE_TEST_SUITE(fence, fence_fixture)

BOOST_AUTO_TEST_CASE(reads_what_it_wrote) {
  note(2);
  const auto reached = log->checkpoint();
  test::require_ok(write_fence(file, reached));
  const auto read = value_of(read_fence(file)).value();
  BOOST_TEST(read.size == reached.size);
  BOOST_TEST((read.root == reached.root));
  BOOST_TEST(read.at_us == reached.at_us);
  BOOST_TEST(!std::filesystem::exists(file.string() + ".new"));
}

BOOST_AUTO_TEST_CASE(writes_version_1_byte_for_byte) {
  test::require_ok(write_fence(file, {7, empty_tree_root(), site.now_us}));
  BOOST_TEST(text() ==
             "{\"at\":\"2026-03-01T09:05:07.123Z\",\"at_us\":1772355907123456,"
             "\"root\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"size\":7,\"v\":1}\n");
}

BOOST_AUTO_TEST_CASE(says_nothing_where_there_is_none) {
  std::filesystem::remove(file);
  BOOST_TEST(!value_of(read_fence(file)).has_value());
}

BOOST_AUTO_TEST_CASE(refuses_a_file_that_is_not_a_fence) {
  for (const auto* text : {"", "{}", "x", "{\"v\":1,\"size\":1,\"root\":\"00\",\"at_us\":1}",
                           "{\"v\":1,\"size\":-1,\"root\":7,\"at_us\":1}"}) {
    write_text(text);
    BOOST_TEST((read_fence(file).error().code == errc::corrupt), text);
  }
  write_text(std::string(5000, ' '));
  BOOST_TEST((read_fence(file).error().code == errc::too_large));
}

BOOST_AUTO_TEST_CASE(refuses_a_directory_it_cannot_write_to) {
  BOOST_TEST((write_fence(scratch / "absent" / "journal.fence", {}).error().code == errc::io_error));
}

BOOST_AUTO_TEST_CASE(accepts_a_journal_at_or_past_it) {
  note(3);
  const auto fence = log->checkpoint();
  test::require_ok(check_fence(log->core(), fence));
  note(4);
  test::require_ok(check_fence(log->core(), fence));
}

BOOST_AUTO_TEST_CASE(refuses_a_journal_behind_it) {
  note(3);
  auto fence = log->checkpoint();
  fence.size = 4;
  const auto refused = check_fence(log->core(), fence);
  BOOST_TEST((refused.error().code == errc::corrupt));
  BOOST_TEST(refused.error().context ==
             "journal was rolled back: it holds 3 entries, its fence has seen 4 at 2026-03-01T09:05:07.123Z");
}

BOOST_AUTO_TEST_CASE(refuses_a_journal_with_another_root) {
  note(3);
  auto fence = log->checkpoint();
  note(1);
  fence.root[0] ^= 1;
  const auto refused = check_fence(log->core(), fence);
  BOOST_TEST((refused.error().code == errc::corrupt));
  BOOST_TEST(refused.error().context.starts_with("journal was altered: its root at 3 entries is "));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::storage
