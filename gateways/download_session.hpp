#pragma once
// One client that is being sent one download: where it stands, and its next message. Knows no socket.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "gateways/download_frames.hpp"
#include "gateways/download_offer.hpp"
#include "gateways/segment_pool.hpp"
#include "messages/result.hpp"
#include "storage/sealed_layout.hpp"
#include "storage/sealed_segments.hpp"

namespace penstock::gateways {

/// An offer as the gateway holds it, shared with the session that sends it.
struct live_offer {
  download_offer offer;
  storage::content_digest manifest_digest{};
  std::atomic<messages::errc> withdrawn{messages::errc::none};  ///< why its session ends, at once
};

/// A message to the client. `payload` (of `payload_bytes`) is there for a segment only.
struct download_message {
  enum class kind_of { object, segment, error, end };
  kind_of kind = kind_of::end;
  std::uint32_t index = 0;
  std::uint64_t number = 0;  ///< object: its sealed bytes; segment: its number
  messages::errc code = messages::errc::none;
  segment_pool::lease payload;
  std::size_t payload_bytes = 0;
};

/// Used by one thread.
class download_session {
 public:
  /// errc::not_found or bad_request when `open` does not name a segment of the offer.
  static messages::result<download_session> create(std::shared_ptr<const live_offer> offer, const open_download& open,
                                                   std::shared_ptr<segment_pool> pool);

  /// The next message; the same one again until `take_sent()`. A pack that is gone, short or unreadable costs its
  /// object only.
  [[nodiscard]] const download_message& next();
  /// A message was made and not taken yet.
  [[nodiscard]] bool has_next() const { return next_.has_value(); }
  /// Gives the message of `next()` away and goes on to the one after it.
  [[nodiscard]] download_message take_sent();
  /// END was taken.
  [[nodiscard]] bool complete() const { return complete_; }
  /// Nothing is left but END, which a client that counts its objects may never ask for.
  [[nodiscard]] bool all_taken() const;

  [[nodiscard]] const live_offer& offer() const { return *offer_; }
  [[nodiscard]] const std::shared_ptr<const live_offer>& shared_offer() const { return offer_; }
  /// Segments that were taken and are still held by the transport.
  [[nodiscard]] std::uint32_t segments_in_flight() const { return *in_flight_; }
  [[nodiscard]] std::uint64_t sealed_bytes_sent() const { return sealed_bytes_sent_; }
  [[nodiscard]] std::uint32_t objects_failed() const { return objects_failed_; }

 private:
  /// The object that is being sent.
  struct current_object {
    std::uint32_t index;
    storage::sealed_layout layout;
    storage::segment_sealer sealer;
  };
  /// A pack's descriptor, kept as long as its objects follow each other.
  struct open_pack {
    std::filesystem::path path;
    int descriptor = -1;
    std::uint64_t bytes = 0;
    open_pack() = default;
    open_pack(open_pack&& other) noexcept;
    open_pack& operator=(open_pack&& other) noexcept;
    ~open_pack();
  };

  download_session(std::shared_ptr<const live_offer> offer, std::size_t position, std::uint64_t segment,
                   std::shared_ptr<segment_pool> pool);
  [[nodiscard]] download_message make_next();
  [[nodiscard]] download_message fail_object(std::uint32_t index, const messages::failure& problem);
  [[nodiscard]] messages::result<current_object> open_object();
  [[nodiscard]] messages::result<void> open_pack_of(const download_object& object);
  [[nodiscard]] messages::result<download_message> seal_segment();
  [[nodiscard]] messages::result<void> read_plain(std::uint64_t offset, std::span<std::uint8_t> into) const;
  void advance_object();

  std::shared_ptr<const live_offer> offer_;
  std::shared_ptr<segment_pool> pool_;
  std::shared_ptr<std::atomic<std::uint32_t>> in_flight_ = std::make_shared<std::atomic<std::uint32_t>>(0);
  std::size_t position_;   ///< 0 is the manifest, n is offer.objects[n - 1]
  std::uint64_t segment_;  ///< the next one of the object at `position_`
  std::optional<current_object> object_;
  open_pack pack_;
  std::optional<download_message> next_;
  std::uint64_t sealed_bytes_sent_ = 0;
  std::uint32_t objects_failed_ = 0;
  bool complete_ = false;
};

}  // namespace penstock::gateways
