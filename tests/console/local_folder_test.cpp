#include "tools/console/local_folder.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "storage/key_wrap.hpp"
#include "tests/client/scratch.hpp"
#include "tools/client/download_record.hpp"
#include "tools/client/local_file.hpp"

using namespace penstock::console;
using penstock::client::testing::put_content;
using penstock::storage::secret_bytes;
namespace fs = std::filesystem;

namespace {

struct folder_fixture {
  penstock::client::testing::scratch_directory scratch;

  void put(const std::string& path) {
    fs::create_directories((scratch.path() / path).parent_path());
    put_content(scratch.path() / path, "12345");
  }
  void put_download(const std::string& name) {
    put(name + "/index.sealed");
    put(name + "/0001/0001/000001.sealed");
    put(name + "/0001/0001/000002.sealed.part");
    penstock::client::download_record record;
    record.download = "d1";
    record.project = "alz-brain";
    record.objects = 3;
    auto holder = penstock::storage::wrap_with_key_file(secret_bytes::random(16), secret_bytes::random(32), "d1");
    BOOST_REQUIRE(holder.ok());
    record.holders.push_back(std::move(*holder));
    BOOST_REQUIRE(penstock::client::save_record(scratch.path() / name, record).ok());
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(local_folders, folder_fixture)

BOOST_AUTO_TEST_CASE(finds_downloads_and_folders_in_the_clear) {
  put_download("one");
  put("two/107001/20140811_MR/1_T1/000001.dcm");
  put("three/notes.txt");
  const auto found = find_folders(scratch.path());
  BOOST_REQUIRE(found.ok() && found->size() == 2U);
  BOOST_TEST(found->at(0).sealed);
  BOOST_TEST(found->at(0).state == "receiving");
  BOOST_TEST(found->at(0).images == 1U);
  BOOST_TEST(!found->at(1).sealed);
  BOOST_TEST(!find_folders(scratch.path() / "nowhere").ok());
}

BOOST_AUTO_TEST_CASE(knows_the_files_of_a_sealed_download) {
  for (const auto* ours : {"penstock-download.json", "penstock-download.json.new", "index.sealed",
                           "0001/0002/000003.sealed", "0001/0002/000003.sealed.part"})
    BOOST_TEST(is_file_of_sealed_download(ours), ours);
  for (const auto* other : {"notes.txt", "0001/000003.sealed", "a/b/c.sealed", "1/2/3/4.sealed", "1/2/3.sealed.bak"})
    BOOST_TEST(!is_file_of_sealed_download(other), other);
}

BOOST_AUTO_TEST_CASE(deletes_its_own_files_only) {
  put_download("one");
  put("one/notes.txt");
  const auto removed = remove_folder(*look_at_folder(scratch.path() / "one"));
  BOOST_REQUIRE(removed.ok());
  BOOST_TEST(removed->files == 4U);
  BOOST_TEST(removed->left == 1U);
  BOOST_TEST(fs::exists(scratch.path() / "one" / "notes.txt"));
  BOOST_TEST(!fs::exists(scratch.path() / "one" / "0001"));
}

BOOST_AUTO_TEST_CASE(deletes_nothing_that_is_under_way) {
  put_download("one");
  const auto lock = penstock::client::lock_directory(scratch.path() / "one");
  BOOST_TEST(!remove_folder(*look_at_folder(scratch.path() / "one")).ok());
  BOOST_TEST(fs::exists(scratch.path() / "one" / "index.sealed"));
}

BOOST_AUTO_TEST_CASE(makes_a_tree_of_the_readable_layout) {
  const auto content = content_of_paths({"107001/20140811_MR/1_T1/000001.dcm", "107001/20140811_MR/1_T1/000002.dcm",
                                         "107001/20140811_MR/2_T2/000001.dcm", "loose.dcm"});
  BOOST_REQUIRE(content.size() == 2U);
  BOOST_TEST(content[0].label == "107001");
  BOOST_TEST(content[0].studies[0].series.size() == 2U);
  BOOST_TEST(content[0].studies[0].series[0].images[1].object == 1U);
  BOOST_TEST(content[1].label == "(no patient)");
}

BOOST_AUTO_TEST_SUITE_END()
