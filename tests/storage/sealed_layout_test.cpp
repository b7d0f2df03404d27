#include "storage/sealed_layout.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::storage;
using penstock::messages::errc;

BOOST_AUTO_TEST_SUITE(sealed_layout_suite)

BOOST_AUTO_TEST_CASE(an_empty_object_is_one_empty_segment) {
  const auto layout = sealed_layout::of_plain(0).value();
  BOOST_TEST(layout.segments() == 1u);
  BOOST_TEST(layout.sealed_bytes() == 40u);
  BOOST_TEST(layout.plain_length(0) == 0u);
  BOOST_TEST(layout.is_last(0));
}

BOOST_AUTO_TEST_CASE(the_first_segment_makes_room_for_the_header) {
  constexpr auto first = sealed_segment_bytes - 40;
  BOOST_TEST(sealed_layout::of_plain(first)->segments() == 1u);
  BOOST_TEST(sealed_layout::of_plain(first)->sealed_bytes() == sealed_segment_bytes);
  BOOST_TEST(sealed_layout::of_plain(first + 1)->segments() == 2u);
  BOOST_TEST(sealed_layout::of_plain(first + 1)->plain_length(1) == 1u);
}

BOOST_AUTO_TEST_CASE(segments_tile_the_object_without_gap_or_overlap) {
  for (const std::uint32_t segment_bytes : {41u, 42u, 64u, 100u, 4096u})
    for (std::uint64_t plain_bytes = 0; plain_bytes < 700; ++plain_bytes) {
      const auto layout = sealed_layout::of_plain(plain_bytes, segment_bytes).value();
      std::uint64_t plain = 0;
      std::uint64_t sealed = sealed_header_bytes;
      for (std::uint64_t n = 0; n < layout.segments(); ++n) {
        BOOST_REQUIRE_EQUAL(layout.plain_offset(n), plain);
        BOOST_REQUIRE_EQUAL(layout.sealed_offset(n), sealed);
        BOOST_REQUIRE_EQUAL(layout.sealed_length(n), layout.plain_length(n) + sealed_tag_bytes);
        for (auto at = plain; at < plain + layout.plain_length(n); ++at) BOOST_REQUIRE_EQUAL(layout.segment_of(at), n);
        plain += layout.plain_length(n);
        sealed += layout.sealed_length(n);
      }
      BOOST_REQUIRE_EQUAL(plain, plain_bytes);
      BOOST_REQUIRE_EQUAL(sealed, layout.sealed_bytes());
    }
}

BOOST_AUTO_TEST_CASE(the_plain_size_follows_from_the_sealed_size) {
  for (const std::uint32_t segment_bytes : {41u, 42u, 64u, 100u})
    for (std::uint64_t plain_bytes = 0; plain_bytes < 700; ++plain_bytes) {
      const auto layout = sealed_layout::of_plain(plain_bytes, segment_bytes).value();
      BOOST_REQUIRE_EQUAL(sealed_layout::of_sealed(layout.sealed_bytes(), segment_bytes)->plain_bytes(), plain_bytes);
    }
}

BOOST_AUTO_TEST_CASE(refuses_a_length_that_no_sealed_object_has) {
  // Shorter than header and tag; a last segment of 1 to 16 bytes, which would hold nothing.
  for (const std::uint64_t sealed_bytes : {0u, 24u, 39u, 65u, 80u, 129u, 144u})
    BOOST_TEST((sealed_layout::of_sealed(sealed_bytes, 64).error().code == errc::authentication_failed));
  BOOST_TEST(sealed_layout::of_sealed(81, 64).ok());
}

BOOST_AUTO_TEST_CASE(refuses_segment_sizes_out_of_range) {
  BOOST_TEST((sealed_layout::of_plain(1, 40).error().code == errc::bad_request));
  BOOST_TEST((sealed_layout::of_plain(1, max_sealed_segment_bytes + 1).error().code == errc::bad_request));
  BOOST_TEST((sealed_layout::of_sealed(100, 0).error().code == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(refuses_more_segments_than_there_are_numbers) {
  const std::uint64_t full = 1 + (max_sealed_segments - 1) * 25;  // segments of 41: 1 plain byte, then 25 each
  BOOST_TEST(sealed_layout::of_plain(full, 41)->segments() == max_sealed_segments);
  BOOST_TEST((sealed_layout::of_plain(full + 1, 41).error().code == errc::too_large));
  BOOST_TEST((sealed_layout::of_plain(~std::uint64_t{0}, 41).error().code == errc::too_large));
  BOOST_TEST(!sealed_layout::of_sealed(~std::uint64_t{0}, 41).ok());
}

BOOST_AUTO_TEST_CASE(sealed_bytes_of_counts_header_and_tags) {
  BOOST_TEST(sealed_bytes_of(0) == 40u);
  BOOST_TEST(sealed_bytes_of(1'000'000) == 24u + 1'000'000u + 4u * 16u);
}

BOOST_AUTO_TEST_SUITE_END()
