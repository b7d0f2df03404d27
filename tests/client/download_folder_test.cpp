#include "tools/client/download_folder.hpp"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <set>

#include "storage/digest.hpp"
#include "tests/client/scratch.hpp"
#include "tests/client/sealed_download.hpp"
#include "tools/client/sealed_folder.hpp"

using namespace penstock::client;
using namespace penstock::client::testing;
using penstock::messages::errc;
namespace fs = std::filesystem;

BOOST_TEST_DONT_PRINT_LOG_VALUE(penstock::messages::errc)
BOOST_TEST_DONT_PRINT_LOG_VALUE(penstock::client::download_position)

namespace {

struct folder_fixture {
  scratch_directory scratch;
  fs::path folder = scratch.path() / "home";
  sealed_download sent{two_patients()};
  static constexpr std::size_t all = 100'000;

  folder_fixture() { fs::create_directory(folder); }

  void receive_some(std::size_t segments) {
    sealed_folder_store store{folder};
    download_receiver receiver{sent.facts(), store};
    BOOST_REQUIRE(sent.feed(receiver, {}, segments).ok());
    BOOST_REQUIRE(store.flush().ok());
  }

  /// As `download --resume` does.
  void resume() {
    auto progress = find_progress(folder, sent.facts());
    BOOST_REQUIRE(progress.ok());
    sealed_folder_store store{folder};
    download_receiver receiver{sent.facts(), store};
    if (progress->manifest)
      BOOST_REQUIRE(
          receiver.resume(*progress->manifest, progress->index_bytes, progress->position, progress->header).ok());
    if (!progress->partial_path.empty()) BOOST_REQUIRE(store.reopen(progress->partial_path).ok());
    auto fed = sent.feed(receiver, receiver.position(), all);
    BOOST_REQUIRE_MESSAGE(fed.ok(), (fed.ok() ? "" : fed.error().text()));
    BOOST_TEST(receiver.missing().empty());
  }

  download_record record() const {
    download_record made;
    made.download = sent.facts().download;
    made.project = "alz-brain";
    made.segment_bytes = sent.facts().segment_bytes;
    made.objects = sent.facts().objects;
    made.bytes = sent.facts().bytes;
    const auto file_key = penstock::storage::secret_bytes::of_size(penstock::storage::key_file_key_bytes);
    made.holders.push_back(penstock::storage::wrap_with_key_file(sent.facts().key, file_key, made.download).value());
    return made;
  }

  sealed_folder opened() const {
    auto open = sealed_folder::open(folder, record(), sent.facts().key.copy());
    BOOST_REQUIRE(open.ok());
    return std::move(*open);
  }

  std::set<std::string> files() const {
    std::set<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator{folder})
      if (entry.is_regular_file()) found.insert(fs::relative(entry.path(), folder).string());
    return found;
  }
};

const std::set<std::string> whole_layout{"0001/0001/000001.sealed", "0001/0002/000001.sealed",
                                         "0001/0002/000002.sealed", "0002/0001/000001.sealed",
                                         "0003/0001/000001.sealed", "index.sealed"};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(download_folders, folder_fixture)

