#include "storage/sealed_segments.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/storage/sealed_support.hpp"

using namespace penstock::storage;
using namespace penstock::storage::sealed_test;
using penstock::messages::errc;

namespace {

sealed_header header_of(const bytes& sealed) {
  sealed_header header;
  std::copy_n(sealed.begin(), header.size(), header.begin());
  return header;
}

/// `plain` sealed segment by segment under a stream key and header that are given.
bytes seal_all(const secret_bytes& stream_key, const sealed_header& header, const bytes& plain,
               std::uint32_t segment_bytes) {
  const auto layout = sealed_layout::of_plain(plain.size(), segment_bytes).value();
  auto sealer = segment_sealer::create(stream_key, header).value();
  bytes sealed{header.begin(), header.end()};
  for (std::uint64_t n = 0; n < layout.segments(); ++n) {
    bytes buffer(layout.sealed_length(n));
    std::copy_n(plain.begin() + static_cast<std::ptrdiff_t>(layout.plain_offset(n)), layout.plain_length(n),
                buffer.begin());
    BOOST_REQUIRE_EQUAL(sealer.seal(n, layout.is_last(n), buffer, layout.plain_length(n)).value(), buffer.size());
    sealed.insert(sealed.end(), buffer.begin(), buffer.end());
  }
  return sealed;
}

bytes open_all(const secret_bytes& stream_key, const bytes& sealed, std::uint32_t segment_bytes) {
  const auto layout = sealed_layout::of_sealed(sealed.size(), segment_bytes).value();
  auto opener = segment_opener::create(stream_key, header_of(sealed)).value();
  bytes plain;
  for (std::uint64_t n = 0; n < layout.segments(); ++n) {
    const auto begin = sealed.begin() + static_cast<std::ptrdiff_t>(layout.sealed_offset(n));
    bytes buffer{begin, begin + layout.sealed_length(n)};
    const auto length = opener.open(n, layout.is_last(n), buffer).value();
    plain.insert(plain.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(length));
  }
  return plain;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sealed_segments)

BOOST_AUTO_TEST_CASE(agrees_with_the_official_sha256_vector_both_ways) {
  const secret_bytes key{from_hex("6eb56cdc726dfbe5d57f2fcdc6e9345b")};
  const auto sealed = from_hex("18be78bce0cab6fd38a9041eea8ab0ffc4cf17e3c00b661d3927f5f79069f41a210fedc40b25648c");
  const auto stream_key = derive_stream_key(key, header_of(sealed), "").value();
  BOOST_TEST(open_all(stream_key, sealed, 64).empty());
  BOOST_TEST(seal_all(stream_key, header_of(sealed), {}, 64) == sealed);
}

// This vector derives its stream key with SHA-1; Tink's documentation of the vector gives that key.
BOOST_AUTO_TEST_CASE(agrees_with_the_official_vector_of_three_segments_both_ways) {
  const secret_bytes stream_key{from_hex("66dd511791296a6cfc94a24041fcab9f")};
  const auto plain =
      from_text("This is a fairly long plaintext. It is of the exact length to create three output blocks. ");
  const auto sealed = from_hex(
      "1893b3af5e14ab378d065addfc8484da642c0862877baea8"
      "db92d9c77406a406168478821c4298eab3e6d531277f4c1a051714faebcaefcbca7b7be05e9445ea"
      "a0bb2904153398a25084dd80ae0edcd1c3079fcea2cd3770630ee36f7539207b8ec9d754956d486b71cdf989f0ed6fba6779b63558be0a66"
      "e668df14e1603cd2"
      "af8944844078345286d0b292e772e7190775c51a0f83e40c0b75821027e7e538e111");
  BOOST_TEST(open_all(stream_key, sealed, 64) == plain);
  BOOST_TEST(seal_all(stream_key, header_of(sealed), plain, 64) == sealed);
}

BOOST_AUTO_TEST_CASE(associated_data_names_download_index_and_size) {
  BOOST_TEST(associated_data_of({"d-1", 7, 123456789012}) == "penstock/1|d-1|7|123456789012");
}

BOOST_AUTO_TEST_CASE(the_same_object_gets_the_same_header_again) {
  const auto digest = digest_of(plain_of(10));
  BOOST_TEST((derive_header(test_key(), {"d-1", 1, 10}, digest).value() ==
              derive_header(test_key(), {"d-1", 1, 10}, digest).value()));
}

BOOST_AUTO_TEST_CASE(whatever_differs_in_an_object_changes_salt_and_nonce) {
  const auto digest = digest_of(plain_of(10));
  auto other_digest = digest;
  other_digest[31] ^= 1;
  const auto header = derive_header(test_key(), {"d-1", 1, 10}, digest).value();
  const sealed_header others[] = {derive_header(test_key(1), {"d-1", 1, 10}, digest).value(),
                                  derive_header(test_key(), {"d-2", 1, 10}, digest).value(),
                                  derive_header(test_key(), {"d-1", 2, 10}, digest).value(),
                                  derive_header(test_key(), {"d-1", 1, 11}, digest).value(),
                                  derive_header(test_key(), {"d-1", 1, 10}, other_digest).value()};
  for (const auto& other : others) {
    BOOST_TEST(!std::equal(header.begin() + 1, header.begin() + 17, other.begin() + 1));
    BOOST_TEST(!std::equal(header.begin() + 17, header.end(), other.begin() + 17));
  }
}

BOOST_AUTO_TEST_CASE(refuses_keys_and_ids_that_are_malformed) {
  const content_digest digest{};
  BOOST_TEST((derive_header(secret_bytes::of_size(15), {"d", 1, 1}, digest).error().code == errc::bad_request));
  for (const auto* id : {"", "a|b", "a b", "a\n"})
    BOOST_TEST((derive_header(test_key(), {id, 1, 1}, digest).error().code == errc::bad_request));
  const std::string overlong(max_download_id_bytes + 1, 'a');
  BOOST_TEST((derive_header(test_key(), {overlong, 1, 1}, digest).error().code == errc::bad_request));
  BOOST_TEST((segment_sealer::create(secret_bytes::of_size(32), sealed_header{24}).error().code == errc::bad_request));
  BOOST_TEST((segment_opener::create(test_key(), sealed_header{25}).error().code == errc::authentication_failed));
}

BOOST_AUTO_TEST_CASE(refuses_a_buffer_without_room_for_the_tag) {
  auto sealer = segment_sealer::create(test_key(), sealed_header{24}).value();
  bytes buffer(100);
  BOOST_TEST(sealer.seal(0, true, buffer, 84).value() == 100u);
  BOOST_TEST((sealer.seal(0, true, buffer, 85).error().code == errc::bad_request));
  BOOST_TEST((sealer.seal(0, true, {}, 0).error().code == errc::bad_request));
  BOOST_TEST((sealer.seal(max_sealed_segments, true, buffer, 1).error().code == errc::too_large));
}

BOOST_AUTO_TEST_CASE(wipes_what_does_not_authenticate_and_opens_the_next) {
  auto sealer = segment_sealer::create(test_key(), sealed_header{24}).value();
  auto opener = segment_opener::create(test_key(), sealed_header{24}).value();
  auto sealed = plain_of(1000);
  const auto plain = sealed;
  sealed.resize(1016);
  BOOST_REQUIRE(sealer.seal(0, true, sealed, 1000).ok());
  auto damaged = sealed;
  damaged[1015] ^= 0x80;
  BOOST_TEST((opener.open(0, true, damaged).error().code == errc::authentication_failed));
  BOOST_TEST(damaged == bytes(1016));
  BOOST_REQUIRE(opener.open(0, true, sealed).value() == 1000u);
  BOOST_TEST((std::equal(plain.begin(), plain.end(), sealed.begin())));
}

BOOST_AUTO_TEST_SUITE_END()
