#pragma once
// Sealing and opening whole objects in memory, for tests.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "storage/sealed_reader.hpp"
#include "storage/sealed_writer.hpp"

namespace penstock::storage::sealed_test {

using bytes = std::vector<std::uint8_t>;

inline bytes from_hex(std::string_view text) {
  bytes made;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    made.push_back(static_cast<std::uint8_t>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16)));
  return made;
}

/// A path under the system's temporary folder that does not exist yet.
inline std::filesystem::path scratch_path() {
  return std::filesystem::temp_directory_path() / ("penstock-sealed-" + to_hex(secret_bytes::random(8).view()));
}

inline bytes from_text(std::string_view text) { return {text.begin(), text.end()}; }

/// Bytes that differ everywhere, the same in every run.
inline bytes plain_of(std::size_t length, std::uint32_t seed = 1) {
  bytes made(length);
  for (auto& byte : made) byte = static_cast<std::uint8_t>((seed = seed * 1664525 + 1013904223) >> 24);
  return made;
}

inline secret_bytes test_key(std::uint8_t first = 0) {
  auto key = secret_bytes::of_size(data_key_bytes);
  for (auto& byte : key.writable()) byte = first++;
  return key;
}

struct test_object {
  std::string download = "d-20240229-7";
  std::uint32_t index = 3;
  std::uint32_t segment_bytes = 64;
};

inline content_digest digest_of(const bytes& plain) { return sha256(as_text(plain)); }

inline bytes sealed_of(const bytes& plain, const test_object& object = {}, const secret_bytes& key = test_key()) {
  bytes sealed;
  auto writer = sealed_writer::create(
                    key, {object.download, object.index, plain.size()}, digest_of(plain),
                    [&](std::span<const std::uint8_t> more) -> messages::result<void> {
                      sealed.insert(sealed.end(), more.begin(), more.end());
                      return {};
                    },
                    object.segment_bytes)
                    .value();
  // Pieces of an odd size, so that they straddle every boundary.
  for (std::size_t at = 0; at < plain.size(); at += 37)
    if (!writer.write(std::span{plain}.subspan(at, std::min<std::size_t>(37, plain.size() - at)))) return {};
  if (!writer.finish()) return {};
  return sealed;
}

inline read_at reading(const bytes& sealed) {
  return [&sealed](std::uint64_t offset, std::span<std::uint8_t> into) -> messages::result<std::size_t> {
    if (offset >= sealed.size()) return std::size_t{0};
    const auto n = std::min<std::size_t>(into.size(), sealed.size() - offset);
    std::copy_n(sealed.begin() + static_cast<std::ptrdiff_t>(offset), n, into.begin());
    return n;
  };
}

inline messages::result<bytes> opened(const bytes& sealed, const test_object& object = {},
                                      const secret_bytes& key = test_key()) {
  auto reader =
      sealed_reader::create(key, {object.download, object.index, sealed.size(), object.segment_bytes}, reading(sealed));
  if (!reader) return reader.error();
  bytes plain;
  auto read = reader->read_all([&](std::span<const std::uint8_t> more) -> messages::result<void> {
    plain.insert(plain.end(), more.begin(), more.end());
    return {};
  });
  if (!read) return read.error();
  return plain;
}

inline bool is_refused(const bytes& sealed, const test_object& object = {}, const secret_bytes& key = test_key()) {
  const auto plain = opened(sealed, object, key);
  return !plain && plain.error().code == messages::errc::authentication_failed;
}

}  // namespace penstock::storage::sealed_test
