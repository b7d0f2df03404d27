#include "tools/pacs/association.hpp"

#include <algorithm>

#include "tools/pacs/request_log.hpp"

namespace penstock::pacs {
namespace {

using messages::errc;
using messages::fail;
using messages::result;
using std::chrono::milliseconds;

constexpr milliseconds association_patience{30'000};
constexpr milliseconds release_patience{2'000};
/// A message may come in this time once it has begun.
constexpr milliseconds fragment_patience{30'000};
constexpr std::size_t most_message_bytes = std::size_t{16} << 20;
constexpr std::uint32_t no_data_set = 0x0101;
constexpr std::uint32_t a_data_set = 0x0001;

std::vector<accepted_context> accepted(const associate_request& request, const associate_accept& answer) {
  std::vector<accepted_context> made;
  for (const auto& context : answer.contexts) {
    const auto proposed = std::ranges::find(request.contexts, context.id, &proposed_context::id);
    if (context.result == context_result::acceptance && proposed != request.contexts.end())
      made.push_back({context.id, proposed->abstract_syntax, context.transfer_syntax});
  }
  return made;
}

/// The fragments of a message as they come.
struct assembly {
  message made;
  bytes command;
  bool has_command = false;
  bool complete = false;

  /// False when this is no fragment that may come now.
  bool take(std::uint8_t context_id, std::byte control, byte_view fragment) {
    const bool is_command = (control & of_command) != std::byte{0};
    const bool is_last = (control & last_fragment) != std::byte{0};
    if (complete || is_command == has_command || command.size() + made.data.size() > most_message_bytes) return false;
    made.context_id = context_id;
    append(is_command ? command : made.data, fragment);
    if (!is_last) return true;
    if (!is_command) return complete = true;
    auto decoded = decode(command, encoding::implicit_vr);
    if (!decoded) return false;
    made.command = std::move(*decoded);
    has_command = true;
    complete = number(made.command, attributes::command_data_set_type).value_or(no_data_set) == no_data_set;
    return true;
  }

  bool take(byte_view pdu_body) {
    while (!pdu_body.empty()) {
      if (pdu_body.size() < value_header_bytes) return false;
      const auto length = big_endian(pdu_body.first(4));
      if (length < 2 || length > pdu_body.size() - 4) return false;
      if (!take(std::to_integer<std::uint8_t>(pdu_body[4]), pdu_body[5],
                pdu_body.subspan(value_header_bytes, length - 2)))
        return false;
      pdu_body = pdu_body.subspan(4 + length);
    }
    return true;
  }
};

}  // namespace

command_field message::field() const {
  return static_cast<command_field>(number(command, attributes::command_field).value_or(0));
}
std::uint16_t message::id() const {
  return static_cast<std::uint16_t>(number(command, attributes::message_id).value_or(0));
}
std::uint16_t message::responds_to() const {
  return static_cast<std::uint16_t>(number(command, attributes::message_id_being_responded_to).value_or(0));
}

std::size_t association::fragment_for(std::uint32_t peers_most_pdu_bytes) {
  constexpr std::uint32_t least = 1'024;
  const auto most =
      peers_most_pdu_bytes == 0 ? most_pdu_bytes : std::clamp(peers_most_pdu_bytes, least, most_pdu_bytes);
  return (most - value_header_bytes) & ~std::size_t{1};
}

result<association> association::request(const host_port& to, const associate_request& request) {
  auto opened = connection::open(to);
  if (!opened) return opened.error();
  if (auto sent = opened->send(encode(request)); !sent) return sent.error();
  const auto answer = opened->read_pdu(association_patience);
  if (!answer) return answer.error();
  if (answer->type != pdu_type::associate_accept)
    return fail(errc::pacs_unavailable, "associate: the peer does not accept");
  const auto accept = decode_associate_accept(answer->body);
  if (!accept) return fail(errc::bad_request, "associate: the answer is malformed");
  return association{std::move(*opened), accepted(request, *accept), accept->most_pdu_bytes};
}

const accepted_context* association::context(std::uint8_t id) const {
  const auto found = std::ranges::find(contexts_, id, &accepted_context::id);
  return found == contexts_.end() ? nullptr : &*found;
}

result<void> association::send_command(std::uint8_t context_id, dataset command, bool has_data) {
  put_number(command, attributes::command_data_set_type, has_data ? a_data_set : no_data_set);
  auto encoded = encode(command, encoding::implicit_vr);
  dataset length;
  put_number(length, attributes::command_group_length, static_cast<std::uint32_t>(encoded.size()));
  auto whole = encode(length, encoding::implicit_vr);
  append(whole, encoded);
  return send_fragments(context_id, whole, of_command, true);
}

result<void> association::send_fragments(std::uint8_t context_id, byte_view data, std::byte kind, bool ends) {
  do {
    const auto fragment = data.first(std::min(fragment_bytes_, data.size()));
    data = data.subspan(fragment.size());
    const auto control = data.empty() && ends ? kind | last_fragment : kind;
    if (auto sent = connection_.send(data_header(context_id, control, fragment.size()), fragment); !sent) return sent;
  } while (!data.empty());
  return {};
}

result<void> association::send(std::uint8_t context_id, const dataset& command, byte_view data) {
  if (auto sent = send_command(context_id, command, !data.empty()); !sent || data.empty()) return sent;
  return send_fragments(context_id, data, std::byte{0}, true);
}

result<void> association::send_half(std::uint8_t context_id, const dataset& command, byte_view data) {
  if (auto sent = send_command(context_id, command, true); !sent) return sent;
  return send_fragments(context_id, data.first(data.size() / 2 & ~std::size_t{1}), std::byte{0}, false);
}

result<std::optional<message>> association::receive(milliseconds patience) {
  assembly coming;
  while (!coming.complete) {
    auto pdu = connection_.read_pdu(patience);
    if (!pdu) return pdu.error();
    patience = fragment_patience;
    if (pdu->type == pdu_type::release_request) {
      (void)connection_.send(encode_release(pdu_type::release_response));
      return std::optional<message>{};
    }
    if (pdu->type == pdu_type::abort) return fail(errc::pacs_unavailable, "read: the peer aborts the association");
    if (pdu->type != pdu_type::data || !coming.take(pdu->body)) {
      abort();
      return fail(errc::bad_request, "read: the peer breaks the protocol");
    }
  }
  coming.made.read_at_ns = boottime_ns();
  return std::optional{std::move(coming.made)};
}

void association::release() {
  if (connection_.send(encode_release(pdu_type::release_request))) (void)connection_.read_pdu(release_patience);
  connection_.close();
}

void association::abort() {
  (void)connection_.send(encode_abort());
  connection_.close();
}

}  // namespace penstock::pacs
