#include "gateways/download_offer.hpp"

namespace penstock::gateways {

using messages::errc;
using messages::fail;
using messages::result;

namespace {

result<void> check_object(const download_offer& offer, std::uint64_t plain_bytes) {
  const auto layout = storage::sealed_layout::of_plain(plain_bytes, offer.segment_bytes);
  if (!layout) return layout.error();
  return {};
}

}  // namespace

result<void> check_offer(const download_offer& offer) {
  if (offer.objects.size() > max_download_objects) return fail(errc::too_large, "download offer: objects");
  if (offer.manifest.size() > max_manifest_bytes) return fail(errc::too_large, "download offer: manifest");
  if (offer.segment_bytes > storage::sealed_segment_bytes)
    return fail(errc::bad_request, "download offer: segment_bytes");
  if (auto checked = check_object(offer, offer.manifest.size()); !checked) return checked;
  // Also checks the key and the id.
  if (auto header = storage::derive_header(offer.key, {offer.download, 0, 0}, {}); !header) return header.error();
  std::uint32_t before = 0;
  for (const auto& object : offer.objects) {
    if (object.index <= before) return fail(errc::bad_request, "download offer: index");
    if (auto checked = check_object(offer, object.bytes); !checked) return checked;
    before = object.index;
  }
  return {};
}

std::size_t memory_of(const download_offer& offer) {
  constexpr std::size_t path_bytes = 128;
  return offer.manifest.capacity() + offer.objects.capacity() * (sizeof(download_object) + path_bytes);
}

std::uint64_t sealed_bytes_of(const download_offer& offer) {
  const auto sealed = [&](std::uint64_t plain_bytes) {
    const auto layout = storage::sealed_layout::of_plain(plain_bytes, offer.segment_bytes);
    return layout ? layout->sealed_bytes() : 0;
  };
  auto total = sealed(offer.manifest.size());
  for (const auto& object : offer.objects) total += sealed(object.bytes);
  return total;
}

}  // namespace penstock::gateways
