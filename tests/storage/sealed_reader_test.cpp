#include "storage/sealed_reader.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "tests/storage/sealed_support.hpp"

using namespace penstock::storage;
using namespace penstock::storage::sealed_test;
using penstock::messages::errc;
using penstock::messages::fail;
using penstock::messages::result;

namespace {

const std::filesystem::path golden_file = PENSTOCK_SOURCE_DIR "/tests/golden/sealed_v1.sealed";

/// What tests/golden/sealed_v1.sealed was made of.
const test_object golden_object{"golden-1", 1, 4096};
bytes golden_plain() { return plain_of(10'000, 42); }

}  // namespace

BOOST_AUTO_TEST_SUITE(sealed_reader_suite)

BOOST_AUTO_TEST_CASE(opens_what_was_sealed_at_every_boundary_size) {
  for (const std::uint32_t segment_bytes : {41u, 64u, 100u, 128u})
    for (std::size_t length = 0; length < 420; ++length) {
      const test_object object{"d-1", 2, segment_bytes};
      const auto plain = plain_of(length);
      const auto sealed = sealed_of(plain, object);
      BOOST_REQUIRE_EQUAL(sealed.size(), sealed_layout::of_plain(length, segment_bytes)->sealed_bytes());
      BOOST_REQUIRE(opened(sealed, object).value() == plain);
    }
}

BOOST_AUTO_TEST_CASE(opens_what_was_sealed_with_the_usual_segment_size) {
  const test_object object{"d-1", 2, sealed_segment_bytes};
  for (const std::size_t length : {0u, 1u, 262103u, 262104u, 262105u, 524350u, 524351u, 1'000'000u}) {
    const auto plain = plain_of(length);
    BOOST_REQUIRE(opened(sealed_of(plain, object), object).value() == plain);
  }
}

BOOST_AUTO_TEST_CASE(sealing_the_same_object_again_gives_the_same_bytes) {
  BOOST_TEST(sealed_of(plain_of(300)) == sealed_of(plain_of(300)));
  BOOST_TEST(sealed_of(plain_of(300)) != sealed_of(plain_of(300, 2)));
}

BOOST_AUTO_TEST_CASE(reads_any_range) {
  const auto plain = plain_of(333);
  const auto sealed = sealed_of(plain);
  auto reader = sealed_reader::create(test_key(), {"d-20240229-7", 3, sealed.size(), 64}, reading(sealed)).value();
  BOOST_TEST(reader.plain_bytes() == 333u);
  for (std::size_t from = 0; from < 340; from += 7)
    for (const std::size_t length : {0u, 1u, 24u, 48u, 49u, 400u}) {
      bytes into(length);
      const auto expected = std::min(length, plain.size() - std::min(plain.size(), from));
      BOOST_REQUIRE_EQUAL(reader.read(from, into).value(), expected);
      BOOST_REQUIRE(std::equal(into.begin(), into.begin() + static_cast<std::ptrdiff_t>(expected),
                               plain.begin() + static_cast<std::ptrdiff_t>(std::min(plain.size(), from))));
    }
}

BOOST_AUTO_TEST_CASE(a_read_of_nothing_does_not_succeed_on_a_foreign_object) {
  const auto sealed = sealed_of({});
  auto reader = sealed_reader::create(test_key(9), {"d-20240229-7", 3, sealed.size(), 64}, reading(sealed)).value();
  BOOST_TEST((reader.read(0, {}).error().code == errc::authentication_failed));
}

BOOST_AUTO_TEST_CASE(hands_on_the_failures_of_source_and_sink) {
  const auto sealed = sealed_of(plain_of(200));
  const sealed_object object{"d-20240229-7", 3, sealed.size(), 64};
  const auto broken = [](std::uint64_t, std::span<std::uint8_t>) -> result<std::size_t> {
    return fail(errc::io_error, "disk");
  };
  BOOST_TEST((sealed_reader::create(test_key(), object, broken).error().code == errc::io_error));
  auto reader = sealed_reader::create(test_key(), object, reading(sealed)).value();
  const auto full = [](std::span<const std::uint8_t>) -> result<void> { return fail(errc::no_space, "disk"); };
  BOOST_TEST((reader.read_all(full).error().code == errc::no_space));
}

BOOST_AUTO_TEST_CASE(writer_refuses_more_or_less_than_was_announced) {
  const auto ignore = [](std::span<const std::uint8_t>) -> result<void> { return {}; };
  for (const std::size_t announced : {0u, 24u, 100u}) {
    auto writer = sealed_writer::create(test_key(), {"d", 1, announced}, {}, ignore, 64).value();
    BOOST_TEST((writer.write(plain_of(announced + 1)).error().code == errc::bad_request));
    auto shorter = sealed_writer::create(test_key(), {"d", 1, announced + 1}, {}, ignore, 64).value();
    BOOST_REQUIRE(shorter.write(plain_of(announced)).ok());
    BOOST_TEST((shorter.finish().error().code == errc::bad_request));
  }
  auto done = sealed_writer::create(test_key(), {"d", 1, 0}, {}, ignore, 64).value();
  BOOST_REQUIRE(done.finish().ok());
  BOOST_TEST((done.finish().error().code == errc::bad_request));
  BOOST_TEST((done.write(plain_of(1)).error().code == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(the_golden_file_of_version_1_opens_and_is_made_again) {
  auto reader =
      sealed_reader::open_file(test_key(), {golden_object.download, golden_object.index, 0, 4096}, golden_file);
  BOOST_REQUIRE_MESSAGE(reader.ok(), golden_file);
  bytes plain(reader->plain_bytes());
  BOOST_TEST(reader->read(0, plain).value() == 10'000u);
  BOOST_TEST(plain == golden_plain());

  std::ifstream file{golden_file, std::ios::binary};
  const bytes stored{std::istreambuf_iterator<char>{file}, {}};
  BOOST_TEST(sealed_of(golden_plain(), golden_object) == stored);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_absent_or_a_link_is_not_opened) {
  BOOST_TEST((sealed_reader::open_file(test_key(), {"d", 1}, "/nonexistent/a").error().code == errc::not_found));
  const auto link = scratch_path();
  std::filesystem::create_symlink(golden_file, link);
  BOOST_TEST((sealed_reader::open_file(test_key(), {"golden-1", 1, 0, 4096}, link).error().code == errc::io_error));
  std::filesystem::remove(link);
}

BOOST_AUTO_TEST_SUITE_END()
