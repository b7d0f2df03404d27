#include "storage/pack_writer.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/storage/pack_fixture.hpp"

BOOST_AUTO_TEST_SUITE(pack_writer)

using namespace penstock::storage;
using namespace penstock::storage::testing;
using penstock::messages::errc;

namespace {

const std::string golden_path = std::string{PENSTOCK_SOURCE_DIR} + "/tests/golden/pack_v1.pack";

bytes contents_of(const std::string& path) {
  std::ifstream from{path, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{from}, {}};
  return bytes_of(text);
}

}  // namespace

BOOST_AUTO_TEST_CASE(writes_version_1_byte_for_byte) {
  auto disk = small_pack();
  if (std::getenv("PENSTOCK_WRITE_GOLDEN") != nullptr) {
    std::ofstream into{golden_path, std::ios::binary};
    into.write(reinterpret_cast<const char*>(disk.contents.data()), static_cast<std::streamsize>(disk.contents.size()));
  }
  BOOST_TEST((disk.contents == contents_of(golden_path)));
}

BOOST_AUTO_TEST_CASE(refuses_a_file_that_is_not_empty) {
  memory_disk disk{bytes_of("something")};
  auto started = penstock::storage::pack_writer::start(std::make_unique<memory_file>(disk), new_pack_id());
  BOOST_REQUIRE(!started);
  BOOST_TEST((started.error().code == errc::conflict));
}

BOOST_AUTO_TEST_CASE(keeps_a_large_data_set_that_came_in_pieces_of_any_size) {
  for (const std::size_t piece : {1U, 7U, 64U, 100U, 4096U}) {
    memory_disk disk;
    auto writer = writer_on(disk, {.buffer_bytes = 64});
    bytes dataset(5000);
    for (std::size_t i = 0; i < dataset.size(); ++i) dataset[i] = static_cast<std::byte>(i * 31);
    BOOST_REQUIRE(writer.begin_record(instance(1)));
    for (std::size_t at = 0; at < dataset.size(); at += piece)
      BOOST_REQUIRE(writer.write(std::span{dataset}.subspan(at, std::min(piece, dataset.size() - at))));
    const auto record = writer.finish_record();
    BOOST_REQUIRE(record && writer.flush());
    auto reader = reader_on(disk);
    auto found = reader->list();
    BOOST_REQUIRE(found && found->whole);
    BOOST_REQUIRE_EQUAL(found->records.size(), 1U);
    BOOST_TEST((found->records[0] == *record));
    BOOST_TEST(reader->verify(*record).ok());
    BOOST_TEST((dataset_of(*reader, *record) == dataset));
  }
}

BOOST_AUTO_TEST_CASE(abandons_a_record_without_a_trace) {
  for (const std::size_t buffer_bytes : {32U, 300U, 1U << 20}) {
    memory_disk disk;
    auto writer = writer_on(disk, {.buffer_bytes = buffer_bytes});
    add(writer, 1, bytes_of("kept"));
    BOOST_REQUIRE(writer.begin_record(instance(2)));
    BOOST_REQUIRE(writer.write(bytes(1000)));
    BOOST_REQUIRE(writer.abandon_record());
    add(writer, 3, bytes_of("kept too"));
    BOOST_REQUIRE(writer.flush());
    auto reader = reader_on(disk);
    const auto found = reader->list();
    BOOST_REQUIRE(found);
    BOOST_TEST(found->whole);
    BOOST_REQUIRE_EQUAL(found->records.size(), 2U);
    BOOST_TEST((dataset_of(*reader, found->records[1]) == bytes_of("kept too")));
    BOOST_TEST(writer.committed_bytes() == disk.contents.size());
  }
}

BOOST_AUTO_TEST_CASE(refuses_an_instance_over_the_limit_and_goes_on) {
  memory_disk disk;
  auto writer = writer_on(disk, {.buffer_bytes = 64, .most_part10_bytes = 2000});
  BOOST_REQUIRE(writer.begin_record(instance(1)));
  BOOST_REQUIRE(writer.write(bytes(1500)));
  auto refused = writer.write(bytes(1000));
  BOOST_REQUIRE(!refused);
  BOOST_TEST((refused.error().code == errc::too_large));
  BOOST_REQUIRE(writer.abandon_record());
  add(writer, 2, bytes_of("small"));
  BOOST_REQUIRE(writer.flush());
  BOOST_TEST(reader_on(disk)->list()->records.size() == 1U);
}

BOOST_AUTO_TEST_CASE(refuses_identities_that_no_record_can_hold) {
  memory_disk disk;
  auto writer = writer_on(disk);
  auto nameless = instance(1);
  nameless.sop_instance = {};
  auto long_winded = instance(1);
  long_winded.sending_ae = std::string(17, 'A');
  BOOST_TEST((writer.begin_record(nameless).error().code == errc::bad_request));
  BOOST_TEST((writer.begin_record(long_winded).error().code == errc::bad_request));
  BOOST_TEST(!writer.in_record());
}

BOOST_AUTO_TEST_CASE(a_full_disk_at_any_byte_leaves_only_whole_records) {
  const auto whole = small_pack().contents.size();
  for (std::uint64_t room = file_header_bytes; room < whole; ++room) {
    memory_disk disk;
    disk.room = room;
    auto writer = writer_on(disk, {.buffer_bytes = 50});
    bool failed = false;
    for (int i = 1; i <= 3 && !failed; ++i) {
      failed = !writer.begin_record(instance(i)) || !writer.write(bytes_of("a data set of some bytes"));
      if (!failed) failed = !writer.finish_record();
    }
    if (!failed) failed = !writer.flush();
    BOOST_REQUIRE(failed);
    BOOST_TEST((writer.begin_record(instance(9)).error().code == errc::no_space));
    auto reader = reader_on(disk);
    BOOST_REQUIRE(reader);
    const auto found = reader->list();
    BOOST_REQUIRE(found);
    for (const auto& record : found->records) BOOST_TEST(reader->verify(record).ok());
  }
}

BOOST_AUTO_TEST_CASE(syncs_only_when_asked) {
  memory_disk disk;
  auto writer = writer_on(disk);
  add(writer, 1, bytes_of("x"));
  BOOST_REQUIRE(writer.flush());
  BOOST_TEST(disk.syncs == 0);
  BOOST_REQUIRE(writer.sync());
  BOOST_TEST(disk.syncs == 1);
}

BOOST_AUTO_TEST_CASE(copies_a_record_to_another_pack_and_refuses_a_damaged_one) {
  auto from = small_pack();
  auto reader = reader_on(from);
  const auto records = reader->list()->records;
  memory_disk to;
  auto writer = writer_on(to, {.buffer_bytes = 16});
  auto copied = copy_record(*reader, records[2], writer);
  BOOST_REQUIRE(copied);
  BOOST_TEST(copied->crc32c == records[2].crc32c);
  from.contents[records[0].dataset_offset] ^= std::byte{1};
  auto refused = copy_record(*reader, records[0], writer);
  BOOST_REQUIRE(!refused);
  BOOST_TEST((refused.error().code == errc::corrupt));
  BOOST_REQUIRE(writer.flush());
  BOOST_TEST(reader_on(to)->list()->records.size() == 1U);
  BOOST_TEST(reader_on(to)->list()->whole);
}

BOOST_AUTO_TEST_SUITE_END()
