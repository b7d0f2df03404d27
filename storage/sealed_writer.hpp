#pragma once
// Seals one object as a stream of plain bytes comes, and hands the sealed bytes on in order.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "messages/result.hpp"
#include "storage/sealed_segments.hpp"

namespace penstock::storage {

/// Takes the next bytes; a failure ends the stream and is what its writer or reader returns.
using byte_sink = std::function<messages::result<void>(std::span<const std::uint8_t>)>;

/// Holds one segment in memory. The sink sees, in order, each segment as it is sent or stored (segment 0 begins with
/// the header).
class sealed_writer {
 public:
  static messages::result<sealed_writer> create(const secret_bytes& data_key, const sealed_identity& object,
                                                const content_digest& digest, byte_sink sink,
                                                std::uint32_t segment_bytes = sealed_segment_bytes);

  /// errc::bad_request when more comes than `object.plain_bytes` announced.
  messages::result<void> write(std::span<const std::uint8_t> plain);
  /// Seals the last segment. errc::bad_request when less came than was announced.
  messages::result<void> finish();

 private:
  sealed_writer(segment_sealer sealer, sealed_layout layout, byte_sink sink);
  [[nodiscard]] std::size_t segment_start() const { return segment_ == 0 ? sealed_header_bytes : 0; }
  messages::result<void> seal_segment();

  segment_sealer sealer_;
  sealed_layout layout_;
  byte_sink sink_;
  std::vector<std::uint8_t> buffer_;
  std::size_t filled_ = 0;
  std::uint64_t segment_ = 0;
};

}  // namespace penstock::storage
