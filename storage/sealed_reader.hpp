#pragma once
// Reads a sealed object; plain bytes leave only after their segment has authenticated.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "storage/sealed_segments.hpp"
#include "storage/sealed_writer.hpp"

namespace penstock::storage {

/// Fills `into` from `offset` of the sealed object and returns how much it got: less than asked at the object's end
/// only.
using read_at = std::function<messages::result<std::size_t>(std::uint64_t offset, std::span<std::uint8_t> into)>;

/// What the reader must know beforehand; whatever differs from what was sealed is refused as authentication_failed.
struct sealed_object {
  std::string download;
  std::uint32_t index = 0;
  std::uint64_t sealed_bytes = 0;
  std::uint32_t segment_bytes = sealed_segment_bytes;
};

/// The object's length is part of what each segment authenticates, so a cut or lengthened object opens nowhere. Keeps
/// the last opened segment in memory, wiped when the reader goes. Not thread-safe.
class sealed_reader {
 public:
  static messages::result<sealed_reader> create(const secret_bytes& data_key, const sealed_object& object,
                                                read_at read);
  /// `object.sealed_bytes` is taken from the file. errc::not_found, io_error, authentication_failed.
  static messages::result<sealed_reader> open_file(const secret_bytes& data_key, sealed_object object,
                                                   const std::filesystem::path& path);

  sealed_reader(sealed_reader&&) noexcept = default;
  sealed_reader& operator=(sealed_reader&&) noexcept = default;
  ~sealed_reader();

  [[nodiscard]] std::uint64_t plain_bytes() const { return layout_.plain_bytes(); }
  /// Fills `into` from `plain_offset` and returns how much there was: less than asked at the object's end only.
  messages::result<std::size_t> read(std::uint64_t plain_offset, std::span<std::uint8_t> into);
  /// Every segment in order. What the sink has seen before a failure is authentic, but not the whole object.
  messages::result<void> read_all(const byte_sink& sink);
  /// Opens every segment and keeps nothing.
  messages::result<void> verify();

 private:
  sealed_reader(segment_opener opener, sealed_layout layout, read_at read);
  messages::result<void> load(std::uint64_t segment);

  segment_opener opener_;
  sealed_layout layout_;
  read_at read_;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t loaded_segment_;
};

}  // namespace penstock::storage
