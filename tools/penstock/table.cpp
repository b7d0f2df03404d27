#include "tools/penstock/table.hpp"

#include <algorithm>
#include <numeric>

#include "tools/penstock/display_text.hpp"

namespace penstock::commands {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t narrowest_column = 8;

const char* escape_of(tint shade) {
  switch (shade) {
    case tint::good:
      return "\x1b[32m";
    case tint::bad:
      return "\x1b[31m";
    case tint::busy:
      return "\x1b[33m";
    case tint::faint:
      return "\x1b[2m";
    default:
      return "";
  }
}

std::string aligned(const std::string& text, std::size_t width, alignment align) {
  const auto used = display_width(text);
  const std::string blank(width > used ? width - used : 0, ' ');
  return align == alignment::right ? blank + text : text + blank;
}

void end_line(std::string& text) {
  text.erase(text.find_last_not_of(' ') + 1);
  text += '\n';
}

}  // namespace

std::string coloured(const std::string& text, tint shade, bool colours) {
  if (!colours || shade == tint::none || text.empty()) return text;
  return escape_of(shade) + text + "\x1b[0m";
}

std::vector<std::size_t> table::widths(std::size_t terminal_columns) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    found.push_back(display_width(columns_[i].heading));
    for (const auto& row : rows_)
      if (i < row.size()) found[i] = std::max(found[i], display_width(printable(row[i].text)));
  }
  if (terminal_columns == 0 || found.empty()) return found;
  auto total = std::accumulate(found.begin(), found.end(), gap * (found.size() - 1));
  while (total > terminal_columns) {
    auto widest = std::max_element(found.begin(), found.end());
    if (*widest <= narrowest_column) break;
    --*widest;
    --total;
  }
  return found;
}

std::string table::text(const table_style& style) const {
  const auto width = widths(style.columns);
  std::string drawn;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i != 0) drawn.append(gap, ' ');
    drawn += aligned(fitted(columns_[i].heading, width[i]), width[i], columns_[i].align);
  }
  end_line(drawn);
  if (style.colours) drawn = "\x1b[1m" + drawn.substr(0, drawn.size() - 1) + "\x1b[0m\n";
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size() && i < row.size(); ++i) {
      if (i != 0) line.append(gap, ' ');
      const auto shown = fitted(printable(row[i].text), width[i]);
      line += coloured(aligned(shown, width[i], columns_[i].align), row[i].colour, style.colours);
    }
    end_line(line);
    drawn += line;
  }
  return drawn;
}

}  // namespace penstock::commands
