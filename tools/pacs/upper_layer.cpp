#include "tools/pacs/upper_layer.hpp"

#include <algorithm>
#include <string_view>

namespace penstock::pacs {
namespace {

constexpr std::size_t title_bytes = 16;
constexpr std::size_t fixed_bytes = 68;  // of an A-ASSOCIATE PDU: version, titles, reserved
constexpr std::size_t item_header_bytes = 4;
constexpr std::string_view application_context_name = "1.2.840.10008.3.1.1.1";
constexpr std::string_view implementation_class = "2.25.129012903187120398713";
constexpr std::string_view implementation_version = "PENSTOCK_PACS";

namespace item_type {
constexpr std::uint8_t application_context = 0x10;
constexpr std::uint8_t proposed_context = 0x20;
constexpr std::uint8_t answered_context = 0x21;
constexpr std::uint8_t abstract_syntax = 0x30;
constexpr std::uint8_t transfer_syntax = 0x40;
constexpr std::uint8_t user_information = 0x50;
constexpr std::uint8_t most_pdu_bytes = 0x51;
constexpr std::uint8_t implementation_class_uid = 0x52;
constexpr std::uint8_t role_selection = 0x54;
constexpr std::uint8_t implementation_version_name = 0x55;
}  // namespace item_type

bytes item(std::uint8_t type, byte_view content) {
  bytes made{std::byte{type}, std::byte{0}};
  append_big_endian(made, content.size(), 2);
  append(made, content);
  return made;
}

bytes item(std::uint8_t type, std::string_view text) { return item(type, view_of(text)); }

bytes pdu(pdu_type type, byte_view body) {
  bytes made{static_cast<std::byte>(type), std::byte{0}};
  append_big_endian(made, body.size(), 4);
  append(made, body);
  return made;
}

void append_title(bytes& to, std::string title) {
  title.resize(title_bytes, ' ');
  append(to, title);
}

bytes user_information(std::uint32_t most_pdu_bytes, const std::vector<role_selection>& roles) {
  bytes most;
  append_big_endian(most, most_pdu_bytes, 4);
  bytes made = item(item_type::most_pdu_bytes, most);
  append(made, item(item_type::implementation_class_uid, implementation_class));
  for (const auto& role : roles) {
    bytes content;
    append_big_endian(content, role.sop_class.size(), 2);
    append(content, role.sop_class);
    content.push_back(role.as_scu ? std::byte{1} : std::byte{0});
    content.push_back(role.as_scp ? std::byte{1} : std::byte{0});
    append(made, item(item_type::role_selection, content));
  }
  append(made, item(item_type::implementation_version_name, implementation_version));
  return made;
}

bytes associate_pdu(pdu_type type, const std::string& called_ae, const std::string& calling_ae,
                    byte_view variable_items) {
  constexpr std::size_t reserved_bytes = 32;
  bytes body{std::byte{0}, std::byte{1}, std::byte{0}, std::byte{0}};
  append_title(body, called_ae);
  append_title(body, calling_ae);
  body.resize(body.size() + reserved_bytes);
  append(body, item(item_type::application_context, application_context_name));
  append(body, variable_items);
  return pdu(type, body);
}

/// Tells `found` the type and content of each item; false when the last one is cut.
template <class Found>
bool for_each_item(byte_view in, Found found) {
  while (!in.empty()) {
    if (in.size() < item_header_bytes) return false;
    const auto length = big_endian(in.subspan(2, 2));
    if (length > in.size() - item_header_bytes) return false;
    found(std::to_integer<std::uint8_t>(in[0]), in.subspan(item_header_bytes, length));
    in = in.subspan(item_header_bytes + length);
  }
  return true;
}

std::string without_padding(std::string text) {
  const auto end = text.find_last_not_of(std::string_view{" \0", 2});
  text.resize(end == std::string::npos ? 0 : end + 1);
  return text.substr(std::min(text.find_first_not_of(' '), text.size()));
}

struct user_facts {
  std::uint32_t most_pdu_bytes = 0;
  std::vector<role_selection> roles;
};

void read_user_information(byte_view content, user_facts& into) {
  for_each_item(content, [&](std::uint8_t type, byte_view value) {
    if (type == item_type::most_pdu_bytes && value.size() == 4) into.most_pdu_bytes = big_endian(value);
    if (type != item_type::role_selection || value.size() < 4) return;
    const auto length = big_endian(value.first(2));
    if (value.size() != length + 4) return;
    into.roles.push_back({without_padding(text_of(value.subspan(2, length))), value[length + 2] == std::byte{1},
                          value[length + 3] == std::byte{1}});
  });
}

/// Called and calling AE title, and the rest.
struct associate_parts {
  std::string called_ae;
  std::string calling_ae;
  byte_view items;
};

std::optional<associate_parts> parts_of(byte_view body) {
  if (body.size() < fixed_bytes) return std::nullopt;
  return associate_parts{without_padding(text_of(body.subspan(4, title_bytes))),
                         without_padding(text_of(body.subspan(4 + title_bytes, title_bytes))),
                         body.subspan(fixed_bytes)};
}

proposed_context read_proposed(byte_view content) {
  proposed_context read;
  if (content.size() < 4) return read;
  read.id = std::to_integer<std::uint8_t>(content[0]);
  for_each_item(content.subspan(4), [&](std::uint8_t type, byte_view value) {
    if (type == item_type::abstract_syntax) read.abstract_syntax = without_padding(text_of(value));
    if (type == item_type::transfer_syntax) read.transfer_syntaxes.push_back(without_padding(text_of(value)));
  });
  return read;
}

answered_context read_answered(byte_view content) {
  answered_context read{0, context_result::abstract_syntax_not_supported, {}};
  if (content.size() < 4) return read;
  read.id = std::to_integer<std::uint8_t>(content[0]);
  read.result = static_cast<context_result>(content[2]);
  for_each_item(content.subspan(4), [&](std::uint8_t type, byte_view value) {
    if (type == item_type::transfer_syntax) read.transfer_syntax = without_padding(text_of(value));
  });
  return read;
}

}  // namespace

bytes encode(const associate_request& request) {
  bytes items;
  for (const auto& context : request.contexts) {
    bytes content{std::byte{context.id}, std::byte{0}, std::byte{0}, std::byte{0}};
    append(content, item(item_type::abstract_syntax, context.abstract_syntax));
    for (const auto& syntax : context.transfer_syntaxes) append(content, item(item_type::transfer_syntax, syntax));
    append(items, item(item_type::proposed_context, content));
  }
  append(items, item(item_type::user_information, user_information(request.most_pdu_bytes, request.roles)));
  return associate_pdu(pdu_type::associate_request, request.called_ae, request.calling_ae, items);
}

bytes encode(const associate_accept& answer) {
  bytes items;
  for (const auto& context : answer.contexts) {
    bytes content{std::byte{context.id}, std::byte{0}, static_cast<std::byte>(context.result), std::byte{0}};
    append(content, item(item_type::transfer_syntax, context.transfer_syntax));
    append(items, item(item_type::answered_context, content));
  }
  append(items, item(item_type::user_information, user_information(answer.most_pdu_bytes, answer.roles)));
  return associate_pdu(pdu_type::associate_accept, answer.called_ae, answer.calling_ae, items);
}

bytes encode(const associate_reject& answer) {
  return pdu(pdu_type::associate_reject,
             bytes{std::byte{0}, std::byte{answer.result}, std::byte{answer.source}, std::byte{answer.reason}});
}

bytes encode_release(pdu_type type) { return pdu(type, bytes(4)); }

bytes encode_abort() { return pdu(pdu_type::abort, bytes(4)); }

bytes data_header(std::uint8_t context_id, std::byte control, std::size_t fragment_bytes) {
  bytes made{static_cast<std::byte>(pdu_type::data), std::byte{0}};
  append_big_endian(made, fragment_bytes + value_header_bytes, 4);
  append_big_endian(made, fragment_bytes + 2, 4);
  made.push_back(std::byte{context_id});
  made.push_back(control);
  return made;
}

std::optional<associate_request> decode_associate_request(byte_view body) {
  const auto parts = parts_of(body);
  if (!parts) return std::nullopt;
  associate_request read{parts->called_ae, parts->calling_ae, 0, {}, {}};
  user_facts user;
  const bool whole = for_each_item(parts->items, [&](std::uint8_t type, byte_view content) {
    if (type == item_type::proposed_context) read.contexts.push_back(read_proposed(content));
    if (type == item_type::user_information) read_user_information(content, user);
  });
  read.most_pdu_bytes = user.most_pdu_bytes;
  read.roles = std::move(user.roles);
  if (!whole) return std::nullopt;
  return read;
}

std::optional<associate_accept> decode_associate_accept(byte_view body) {
  const auto parts = parts_of(body);
  if (!parts) return std::nullopt;
  associate_accept read{parts->called_ae, parts->calling_ae, 0, {}, {}};
  user_facts user;
  const bool whole = for_each_item(parts->items, [&](std::uint8_t type, byte_view content) {
    if (type == item_type::answered_context) read.contexts.push_back(read_answered(content));
    if (type == item_type::user_information) read_user_information(content, user);
  });
  read.most_pdu_bytes = user.most_pdu_bytes;
  read.roles = std::move(user.roles);
  if (!whole) return std::nullopt;
  return read;
}

}  // namespace penstock::pacs
