#include "storage/pack_reader.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>

#include "storage/crc32c.hpp"
#include "tests/storage/pack_fixture.hpp"

BOOST_AUTO_TEST_SUITE(pack_reader)

using namespace penstock::storage;
using namespace penstock::storage::testing;
using penstock::messages::errc;

namespace {

std::vector<pack_record> records_of(memory_disk& disk) {
  auto reader = reader_on(disk);
  return reader ? reader->list().value().records : std::vector<pack_record>{};
}

}  // namespace

BOOST_AUTO_TEST_CASE(knows_the_check_value_of_crc32c_by_table_and_by_instruction) {
  const auto digits = bytes_of("123456789");
  BOOST_TEST(crc32c(digits) == 0xe3069283U);
  BOOST_TEST(crc32c_portable(digits) == 0xe3069283U);
  bytes many(1000);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<std::byte>(i * 7);
  for (std::size_t cut = 0; cut <= 40; ++cut) {
    const auto all = std::span<const std::byte>{many};
    BOOST_TEST(crc32c(all.subspan(cut), crc32c(all.first(cut))) == crc32c_portable(all));
  }
}

BOOST_AUTO_TEST_CASE(yields_part_10_files_with_the_data_set_as_received) {
  auto disk = small_pack();
  auto reader = reader_on(disk);
  const auto records = reader->list()->records;
  BOOST_REQUIRE_EQUAL(records.size(), 3U);
  BOOST_TEST((dataset_of(*reader, records[0]) == bytes_of("first data set")));
  BOOST_TEST(records[1].dataset_bytes == 0U);
  BOOST_TEST(records[2].sop_instance.reveal() == "1.2.3.3");
  BOOST_TEST(records[2].sending_ae == "SCANNER");
  bytes part10(records[0].part10_bytes);
  BOOST_REQUIRE(reader->read(records[0].part10_offset, part10));
  BOOST_TEST(std::memcmp(&part10[128], "DICM", 4) == 0);
  const std::string_view text{reinterpret_cast<const char*>(part10.data()), part10.size()};
  BOOST_TEST(text.ends_with("first data set"));
  BOOST_TEST((text.find("1.2.840.10008.1.2.1") != std::string_view::npos));
}

BOOST_AUTO_TEST_CASE(cut_anywhere_yields_exactly_the_records_whose_commit_block_is_whole) {
  const auto whole = small_pack();
  auto intact = whole;
  const auto records = records_of(intact);
  for (std::size_t length = 0; length < whole.contents.size(); ++length) {
    memory_disk cut{bytes(whole.contents.begin(), whole.contents.begin() + static_cast<std::ptrdiff_t>(length))};
    std::size_t expected = 0;
    for (const auto& record : records)
      if (record.part10_offset + record.part10_bytes + commit_block_bytes <= length) ++expected;
    const auto found = records_of(cut);
    BOOST_REQUIRE_EQUAL(found.size(), expected);
    for (std::size_t i = 0; i < expected; ++i) BOOST_TEST((found[i] == records[i]));
  }
}

BOOST_AUTO_TEST_CASE(no_flipped_byte_yields_anything_but_the_truth) {
  auto intact = small_pack();
  const auto truth = records_of(intact);
  for (std::size_t at = 0; at < intact.contents.size(); ++at) {
    auto damaged = intact;
    damaged.contents[at] ^= std::byte{0x5a};
    auto reader = reader_on(damaged);
    if (!reader) {
      BOOST_TEST(at < file_header_bytes);
      continue;
    }
    const auto found = reader->list();
    BOOST_REQUIRE(found);
    std::size_t sound = 0;
    for (const auto& record : found->records)
      if (reader->verify(record)) {
        ++sound;
        BOOST_TEST((std::find(truth.begin(), truth.end(), record) != truth.end()));
      }
    // One damaged record costs only itself; what is damaged is noticed.
    BOOST_TEST(sound >= truth.size() - 1);
    BOOST_TEST((sound < truth.size() || !found->whole));
  }
}

BOOST_AUTO_TEST_CASE(takes_no_commit_block_that_a_sender_placed_inside_an_instance) {
  // The sender copies a whole record out of a pack of which it knows all but the id.
  auto known = small_pack();
  auto writer_of_hidden = memory_disk{};
  auto writer = penstock::storage::pack_writer::start(std::make_unique<memory_file>(writer_of_hidden), new_pack_id());
  BOOST_REQUIRE(writer && writer->begin_record(instance(7)));
  BOOST_REQUIRE(writer->write(known.contents));
  BOOST_REQUIRE(writer->flush());  // and the process dies here
  BOOST_TEST(records_of(writer_of_hidden).empty());
}

BOOST_AUTO_TEST_CASE(refuses_a_pack_of_another_version) {
  auto disk = small_pack();
  disk.contents[8] = std::byte{2};
  auto reader = reader_on(disk);
  BOOST_REQUIRE(!reader);
  BOOST_TEST((reader.error().code == errc::corrupt));
}

BOOST_AUTO_TEST_CASE(reports_how_much_belongs_to_no_record) {
  auto disk = small_pack();
  const auto bytes_before = disk.contents.size();
  disk.contents.resize(bytes_before + 123);
  const auto found = reader_on(disk)->list();
  BOOST_REQUIRE(found);
  BOOST_TEST(!found->whole);
  BOOST_TEST(found->foreign_bytes == 123U);
}

BOOST_AUTO_TEST_SUITE_END()
