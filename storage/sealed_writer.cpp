#include "storage/sealed_writer.hpp"

#include <algorithm>
#include <utility>

namespace penstock::storage {

using messages::errc;
using messages::fail;
using messages::result;

sealed_writer::sealed_writer(segment_sealer sealer, sealed_layout layout, byte_sink sink)
    : sealer_(std::move(sealer)),
      layout_(layout),
      sink_(std::move(sink)),
      buffer_(std::min<std::uint64_t>(layout.segment_bytes(), layout.sealed_bytes())) {
  std::copy(sealer_.header().begin(), sealer_.header().end(), buffer_.begin());
}

result<sealed_writer> sealed_writer::create(const secret_bytes& data_key, const sealed_identity& object,
                                            const content_digest& digest, byte_sink sink, std::uint32_t segment_bytes) {
  const auto layout = sealed_layout::of_plain(object.plain_bytes, segment_bytes);
  if (!layout) return layout.error();
  auto sealer = segment_sealer::create(data_key, object, digest);
  if (!sealer) return sealer.error();
  return sealed_writer{std::move(*sealer), *layout, std::move(sink)};
}

result<void> sealed_writer::write(std::span<const std::uint8_t> plain) {
  while (!plain.empty()) {
    if (segment_ >= layout_.segments()) return fail(errc::bad_request, "seal object: longer than announced");
    const std::size_t room = layout_.plain_length(segment_) - filled_;
    if (room == 0) {
      if (layout_.is_last(segment_)) return fail(errc::bad_request, "seal object: longer than announced");
      if (auto sealed = seal_segment(); !sealed) return sealed;
      continue;
    }
    const auto taken = plain.first(std::min(room, plain.size()));
    std::copy(taken.begin(), taken.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(segment_start() + filled_));
    filled_ += taken.size();
    plain = plain.subspan(taken.size());
  }
  return {};
}

result<void> sealed_writer::finish() {
  if (segment_ >= layout_.segments()) return fail(errc::bad_request, "seal object: finished already");
  if (layout_.plain_offset(segment_) + filled_ != layout_.plain_bytes())
    return fail(errc::bad_request, "seal object: shorter than announced");
  return seal_segment();
}

result<void> sealed_writer::seal_segment() {
  const auto start = segment_start();
  const auto sealed = sealer_.seal(segment_, layout_.is_last(segment_), std::span{buffer_}.subspan(start), filled_);
  if (!sealed) return sealed.error();
  ++segment_;
  filled_ = 0;
  return sink_(std::span{buffer_}.first(start + *sealed));
}

}  // namespace penstock::storage
