#include "actors/download_book.hpp"

#include <algorithm>

namespace penstock::actors {

void download_book::keep(const messages::download_row& row) { rows_[row.download] = row; }

void download_book::forget(const std::string& download) { rows_.erase(download); }

bool download_book::has_room(std::string_view user, std::string_view download, std::int64_t now_us) const {
  const auto open = std::count_if(rows_.begin(), rows_.end(), [&](const auto& each) {
    const auto& row = each.second;
    return row.user == user && row.download != download && !row.complete && !is_over(row, now_us);
  });
  return static_cast<std::size_t>(open) < most_open_downloads;
}

std::vector<std::string> download_book::over(std::int64_t now_us, std::size_t limit) const {
  std::vector<std::string> found;
  for (const auto& [download, row] : rows_) {
    if (found.size() == limit) break;
    if (is_over(row, now_us)) found.push_back(download);
  }
  return found;
}

std::optional<std::int64_t> download_book::first_opened_us(std::int64_t now_us) const {
  std::optional<std::int64_t> first;
  for (const auto& [download, row] : rows_)
    if (!is_over(row, now_us)) first = std::min(first.value_or(row.at_us), row.at_us);
  return first;
}

}  // namespace penstock::actors
