#pragma once
// A download as the control socket has authorised it: what the data socket may send to whoever redeems its ticket.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "storage/sealed_layout.hpp"
#include "storage/sealed_segments.hpp"

namespace penstock::gateways {

constexpr std::size_t max_download_objects = 1'000'000;
constexpr std::size_t max_manifest_bytes = 1024 * 1024 * 1024;

/// One instance: the bytes [part10_offset, part10_offset + bytes) of a pack are a complete DICOM Part 10 file.
struct download_object {
  std::uint32_t index = 0;  ///< as in the manifest; 1 or more
  std::filesystem::path pack;
  std::uint64_t part10_offset = 0;
  std::uint64_t bytes = 0;
  storage::content_digest digest{};  ///< differs whenever the bytes differ
};

struct download_offer {
  std::string download;  ///< its id, also the ZAP user id of its connections
  std::string project;
  std::string user;           ///< who opened it
  storage::secret_bytes key;  ///< 16 bytes, random for this download
  std::uint32_t segment_bytes = storage::sealed_segment_bytes;
  std::string manifest;                  ///< JSON text, sent as object 0
  std::vector<download_object> objects;  ///< indexes strictly rising; what could not be had is in the manifest only
};

/// errc::bad_request (names the field) or too_large for an offer that cannot be sent.
[[nodiscard]] messages::result<void> check_offer(const download_offer& offer);

/// What the offer takes up while it stands, about.
[[nodiscard]] std::size_t memory_of(const download_offer& offer);

/// What the client will receive: the sum of the sealed bytes of the manifest and all objects.
[[nodiscard]] std::uint64_t sealed_bytes_of(const download_offer& offer);

}  // namespace penstock::gateways