BOOST_AUTO_TEST_CASE(lays_files_out_by_ordinals_only) {
  receive_some(all);
  BOOST_TEST(files() == whole_layout, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(holds_no_plaintext_and_lets_nobody_else_in) {
  receive_some(all);
  BOOST_REQUIRE(save_record(folder, record()).ok());
  for (const auto& file : files()) {
    const auto content = content_of(folder / file);
    for (const auto* clear : {plaintext_canary, "0000123", "1.2.1.9", "DICM", "StudyInstanceUID"})
      BOOST_TEST(content.find(clear) == std::string::npos, file + " holds " + clear);
    struct stat about {};
    BOOST_REQUIRE(::stat((folder / file).c_str(), &about) == 0);
    BOOST_TEST((about.st_mode & 0077) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(goes_on_after_a_stop_at_any_segment) {
  for (std::size_t segments = 0; segments <= sent.segments().size(); ++segments) {
    fs::remove_all(folder);
    fs::create_directory(folder);
    receive_some(segments);
    resume();
    BOOST_TEST(files() == whole_layout, boost::test_tools::per_element());
    const auto open = opened();
    for (std::size_t i = 0; i < open.places().size(); ++i) BOOST_TEST(open.verify(i).ok());
  }
}

BOOST_AUTO_TEST_CASE(cuts_a_partial_file_to_whole_segments_before_it_goes_on) {
  std::size_t index_segments = 0;
  while (sent.segments()[index_segments].object == 0) ++index_segments;
  receive_some(index_segments + 2);
  const auto partial = folder / "0001/0002/000002.sealed.part";
  BOOST_REQUIRE(fs::exists(partial));
  put_content(partial, content_of(partial) + "half a segment");
  resume();
  const auto open = opened();
  for (std::size_t i = 0; i < open.places().size(); ++i) BOOST_TEST(open.verify(i).ok());
}

BOOST_AUTO_TEST_CASE(keeps_of_a_partial_file_what_authenticates) {
  std::size_t index_segments = 0;
  while (sent.segments()[index_segments].object == 0) ++index_segments;
  const auto object = sent.segments()[index_segments].object;
  receive_some(index_segments + 3);
  const auto partial = folder / "0001/0002/000002.sealed.part";
  const auto good = content_of(partial);
  BOOST_TEST(find_progress(folder, sent.facts())->position == (download_position{object, 3}));
  auto altered = good;
  altered[small_segment_bytes + 7] ^= 1;
  put_content(partial, altered);
  BOOST_TEST(find_progress(folder, sent.facts())->position == (download_position{object, 1}));
  BOOST_TEST(fs::file_size(partial) == small_segment_bytes);
  altered = good;
  altered[5] ^= 1;
  put_content(partial, altered);
  BOOST_TEST(find_progress(folder, sent.facts())->position == (download_position{object, 0}));
  resume();
  const auto open = opened();
  for (std::size_t i = 0; i < open.places().size(); ++i) BOOST_TEST(open.verify(i).ok());
}

BOOST_AUTO_TEST_CASE(gives_whole_files_their_names_that_a_kill_has_left_without) {
  receive_some(all);
  const auto file = folder / "0001/0002/000002.sealed";
  fs::rename(file, fs::path{file} += ".part");
  const auto progress = find_progress(folder, sent.facts());
  BOOST_REQUIRE(progress.ok());
  BOOST_TEST(progress->position.object == sent.facts().objects);
  BOOST_TEST(progress->partial_path.empty());
  BOOST_TEST(files() == whole_layout, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(knows_how_much_room_the_rest_needs) {
  sealed_folder_store store{folder};
  download_receiver receiver{sent.facts(), store};
  const auto& facts = sent.facts();
  BOOST_TEST(room_needed(facts, receiver, 0) == facts.bytes);
  BOOST_TEST(room_needed(facts, receiver, 4096) == facts.bytes + facts.objects * 4096);
  BOOST_REQUIRE(sent.feed(receiver, {}, all).ok());
  BOOST_TEST(room_needed(facts, receiver, 4096) == 0U);
  BOOST_TEST(space_at(folder)->bytes > 0U);
}

BOOST_AUTO_TEST_CASE(lets_one_work_in_a_folder_at_a_time) {
  {
    auto lock = lock_directory(folder);
    BOOST_REQUIRE(lock.ok());
    BOOST_TEST(lock_directory(folder).error().code == errc::held_by_another);
  }
  BOOST_TEST(lock_directory(folder).ok());
}

BOOST_AUTO_TEST_CASE(fetches_a_file_again_that_has_not_its_full_size) {
  receive_some(all);
  fs::resize_file(folder / "0001/0001/000001.sealed", 100);
  resume();
  BOOST_TEST(opened().verify(2).ok());
}

BOOST_AUTO_TEST_CASE(finds_every_altered_cut_or_swapped_file) {
  receive_some(all);
  const auto open = opened();
  const auto path = open.path_of(2);
  const auto good = content_of(path);
  for (const std::size_t at : {std::size_t{0}, std::size_t{5}, std::size_t{24}, good.size() / 2, good.size() - 1}) {
    auto altered = good;
    altered[at] = static_cast<char>(altered[at] ^ 0x10);
    put_content(path, altered);
    BOOST_TEST(open.verify(2).error().code == errc::authentication_failed);
  }
  put_content(path, good.substr(0, good.size() - small_segment_bytes));
  BOOST_TEST(open.verify(2).error().code == errc::authentication_failed);
  put_content(path, good + "x");
  BOOST_TEST(!open.verify(2).ok());
  put_content(path, content_of(open.path_of(4)));
  BOOST_TEST(open.verify(2).error().code == errc::authentication_failed);
  fs::remove(path);
  BOOST_TEST(open.verify(2).error().code == errc::not_found);
  put_content(path, good);
  BOOST_TEST(open.verify(2).ok());
}

BOOST_AUTO_TEST_CASE(opens_with_its_own_key_only) {
  receive_some(all);
  auto foreign = sealed_folder::open(folder, record(), penstock::storage::secret_bytes::random(16));
  BOOST_REQUIRE(!foreign.ok());
  BOOST_TEST(foreign.error().code == errc::authentication_failed);
}

BOOST_AUTO_TEST_CASE(reads_back_what_was_sealed) {
  receive_some(all);
  const auto open = opened();
  for (std::size_t i = 0; i < open.places().size(); ++i) {
    auto file = open.read(i);
    BOOST_REQUIRE(file.ok());
    BOOST_TEST(penstock::storage::as_text(file->view()) == sent.plain(i));
  }
}

BOOST_AUTO_TEST_CASE(keeps_its_record_and_never_one_that_nobody_could_open) {
  auto kept = record();
  kept.state = "complete";
  BOOST_REQUIRE(save_record(folder, kept).ok());
  auto read = load_record(folder);
  BOOST_REQUIRE(read.ok());
  BOOST_TEST(read->download == kept.download);
  BOOST_TEST(read->holders.size() == 1u);
  kept.holders.clear();
  BOOST_TEST(save_record(folder, kept).error().code == errc::corrupt);
  BOOST_TEST(load_record(folder).ok());
  BOOST_TEST(load_record(scratch.path()).error().code == errc::not_found);
}

BOOST_AUTO_TEST_CASE(writes_ordinary_files_only_when_told_to) {
  plain_folder_store store{folder};
  download_receiver receiver{sent.facts(), store};
  BOOST_REQUIRE(sent.feed(receiver, {}, all).ok());
  const std::set<std::string> expected{"MR/0001/0001/000001.dcm", "MR/0001/0002/000001.dcm", "MR/0001/0002/000002.dcm",
                                       "MR/0002/0001/000001.dcm", "MR/0003/0001/000001.dcm"};
  BOOST_TEST(files() == expected, boost::test_tools::per_element());
  BOOST_TEST(content_of(folder / "MR/0001/0002/000002.dcm") == sent.plain(0));
}

BOOST_AUTO_TEST_CASE(finds_the_data_set_behind_the_file_meta_information) {
  const auto file = part10_file(400, "7");
  BOOST_TEST(data_set_of(file) == file.substr(148));
  BOOST_TEST(data_set_of("DICM").empty());
  BOOST_TEST(data_set_of(std::string(200, 'x')).empty());
  auto lying = file;
  lying[128 + 4 + 10] = '\x7f';
  BOOST_TEST(data_set_of(lying).empty());
}

BOOST_AUTO_TEST_SUITE_END()
