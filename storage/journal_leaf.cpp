#include "storage/journal_leaf.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "storage/digest.hpp"

namespace penstock::storage {

using messages::errc;
using messages::fail;
using messages::result;
using nlohmann::json;

namespace {

/// Canonical: keys in byte order, no white space. What is not UTF-8 becomes U+FFFD, here and in whatever is committed
/// to.
std::string canonical(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string as_utf8(const std::string& text) {
  return is_ascii(text) ? text : json::parse(canonical(json(text))).get<std::string>();
}

bool holds_only_integers(const json& value, int nesting_left) {
  if (value.is_number_float() || nesting_left < 0) return false;
  if (!value.is_structured()) return true;
  return std::all_of(value.begin(), value.end(),
                     [&](const json& item) { return holds_only_integers(item, nesting_left - 1); });
}

result<json> parse_details(const std::string& text) {
  if (text.empty()) return json::object();
  auto details = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!details.is_object()) return fail(errc::bad_request, "journal entry: details are not a JSON object");
  if (!holds_only_integers(details, details_nesting_limit))
    return fail(errc::bad_request, "journal entry: details hold a float or nest too deep");
  return details;
}

std::string commitment(std::string_view salt, std::string_view value) { return to_hex(hmac_sha256(salt, value)); }

}  // namespace

result<composed_leaf> compose_leaf(const messages::journal_entry& entry, const leaf_stamp& stamp,
                                   std::size_t limit_bytes,
                                   const std::function<void(std::span<std::uint8_t>)>& random) {
  if (entry.kind.empty()) return fail(errc::bad_request, "journal entry: no kind");
  if (entry.details.size() > limit_bytes) return fail(errc::too_large, "journal entry " + entry.kind + ": details");
  auto details = parse_details(entry.details);
  if (!details) return details.error();

  auto commitments = json::object();
  auto side_car = json::object();
  for (const auto& field : entry.identifiers) {
    std::array<std::uint8_t, salt_bytes> salt{};
    random(salt);
    auto value = as_utf8(field.value.reveal());
    if (!commitments.emplace(field.name, commitment(as_text(salt), value)).second)
      return fail(errc::bad_request, "journal entry " + entry.kind + ": identifier " + field.name + " is given twice");
    side_car[field.name] = json{{"salt", to_hex(salt)}, {"value", std::move(value)}};
  }

  composed_leaf leaf;
  leaf.text = canonical({{"v", leaf_version},
                         {"seq", stamp.sequence},
                         {"at_us", stamp.at_us},
                         {"boottime_ns", stamp.boottime_ns},
                         {"boot_id", stamp.boot_id},
                         {"kind", entry.kind},
                         {"user", entry.user},
                         {"project", entry.project},
                         {"pacs", entry.pacs},
                         {"request", entry.request},
                         {"details", std::move(*details)},
                         {"commitments", std::move(commitments)}});
  if (leaf.text.size() > limit_bytes)
    return fail(errc::too_large, "journal entry " + entry.kind + ": " + std::to_string(leaf.text.size()) +
                                     " bytes, at most " + std::to_string(limit_bytes));
  if (!side_car.empty()) leaf.side_car = canonical(side_car);
  return leaf;
}

result<void> check_side_car(std::string_view leaf, std::string_view side_car) {
  try {
    const auto entry = json::parse(leaf);
    const auto beside = json::parse(side_car);
    const auto& commitments = entry.at("commitments");
    for (const auto& [name, held] : beside.items()) {
      const auto salt = from_hex(held.at("salt").get<std::string>(), salt_bytes);
      if (!salt || commitments.at(name) != commitment(*salt, held.at("value").get<std::string>()))
        return fail(errc::corrupt, "identifier " + name + " is not the one that was committed to");
    }
    return {};
  } catch (const json::exception&) {
    return fail(errc::corrupt, "identifiers beside the entry do not fit its commitments");
  }
}

}  // namespace penstock::storage
