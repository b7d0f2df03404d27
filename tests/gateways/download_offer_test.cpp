#include "gateways/download_offer.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::gateways;
using penstock::messages::errc;
namespace storage = penstock::storage;

namespace {

download_offer good_offer() {
  download_offer offer;
  offer.download = "d-1";
  offer.key = storage::secret_bytes::of_size(16);
  offer.manifest = "{}";
  offer.objects.resize(2);
  offer.objects[0].index = 1;
  offer.objects[0].bytes = 1'000'000;
  offer.objects[1].index = 7;
  return offer;
}

template <class Spoil>
errc code_after(Spoil spoil) {
  auto offer = good_offer();
  spoil(offer);
  return check_offer(offer).error().code;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(download_offer_suite)

BOOST_AUTO_TEST_CASE(accepts_an_offer_with_gaps_between_indexes) { BOOST_TEST(check_offer(good_offer()).ok()); }

BOOST_AUTO_TEST_CASE(refuses_what_cannot_be_sent) {
  BOOST_TEST((code_after([](auto& offer) { offer.download = "a|b"; }) == errc::bad_request));
  BOOST_TEST((code_after([](auto& offer) { offer.download.clear(); }) == errc::bad_request));
  BOOST_TEST((code_after([](auto& offer) { offer.key = storage::secret_bytes::of_size(32); }) == errc::bad_request));
  BOOST_TEST((code_after([](auto& offer) { offer.segment_bytes = 40; }) == errc::bad_request));
  BOOST_TEST((code_after([](auto& offer) { offer.segment_bytes += 1; }) == errc::bad_request));
  BOOST_TEST((code_after([](auto& offer) { offer.objects[0].index = 0; }) == errc::bad_request));
  BOOST_TEST((code_after([](auto& offer) { offer.objects[1].index = 1; }) == errc::bad_request));
  BOOST_TEST((code_after([](auto& offer) { offer.objects[1].bytes = ~std::uint64_t{0}; }) == errc::too_large));
  BOOST_TEST((code_after([](auto& offer) { offer.objects.resize(max_download_objects + 1); }) == errc::too_large));
}

BOOST_AUTO_TEST_CASE(sealed_bytes_are_those_of_manifest_and_objects) {
  BOOST_TEST(sealed_bytes_of(good_offer()) == (24 + 2 + 16) + (24 + 1'000'000 + 4 * 16) + (24 + 16));
}

BOOST_AUTO_TEST_SUITE_END()
