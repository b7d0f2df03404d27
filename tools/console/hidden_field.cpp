#include "tools/console/hidden_field.hpp"

#include <algorithm>

namespace penstock::console {
namespace {

constexpr std::string_view dot = "•";

bool continues(std::uint8_t byte) { return (byte & 0xc0) == 0x80; }

}  // namespace

std::string_view hidden_field::reveal() const { return {reinterpret_cast<const char*>(bytes_.view().data()), used_}; }

void hidden_field::paste(std::string_view text) {
  const auto line = text.substr(0, text.find_first_of("\r\n"));
  const auto taken = std::min(line.size(), most_bytes - used_);
  std::copy_n(line.begin(), taken, bytes_.writable().begin() + static_cast<std::ptrdiff_t>(used_));
  used_ += taken;
}

bool hidden_field::take(const key_press& key) {
  if (!key.text.empty()) {
    paste(key.text);
  } else if (key.name == "Backspace") {
    while (used_ > 0 && continues(bytes_.view()[used_ - 1])) --used_;
    if (used_ > 0) --used_;
  } else if (key.name == "Ctrl-U") {
    used_ = 0;
  } else {
    return false;
  }
  return true;
}

void hidden_field::draw(canvas& on, const rect& where, const ink& look, bool focused) const {
  on.fill(where, look);
  const auto characters = used_ - static_cast<std::size_t>(std::count_if(
                                      bytes_.view().begin(), bytes_.view().begin() + static_cast<std::ptrdiff_t>(used_),
                                      [](std::uint8_t byte) { return continues(byte); }));
  const int shown = std::min(static_cast<int>(characters), where.width - 1);
  for (int i = 0; i < shown; ++i) on.put(where.x + i, where.y, 1, dot, look);
  if (focused) on.show_cursor(where.x + shown, where.y);
}

}  // namespace penstock::console
