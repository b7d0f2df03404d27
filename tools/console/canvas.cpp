#include "tools/console/canvas.hpp"

#include <algorithm>

#include "tools/penstock/display_text.hpp"

namespace penstock::console {
namespace {

using commands::display_width;

/// Combining marks of one cell; further ones are left out.
constexpr std::size_t most_cluster_bytes = 15;
constexpr std::string_view ellipsis = "\u2026";

struct cluster {
  std::string text;
  int width = 1;
};

std::size_t bytes_of_character(char first) {
  const auto byte = static_cast<unsigned char>(first);
  if (byte < 0xc0) return 1;
  if (byte < 0xe0) return 2;
  return byte < 0xf0 ? 3 : 4;
}

/// Takes a character and the marks on it off the front of printable text.
cluster take_cluster(std::string_view& text) {
  cluster taken;
  const auto take = [&](std::size_t bytes) {
    const auto part = text.substr(0, bytes);
    text.remove_prefix(part.size());
    return part;
  };
  taken.text = take(bytes_of_character(text.front()));
  if (taken.text.size() > 1) taken.width = static_cast<int>(display_width(taken.text));
  if (taken.width == 0) taken = {" " + taken.text, 1};
  while (!text.empty() && static_cast<unsigned char>(text.front()) >= 0x80) {
    const auto next = text.substr(0, bytes_of_character(text.front()));
    if (display_width(next) != 0) break;
    take(next.size());
    if (taken.text.size() + next.size() <= most_cluster_bytes) taken.text += next;
  }
  return taken;
}

}  // namespace

int width_of(std::string_view text) {
  const auto shown = commands::printable(text);
  std::string_view rest = shown;
  int width = 0;
  while (!rest.empty()) width += take_cluster(rest).width;
  return width;
}

canvas::canvas(int columns, int rows)
    : columns_(std::max(columns, 1)),
      rows_(std::max(rows, 1)),
      cells_(static_cast<std::size_t>(columns_) * static_cast<std::size_t>(rows_)) {}

const cell& canvas::at(int x, int y) const { return cells_[static_cast<std::size_t>(y * columns_ + x)]; }

void canvas::clear() {
  std::fill(cells_.begin(), cells_.end(), cell{});
  places_.clear();
  cursor_.reset();
}

void canvas::put_cluster(int x, int y, std::string text, int width, const ink& look) {
  if (y < 0 || y >= rows_ || x < 0 || x + width > columns_) return;
  const auto place = [&](int column) -> cell& { return cells_[static_cast<std::size_t>(y * columns_ + column)]; };
  // What is left of a wide character that is half overwritten would shift the rest of the line.
  if (place(x).text.empty() && x > 0) place(x - 1).text = " ";
  if (x + width < columns_ && place(x + width).text.empty()) place(x + width).text = " ";
  place(x) = {std::move(text), look};
  if (width == 2) place(x + 1) = {"", look};
}

int canvas::put(int x, int y, int width, std::string_view text, const ink& look) {
  width = std::min(width, columns_ - x);
  if (width <= 0) return 0;
  const auto shown = commands::printable(text);
  const bool cut = width_of(text) > width;
  const int room = cut ? width - 1 : width;
  std::string_view rest = shown;
  int used = 0;
  while (!rest.empty()) {
    auto next = take_cluster(rest);
    if (used + next.width > room) break;
    put_cluster(x + used, y, std::move(next.text), next.width, look);
    used += next.width;
  }
  if (cut) put_cluster(x + used++, y, std::string{ellipsis}, 1, look);
  return used;
}

void canvas::put_field(int x, int y, int width, std::string_view text, const ink& look, side align) {
  fill({x, y, width, 1}, look);
  const int pad = align == side::right ? std::max(0, width - width_of(text)) : 0;
  put(x + pad, y, width - pad, text, look);
}

void canvas::fill(const rect& where, const ink& look) {
  for (int y = where.y; y < where.y + where.height; ++y)
    for (int x = where.x; x < where.x + where.width; ++x) put_cluster(x, y, " ", 1, look);
}

void canvas::box(const rect& where, std::string_view title, const ink& look) {
  if (where.width < 2 || where.height < 2) return;
  fill(where, look);
  const int right = where.x + where.width - 1;
  const int bottom = where.y + where.height - 1;
  for (int x = where.x + 1; x < right; ++x) put_cluster(x, where.y, "─", 1, look), put_cluster(x, bottom, "─", 1, look);
  for (int y = where.y + 1; y < bottom; ++y) put_cluster(where.x, y, "│", 1, look), put_cluster(right, y, "│", 1, look);
  put_cluster(where.x, where.y, "┌", 1, look);
  put_cluster(right, where.y, "┐", 1, look);
  put_cluster(where.x, bottom, "└", 1, look);
  put_cluster(right, bottom, "┘", 1, look);
  if (!title.empty()) put(where.x + 2, where.y, where.width - 4, " " + std::string{title} + " ", look);
}

void canvas::on_mouse(const rect& where, mouse_handler handler) { places_.emplace_back(where, std::move(handler)); }

bool canvas::send_mouse(const mouse_event& event) const {
  for (auto place = places_.rbegin(); place != places_.rend(); ++place) {
    if (!place->first.contains(event.x, event.y)) continue;
    place->second(event);
    return true;
  }
  return false;
}

std::string canvas::text() const {
  std::string shown;
  for (int y = 0; y < rows_; ++y) {
    std::string line;
    for (int x = 0; x < columns_; ++x) line += at(x, y).text;
    line.erase(line.find_last_not_of(' ') + 1);
    shown += line + "\n";
  }
  return shown;
}

}  // namespace penstock::console
