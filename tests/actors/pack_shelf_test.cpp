#include "actors/pack_shelf.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <set>
#include <string>
#include <utility>

#include "tests/actors/shard_support.hpp"

namespace {

using namespace penstock;
using messages::result;
namespace fs = std::filesystem;

/// Remembers which folders were synced; the next sync of a folder fails when told so.
class watched_files final : public storage::file_system {
 public:
  std::set<fs::path> synced;
  bool next_sync_fails = false;

  result<std::unique_ptr<storage::file>> open_for_reading(const std::string& path) override {
    return storage::posix_files().open_for_reading(path);
  }
  result<std::unique_ptr<storage::file>> create(const std::string& path) override {
    return storage::posix_files().create(path);
  }
  result<void> rename(const std::string& from, const std::string& to) override {
    return storage::posix_files().rename(from, to);
  }
  result<void> remove(const std::string& path) override { return storage::posix_files().remove(path); }
  result<void> sync_directory(const std::string& path) override {
    if (std::exchange(next_sync_fails, false)) return messages::fail(messages::errc::io_error, "sync directory");
    synced.insert(path);
    return {};
  }
};

const std::string pack = "0123456789abcdef-1";

struct shelf_site {
  tests::temporary_directory directory;
  watched_files files;
  fs::path root = directory.path() / "packs";
  actors::pack_shelf shelf{root, files};

  /// Something that may be settled.
  void receive() { std::ofstream{shelf.incoming_path(pack)} << "bytes"; }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(pack_shelf, shelf_site)

BOOST_AUTO_TEST_CASE(a_folder_whose_sync_failed_is_synced_by_the_next_who_needs_it) {
  BOOST_REQUIRE(shelf.prepare().ok());
  receive();
  files.synced.clear();
  files.next_sync_fails = true;
  BOOST_TEST(!shelf.settle("gh-rad", pack).ok());
  BOOST_REQUIRE(shelf.settle("gh-rad", pack).ok());
  BOOST_TEST(files.synced.contains(root / "settled"));
  BOOST_TEST(files.synced.contains(root / "settled" / "gh-rad"));
}

BOOST_AUTO_TEST_CASE(folders_that_a_killed_predecessor_made_are_synced_too) {
  BOOST_REQUIRE(shelf.prepare().ok());
  fs::create_directories(shelf.settled_path("gh-rad", pack).parent_path());
  receive();
  actors::pack_shelf successor{root, files};
  files.synced.clear();
  BOOST_REQUIRE(successor.settle("gh-rad", pack).ok());
  BOOST_TEST(files.synced.contains(root));
  BOOST_TEST(files.synced.contains(root / "settled"));
  BOOST_TEST(files.synced.contains(root / "settled" / "gh-rad"));
}

BOOST_AUTO_TEST_CASE(a_folder_is_synced_once) {
  BOOST_REQUIRE(shelf.prepare().ok());
  files.synced.clear();
  BOOST_REQUIRE(shelf.prepare().ok());
  BOOST_TEST(files.synced.empty());
}

BOOST_AUTO_TEST_SUITE_END()
