#pragma once
// Which downloads of a project can still be resumed, and how many a user has open. Pure: the rows are in the core
// store, the actor that carries the book tells it what was committed.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/holdings.hpp"

namespace penstock::actors {

/// A download can be resumed for so long after it was last opened, resumed, or a session of it ended.
constexpr std::int64_t download_lifetime_us = std::int64_t{24} * 3600 * 1'000'000;
/// Downloads of one user in one project that are neither sent whole nor out of their lifetime.
constexpr std::size_t most_open_downloads = 64;

class download_book {
 public:
  void keep(const messages::download_row& row);
  void forget(const std::string& download);

  [[nodiscard]] static bool is_over(const messages::download_row& row, std::int64_t now_us) {
    return now_us - row.active_us > download_lifetime_us;
  }
  /// May this user open, or open again, `download`?
  [[nodiscard]] bool has_room(std::string_view user, std::string_view download, std::int64_t now_us) const;
  /// Those whose lifetime is over, at most `limit`.
  [[nodiscard]] std::vector<std::string> over(std::int64_t now_us, std::size_t limit) const;
  /// When the first of those that can be resumed was opened. What a holding was before that, nobody needs any more.
  [[nodiscard]] std::optional<std::int64_t> first_opened_us(std::int64_t now_us) const;

 private:
  std::map<std::string, messages::download_row, std::less<>> rows_;
};

}  // namespace penstock::actors
