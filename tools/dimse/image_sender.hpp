#pragma once
// Sends DICOM objects that lie in memory to a viewer by C-STORE, each as it was stored: their data sets are never
// parsed here.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "messages/result.hpp"
#include "tools/dimse/upper_layer.hpp"

namespace penstock::dimse {

/// One viewer; a new association whenever there is an object of another kind than before. Used by one thread.
class image_sender {
 public:
  explicit image_sender(store_peer viewer) : viewer_(std::move(viewer)) {}

  /// Waits for the answer. errc::conflict when the viewer refuses this object, and the next may be taken;
  /// errc::pacs_unavailable when it cannot be reached any more.
  [[nodiscard]] messages::result<void> store(const storage_context& kind, std::string_view sop_instance,
                                             std::span<const std::byte> data_set);
  [[nodiscard]] messages::result<void> release();

 private:
  [[nodiscard]] messages::result<std::uint8_t> context_for(const storage_context& kind);
  [[nodiscard]] messages::result<void> send_message(std::uint8_t context, const storage_context& kind,
                                                    std::string_view sop_instance, std::span<const std::byte> data_set);

  store_peer viewer_;
  std::vector<storage_context> kinds_;
  std::optional<upper_layer> layer_;
  acceptance accepted_;
  std::uint16_t last_message_id_ = 0;
};

/// "AE@HOST:PORT" of this machine. errc::bad_request for other machines, with the reason.
[[nodiscard]] messages::result<store_peer> parse_viewer(std::string_view text);

}  // namespace penstock::dimse
