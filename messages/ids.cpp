#include "messages/ids.hpp"

#include <algorithm>

namespace penstock::messages {
namespace {

constexpr std::size_t longest_uid = 64;
constexpr std::size_t longest_name = 64;
constexpr std::size_t longest_key = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

bool is_valid_uid(std::string_view text) {
  if (text.empty() || text.size() > longest_uid) return false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '.') {
      if (!is_digit(text[i])) return false;
      continue;
    }
    const auto length = i - begin;
    if (length == 0 || (length > 1 && text[begin] == '0')) return false;
    begin = i + 1;
  }
  return true;
}

bool is_valid_name(std::string_view text) {
  if (text.empty() || text.size() > longest_name) return false;
  if (!is_digit(text.front()) && !is_lower(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_digit(c) || is_lower(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_exact_key(std::string_view text) {
  if (text.empty() || text.size() > longest_key || text.front() == ' ' || text.back() == ' ') return false;
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return c == '*' || c == '?' || c == '\\' || is_control(c); });
}

std::string_view without_padding(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
  return text;
}

}  // namespace penstock::messages
