#include "tools/dimse/image_sender.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

namespace penstock::dimse {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

constexpr std::size_t longest_ae_title = 16;

/// Success, and the warnings of PS3.4 table B.2-1: the object was stored.
bool was_stored(std::uint16_t status) { return status == 0 || (status & 0xf000U) == 0xb000U; }

std::string hexadecimal(std::uint16_t status) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04X", unsigned{status});
  return text.data();
}

bool is_ae_title(std::string_view text) {
  return !text.empty() && text.size() <= longest_ae_title &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '\\'; });
}

bool is_loopback(const std::string& address) {
  in_addr parsed{};
  return ::inet_pton(AF_INET, address.c_str(), &parsed) == 1 && (ntohl(parsed.s_addr) >> 24U) == 127;
}

}  // namespace

result<std::uint8_t> image_sender::context_for(const storage_context& kind) {
  auto known = std::find(kinds_.begin(), kinds_.end(), kind);
  if (known == kinds_.end() || !layer_) {
    if (known == kinds_.end() && kinds_.size() == most_contexts)
      return fail(errc::too_large, "more than 128 kinds of objects; send fewer at once");
    if (known == kinds_.end()) kinds_.push_back(kind);
    if (layer_) static_cast<void>(layer_->release());
    layer_.reset();
    auto connected = upper_layer::connect(viewer_);
    if (!connected) return connected.error();
    auto accepted = connected->associate(viewer_, kinds_);
    if (!accepted) return accepted.error();
    accepted_ = std::move(*accepted);
    layer_ = std::move(*connected);
    known = std::find(kinds_.begin(), kinds_.end(), kind);
  }
  const auto id = static_cast<std::uint8_t>(2 * (known - kinds_.begin()) + 1);
  const auto answer = accepted_.contexts.find(id);
  if (answer != accepted_.contexts.end() && answer->second) return id;
  return fail(errc::conflict,
              "the viewer does not take objects of this kind (transfer syntax " + kind.transfer_syntax + ")");
}

result<void> image_sender::send_message(std::uint8_t context, const storage_context& kind,
                                        std::string_view sop_instance, std::span<const std::byte> data_set) {
  bytes message;
  append_data_pdu(message, context, make_store_command(kind.sop_class, sop_instance, ++last_message_id_).encoded,
                  of_command | last_fragment);
  if (auto sent = layer_->send(message); !sent) return sent;
  const std::size_t most = (accepted_.most_pdu_bytes - value_head_bytes) & ~std::size_t{1};
  for (auto rest = data_set; !rest.empty();) {
    const auto fragment = rest.first(std::min(most, rest.size()));
    rest = rest.subspan(fragment.size());
    message.clear();
    append_data_pdu(message, context, fragment, rest.empty() ? last_fragment : std::byte{0});
    if (auto sent = layer_->send(message); !sent) return sent;
  }
  return {};
}

result<void> image_sender::store(const storage_context& kind, std::string_view sop_instance,
                                 std::span<const std::byte> data_set) {
  if (data_set.empty() || data_set.size() % 2 != 0) return fail(errc::conflict, "its data set is of odd length");
  const auto context = context_for(kind);
  if (!context) return context.error();
  if (auto sent = send_message(*context, kind, sop_instance, data_set); !sent) return sent;
  auto& layer = *layer_;
  const auto type = layer.read_pdu();
  if (!type) return type.error();
  if (*type != pdu_type::data) return fail(errc::pacs_unavailable, "the viewer has ended the association");
  const auto status = status_of(layer.pdu());
  if (!status) return status.error();
  if (was_stored(*status)) return {};
  return fail(errc::conflict, "the viewer answers with status " + hexadecimal(*status));
}

result<void> image_sender::release() {
  if (!layer_) return {};
  auto released = layer_->release();
  layer_.reset();
  return released;
}

result<store_peer> parse_viewer(std::string_view text) {
  store_peer viewer;
  const auto at = text.find('@');
  const auto colon = text.rfind(':');
  const auto refused = fail(errc::bad_request, "name the viewer as AE@HOST:PORT, such as SLICER@127.0.0.1:11112");
  if (at == std::string_view::npos || colon == std::string_view::npos || colon < at) return refused;
  const auto host = text.substr(at + 1, colon - at - 1);
  const auto port = text.substr(colon + 1);
  viewer.called_ae = text.substr(0, at);
  viewer.calling_ae = "PENSTOCK";
  viewer.address = host == "localhost" ? "127.0.0.1" : std::string{host};
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), viewer.port);
  if (problem != std::errc{} || end != port.data() + port.size() || viewer.port == 0 || !is_ae_title(viewer.called_ae))
    return refused;
  if (is_loopback(viewer.address)) return viewer;
  return fail(errc::bad_request,
              "images are sent to viewers on this machine only (127.0.0.1), for C-STORE is not "
              "encrypted; what goes to other machines goes through the server, under governance");
}

}  // namespace penstock::dimse
