#pragma once
// Takes what the data socket sends (messages/WIRE.md, "The data socket"), checks each segment in memory, and hands it
// to a store. It knows nothing of sockets; whatever does not fit what was authorised is refused.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "storage/sealed_segments.hpp"
#include "tools/client/download_manifest.hpp"

namespace penstock::client {

/// What the control socket said of the download.
struct download_facts {
  std::string download;
  storage::secret_bytes key;
  std::uint32_t segment_bytes = storage::sealed_segment_bytes;
  std::uint64_t objects = 0;  ///< with the manifest
  std::uint64_t bytes = 0;    ///< sealed, all objects
};

/// One object as it arrives. `about` and `place` are null for object 0, the manifest.
struct arriving_object {
  std::uint32_t index = 0;
  const manifest_object* about = nullptr;
  const placement* place = nullptr;
  std::uint64_t sealed_bytes = 0;
};

/// Keeps what arrives. `begin` is called once for each object; a connection that is resumed goes on where it was.
class object_store {
 public:
  virtual ~object_store() = default;
  virtual result<void> begin(const arriving_object& object) = 0;
  /// `sealed` as sent (segment 0 with the header), `plain` authenticated; both at their offsets in the object.
  virtual result<void> take(std::uint64_t sealed_offset, std::span<const std::uint8_t> sealed,
                            std::uint64_t plain_offset, std::span<const std::uint8_t> plain) = 0;
  virtual result<void> finish() = 0;
  /// Forgets the object under way.
  virtual void discard() = 0;
  /// Makes all finished objects durable.
  virtual result<void> flush() = 0;
};

/// The next thing wanted.
struct download_position {
  std::uint32_t object = 0;
  std::uint64_t segment = 0;
  bool operator==(const download_position&) const = default;
};

class download_receiver {
 public:
  /// `store` must outlive the receiver.
  download_receiver(const download_facts& facts, object_store& store);

  /// Goes on with a download whose manifest is here. `position` is the first segment that is not; when it is in the
  /// middle of an object, `header` are the first 24 bytes of what is there of it, and `begin` will not be called for
  /// it.
  result<void> resume(download_manifest manifest, std::uint64_t manifest_sealed_bytes, download_position position,
                      const std::optional<storage::sealed_header>& header);

  result<void> on_object(std::uint32_t index, std::uint64_t sealed_bytes);
  result<void> on_segment(std::uint32_t index, std::uint64_t segment, std::span<const std::uint8_t> sealed);
  /// The server cannot read this object after all; what has come of it is dropped.
  result<void> on_missing(std::uint32_t index);
  /// errc::corrupt when what came is not all that was authorised.
  result<void> on_end();

  [[nodiscard]] download_position position() const { return position_; }
  [[nodiscard]] const std::optional<download_manifest>& manifest() const { return manifest_; }
  /// Objects of the manifest that the server could not send, or skipped.
  [[nodiscard]] const std::vector<std::uint32_t>& missing() const { return missing_; }
  [[nodiscard]] std::uint64_t objects_finished() const { return objects_finished_; }
  [[nodiscard]] std::uint64_t sealed_bytes_received() const { return bytes_received_; }

 private:
  result<void> check_announced(std::uint32_t index, const storage::sealed_layout& layout) const;
  result<void> start_object(std::uint32_t index, const storage::sealed_layout& layout);
  result<void> open_header(std::span<const std::uint8_t> sealed);
  result<void> finish_object();
  result<void> take_manifest();
  void skip_to(std::uint32_t index);
  [[nodiscard]] const manifest_object& about(std::uint32_t index) const { return manifest_->objects[index - 1]; }

  const download_facts& facts_;
  object_store& store_;
  std::optional<download_manifest> manifest_;
  std::vector<placement> places_;
  std::vector<std::uint32_t> missing_;
  std::optional<storage::sealed_layout> layout_;  ///< of the object under way
  std::optional<storage::segment_opener> opener_;
  download_position position_;
  std::vector<std::uint8_t> plain_;
  std::string manifest_text_;
  std::uint64_t objects_finished_ = 0;
  std::uint64_t bytes_received_ = 0;
};

/// Where the data socket must go on: the first object at or after `index` that the manifest says can be had.
[[nodiscard]] std::uint32_t next_available(const download_manifest& manifest, std::uint32_t index);

}  // namespace penstock::client
