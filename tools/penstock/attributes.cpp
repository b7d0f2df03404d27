#include "tools/penstock/attributes.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "storage/character_sets.hpp"
#include "tools/penstock/display_text.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

constexpr char end_of_field = '\x1f';
constexpr char end_of_attribute = '\x1e';
constexpr std::size_t fields = 7;
constexpr std::size_t widest_value = 100;

std::string_view take_until(std::string_view& text, char end) {
  const auto found = text.substr(0, text.find(end));
  text.remove_prefix(std::min(text.size(), found.size() + 1));
  return found;
}

template <class Number>
bool read_number(std::string_view text, Number& into) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), into);
  return problem == std::errc{} && end == text.data() + text.size();
}

bool is_tag(std::string_view text) {
  return text.size() == 8 && text.find_first_not_of("0123456789ABCDEF") == std::string_view::npos;
}

/// Padding is no part of a value (PS3.5 section 6.2).
std::string_view without_padding(std::string_view value) {
  while (!value.empty() && (value.back() == ' ' || value.back() == '\0')) value.remove_suffix(1);
  return value;
}

}  // namespace

result<std::vector<attribute>> parse_attributes(std::string_view text) {
  std::vector<attribute> found;
  while (!text.empty()) {
    auto line = take_until(text, end_of_attribute);
    std::array<std::string_view, fields> parts;
    for (auto& part : parts) part = take_until(line, end_of_field);
    attribute one;
    const bool good = line.empty() && read_number(parts[0], one.depth) && is_tag(parts[1]) && parts[2].size() <= 2 &&
                      read_number(parts[4], one.bytes) && one.depth <= deepest_attribute &&
                      found.size() < most_attributes;
    if (!good) return fail(errc::corrupt, "the decoder gave back what are no attributes");
    one.tag = parts[1];
    one.vr = parts[2];
    one.keyword = parts[3];
    one.value = storage::to_utf8(parts[5], without_padding(parts[6])).text;
    found.push_back(std::move(one));
  }
  return found;
}

bool begins_item(const attribute& one) { return one.tag == "FFFEE000"; }

std::string line_for(const attribute& one) {
  const std::string indent(2 * std::size_t{one.depth}, ' ');
  if (begins_item(one)) return indent + "-";
  auto value = fitted(printable(one.value), widest_value);
  if (one.vr == "SQ")
    value = "";
  else if (one.value.empty() && one.bytes != 0)
    value = "(" + human_bytes(one.bytes) + ")";
  else if (one.value.size() < one.bytes / 2 || one.value.size() >= most_value_bytes)
    value += " (" + human_bytes(one.bytes) + ")";
  const auto name = one.keyword.empty() ? "-" : printable(one.keyword);
  return indent + "(" + one.tag.substr(0, 4) + "," + one.tag.substr(4) + ") " + printable(one.vr) + " " + name +
         (value.empty() ? "" : ": " + value);
}

std::string value_of(const std::vector<attribute>& attributes, std::string_view keyword) {
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [&](const attribute& one) { return one.depth == 0 && one.keyword == keyword; });
  return found == attributes.end() ? std::string{} : found->value;
}

}  // namespace penstock::commands
