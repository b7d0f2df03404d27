// Whatever is done to a sealed object, it is refused; nothing of a segment is seen before it has authenticated.
#include <boost/test/unit_test.hpp>

#include "tests/storage/sealed_support.hpp"

using namespace penstock::storage;
using namespace penstock::storage::sealed_test;

namespace {

constexpr std::ptrdiff_t segment = 64;

/// Four segments: 24 + 48 + 48 + 30 plain bytes.
struct four_segments {
  bytes plain = plain_of(150);
  bytes sealed = sealed_of(plain);
  [[nodiscard]] bytes part(std::ptrdiff_t from, std::ptrdiff_t to) const {
    return {sealed.begin() + from, sealed.begin() + std::min<std::ptrdiff_t>(to, std::ssize(sealed))};
  }
};

bytes joined(std::initializer_list<bytes> parts) {
  bytes all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sealed_attack, four_segments)

BOOST_AUTO_TEST_CASE(the_object_itself_opens) { BOOST_TEST(opened(sealed).value() == plain); }

BOOST_AUTO_TEST_CASE(every_flipped_bit_is_refused) {
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    auto altered = sealed;
    altered[bit / 8] = static_cast<std::uint8_t>(altered[bit / 8] ^ (1u << (bit % 8)));
    BOOST_REQUIRE_MESSAGE(is_refused(altered), "bit " << bit);
  }
}

BOOST_AUTO_TEST_CASE(cut_at_every_byte_is_refused) {
  for (std::size_t length = 0; length < sealed.size(); ++length)
    BOOST_REQUIRE_MESSAGE(is_refused({sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(length)}),
                          "length " << length);
}

BOOST_AUTO_TEST_CASE(cut_at_a_segment_boundary_is_refused_even_by_a_reader_that_asks_for_the_first_byte_only) {
  const auto cut = part(0, 2 * segment);
  auto reader = sealed_reader::create(test_key(), {"d-20240229-7", 3, cut.size(), 64}, reading(cut)).value();
  bytes first(1);
  BOOST_TEST((reader.read(0, first).error().code == penstock::messages::errc::authentication_failed));
}

BOOST_AUTO_TEST_CASE(appended_bytes_are_refused) {
  for (std::size_t more = 1; more <= 200; ++more) {
    auto longer = sealed;
    longer.resize(sealed.size() + more);
    BOOST_REQUIRE_MESSAGE(is_refused(longer), "appended " << more);
  }
  BOOST_TEST(is_refused(joined({sealed, sealed})));
}

BOOST_AUTO_TEST_CASE(swapped_doubled_and_dropped_segments_are_refused) {
  const auto first = part(0, segment);
  const auto second = part(segment, 2 * segment);
  const auto third = part(2 * segment, 3 * segment);
  const auto last = part(3 * segment, 4 * segment);
  BOOST_TEST(is_refused(joined({first, third, second, last})));
  BOOST_TEST(is_refused(joined({first, second, second, last})));
  BOOST_TEST(is_refused(joined({first, second, second, third, last})));
  BOOST_TEST(is_refused(joined({first, third, last})));
  BOOST_TEST(is_refused(joined({first, second, third})));
  BOOST_TEST(is_refused(joined({second, third, last})));
}

BOOST_AUTO_TEST_CASE(a_segment_of_another_object_is_refused) {
  const auto other = sealed_of(plain_of(150, 2));
  for (std::ptrdiff_t n = 0; n < 4; ++n) {
    auto spliced = sealed;
    const auto from = n * segment;
    const auto to = std::min<std::ptrdiff_t>(from + segment, std::ssize(sealed));
    std::copy(other.begin() + from, other.begin() + to, spliced.begin() + from);
    BOOST_TEST(is_refused(spliced));
  }
}

BOOST_AUTO_TEST_CASE(another_key_download_index_or_segment_size_is_refused) {
  BOOST_TEST(is_refused(sealed, {}, test_key(1)));
  BOOST_TEST(is_refused(sealed, {.download = "d-20240229-8"}));
  BOOST_TEST(is_refused(sealed, {.index = 4}));
  BOOST_TEST(is_refused(sealed, {.segment_bytes = 65}));
}

BOOST_AUTO_TEST_CASE(another_size_is_refused_although_every_byte_is_right) {
  const auto stream_key_of = [&](std::uint64_t plain_bytes) {
    sealed_header header;
    std::copy_n(sealed.begin(), header.size(), header.begin());
    return segment_opener::create(test_key(), {"d-20240229-7", 3, plain_bytes}, header).value();
  };
  auto right = stream_key_of(150);
  auto wrong = stream_key_of(151);
  auto first = part(sealed_header_bytes, segment);
  auto again = first;
  BOOST_TEST(right.open(0, false, first).ok());
  BOOST_TEST((wrong.open(0, false, again).error().code == penstock::messages::errc::authentication_failed));
}

BOOST_AUTO_TEST_CASE(the_sink_sees_nothing_of_an_altered_segment) {
  auto altered = sealed;
  altered[2 * segment + 5] ^= 1;
  auto reader = sealed_reader::create(test_key(), {"d-20240229-7", 3, altered.size(), 64}, reading(altered)).value();
  bytes seen;
  const auto read = reader.read_all([&](std::span<const std::uint8_t> more) -> penstock::messages::result<void> {
    seen.insert(seen.end(), more.begin(), more.end());
    return {};
  });
  BOOST_TEST(!read.ok());
  BOOST_TEST((seen == bytes{plain.begin(), plain.begin() + 24 + 48}));
}

BOOST_AUTO_TEST_SUITE_END()
