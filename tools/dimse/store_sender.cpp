#include "tools/dimse/store_sender.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

namespace penstock::dimse {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

constexpr std::uint8_t only_context = 1;

}  // namespace

result<store_sender> store_sender::open(const store_peer& peer, const sample_image& image) {
  auto connected = upper_layer::connect(peer);
  if (!connected) return connected.error();
  store_sender sender{std::move(*connected)};
  const auto accepted = sender.layer_.associate(peer, {{image.sop_class, image.transfer_syntax}});
  if (!accepted) return accepted.error();
  const auto context = accepted->contexts.find(only_context);
  if (context == accepted->contexts.end() || !context->second)
    return fail(errc::pacs_unavailable, "associate with a receiver: it does not accept");
  sender.lay_out(image, accepted->most_pdu_bytes);
  return sender;
}

void store_sender::lay_out(const sample_image& image, std::uint32_t pdu_bytes) {
  const auto command = make_store_command(image.sop_class, std::string(image.uid_bytes, '0'), 0);
  const auto command_starts = pdu_head_bytes + value_head_bytes;
  message_id_at_ = command_starts + command.message_id_at;
  uid_in_command_at_ = command_starts + command.uid_at;
  uid_bytes_ = image.uid_bytes;
  append_data_pdu(message_, only_context, command.encoded, of_command | last_fragment);
  // The UID must lie in the first fragment whole: it does, identity comes first and a PDU has 4 KiB or more.
  uid_in_dataset_at_ = message_.size() + pdu_head_bytes + value_head_bytes + image.uid_position;
  const std::size_t most_fragment_bytes = (pdu_bytes - value_head_bytes) & ~std::size_t{1};
  for (std::span<const std::byte> rest{image.dataset}; !rest.empty();) {
    const auto fragment = rest.first(std::min(most_fragment_bytes, rest.size()));
    rest = rest.subspan(fragment.size());
    append_data_pdu(message_, only_context, fragment, rest.empty() ? last_fragment : std::byte{0});
  }
}

result<void> store_sender::store(std::string_view sop_instance_uid) {
  if (sop_instance_uid.size() != uid_bytes_) return fail(errc::bad_request, "send an object: a UID of another length");
  const auto id = ++last_message_id_;
  std::memcpy(message_.data() + message_id_at_, number(id).data(), sizeof id);
  std::memcpy(message_.data() + uid_in_command_at_, sop_instance_uid.data(), uid_bytes_);
  std::memcpy(message_.data() + uid_in_dataset_at_, sop_instance_uid.data(), uid_bytes_);
  if (auto sent = layer_.send(message_); !sent) return sent;
  const auto type = layer_.read_pdu();
  if (!type) return type.error();
  if (*type != pdu_type::data) return fail(errc::pacs_unavailable, "send an object: the receiver ends the association");
  const auto status = status_of(layer_.pdu());
  if (!status) return status.error();
  if (*status != 0) return fail(errc::conflict, "send an object: answered with status " + std::to_string(*status));
  return {};
}

result<void> store_sender::release() { return layer_.release(); }

}  // namespace penstock::dimse
