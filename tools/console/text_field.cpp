#include "tools/console/text_field.hpp"

#include <algorithm>
#include <vector>

namespace penstock::console {
namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

}  // namespace

void text_field::set_text(std::string text) {
  text_ = std::move(text);
  at_ = text_.size();
}

void text_field::insert(std::string_view text) {
  text = text.substr(0, most_bytes_ - std::min(most_bytes_, text_.size()));
  text_.insert(at_, text);
  at_ += text.size();
}

void text_field::paste(std::string_view text) {
  std::string clean;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool line_end = text[i] == '\n' || text[i] == '\r';
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    clean += line_end ? (many_lines_ ? '\n' : ' ') : text[i];
  }
  insert(clean);
}

void text_field::move(int by) {
  if (by < 0 && at_ > 0) do
      --at_;
    while (at_ > 0 && continues(text_[at_]));
  if (by > 0 && at_ < text_.size()) do
      ++at_;
    while (at_ < text_.size() && continues(text_[at_]));
}

bool text_field::take(const key_press& key) {
  if (!key.text.empty()) {
    insert(key.text);
  } else if (key.name == "Enter" && many_lines_) {
    insert("\n");
  } else if (key.name == "Backspace") {
    const auto end = at_;
    move(-1);
    text_.erase(at_, end - at_);
  } else if (key.name == "Delete") {
    const auto begin = at_;
    move(1);
    text_.erase(begin, at_ - begin);
    at_ = begin;
  } else if (key.name == "Left" || key.name == "Right") {
    move(key.name == "Left" ? -1 : 1);
  } else if (key.name == "Home" || key.name == "Ctrl-A") {
    at_ = 0;
  } else if (key.name == "End" || key.name == "Ctrl-E") {
    at_ = text_.size();
  } else if (key.name == "Ctrl-U") {
    set_text("");
  } else {
    return false;
  }
  return true;
}

void text_field::draw(canvas& on, const rect& where, const ink& look, bool typed_here) const {
  on.fill(where, look);
  const auto lines = lines_of(text_);
  const auto before = lines_of(std::string_view{text_}.substr(0, at_));
  const auto line = static_cast<int>(before.size()) - 1;
  const int top = std::max(0, line - where.height + 1);
  for (int i = 0; i < where.height && top + i < static_cast<int>(lines.size()); ++i) {
    auto shown = lines[static_cast<std::size_t>(top + i)];
    // Of a long line the end is seen, where people type.
    if (top + i == line)
      while (width_of(before.back()) - width_of(lines[static_cast<std::size_t>(line)]) + width_of(shown) >=
                 where.width &&
             !shown.empty()) {
        shown.remove_prefix(1);
        while (!shown.empty() && continues(shown.front())) shown.remove_prefix(1);
      }
    on.put(where.x, where.y + i, where.width, shown, look);
    if (top + i == line && typed_here)
      on.show_cursor(where.x + std::max(0, width_of(before.back()) - width_of(lines[static_cast<std::size_t>(line)]) +
                                               width_of(shown)),
                     where.y + i);
  }
}

}  // namespace penstock::console
