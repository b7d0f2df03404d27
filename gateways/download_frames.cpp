#include "gateways/download_frames.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace penstock::gateways {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

result<client_message> parse_credit(std::string_view bytes) {
  if (bytes.size() != sizeof(std::uint32_t)) return fail(errc::bad_request, "CREDIT");
  std::uint32_t messages = 0;
  for (const char byte : bytes) messages = messages << 8 | static_cast<std::uint8_t>(byte);
  return client_message{grant_credit{messages}};
}

result<client_message> parse_open(std::string_view download, std::string_view from) {
  const auto refused = fail(errc::bad_request, "OPEN");
  open_download open{std::string{download}};
  if (from.empty()) return client_message{std::move(open)};
  const auto json = nlohmann::json::parse(from, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return refused;
  const auto read = [&json](const char* name, auto& into, std::uint64_t most) {
    const auto found = json.find(name);
    if (found == json.end()) return true;
    if (!found->is_number_unsigned() || found->get<std::uint64_t>() > most) return false;
    found->get_to(into);
    return true;
  };
  if (!read("object", open.object, UINT32_MAX) || !read("segment", open.segment, UINT32_MAX)) return refused;
  return client_message{std::move(open)};
}

}  // namespace

result<client_message> parse_client_message(std::span<const std::string_view> frames) {
  if (frames.size() == 2 && frames[0] == "CREDIT") return parse_credit(frames[1]);
  if (frames.size() == 2 && frames[0] == "OPEN") return parse_open(frames[1], {});
  if (frames.size() == 3 && frames[0] == "OPEN") return parse_open(frames[1], frames[2]);
  return fail(errc::bad_request, "data socket: message");
}

std::string big_endian_32(std::uint32_t value) { return big_endian_64(value).substr(sizeof value); }

std::string error_json(errc code) { return nlohmann::json{{"code", name_of(code)}}.dump(); }

}  // namespace penstock::gateways
