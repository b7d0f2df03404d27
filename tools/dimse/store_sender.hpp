#pragma once
// The fastest C-STORE sender that we can make, for measuring receivers: it sends one prepared message again and again,
// only the SOP Instance UID and the message id changed, so that the machine's time goes to the receiver.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "messages/result.hpp"
#include "tools/dimse/upper_layer.hpp"

namespace penstock::dimse {

/// What is sent each time.
struct sample_image {
  std::string sop_class;
  std::string transfer_syntax;
  std::vector<std::byte> dataset;  ///< of even length, as in the transfer syntax
  /// Where in the data set the SOP Instance UID stands, and with how many bytes.
  std::size_t uid_position = 0;
  std::size_t uid_bytes = 0;
};

/// One association, one object at a time. Aborted when it is destroyed without `release`. Used by one thread.
class store_sender {
 public:
  /// errc::pacs_unavailable when nobody accepts the association and the image's presentation context.
  [[nodiscard]] static messages::result<store_sender> open(const store_peer& peer, const sample_image& image);

  /// Sends the image under this UID, of exactly `uid_bytes`, and waits for the answer: errc::conflict unless it
  /// is success.
  [[nodiscard]] messages::result<void> store(std::string_view sop_instance_uid);
  [[nodiscard]] messages::result<void> release();

 private:
  explicit store_sender(upper_layer layer) : layer_(std::move(layer)) {}
  void lay_out(const sample_image& image, std::uint32_t pdu_bytes);

  upper_layer layer_;
  std::vector<std::byte> message_;
  std::size_t message_id_at_ = 0;
  std::size_t uid_in_command_at_ = 0;
  std::size_t uid_in_dataset_at_ = 0;
  std::size_t uid_bytes_ = 0;
  std::uint16_t last_message_id_ = 0;
};

}  // namespace penstock::dimse
