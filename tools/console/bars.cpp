#include "tools/console/bars.hpp"

#include <algorithm>

#include "tools/penstock/units.hpp"

namespace penstock::console {
namespace {

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

double share_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace

std::string bar_of(std::uint64_t part, std::uint64_t whole, int columns) {
  const int full = static_cast<int>(share_of(part, whole) * columns);
  return repeated("━", full) + repeated("┄", columns - full);
}

std::string progress_bar(std::uint64_t part, std::uint64_t whole, int columns) {
  if (whole == 0) return {};
  return bar_of(part, whole, columns) + " " + std::to_string(static_cast<int>(share_of(part, whole) * 100)) + " %";
}

void draw_quota(canvas& on, const rect& where, const quota_shares& shares) {
  auto text = commands::human_bytes(shares.used) + " of " + commands::human_bytes(shares.quota);
  if (shares.chosen != 0) text += " · chosen ▓ " + commands::human_bytes(shares.chosen);
  if (shares.queued != 0) text += " · on its way ░ " + commands::human_bytes(shares.queued);
  const int columns = std::max(10, where.width - width_of(text) - 8);
  const auto whole = std::max<std::uint64_t>({shares.quota, shares.used + shares.queued, 1});
  const auto place = [&](std::uint64_t bytes) {
    return static_cast<int>(static_cast<double>(bytes) / static_cast<double>(whole) * columns + 0.5);
  };
  const int chosen_from = place(shares.used - std::min(shares.used, shares.chosen));
  const int used_to = place(shares.used);
  const int queued_to = place(shares.used + shares.queued);
  on.put(where.x, where.y, 6, "Quota");
  for (int i = 0; i < columns; ++i) {
    const bool chosen = i >= chosen_from && i < used_to;
    const auto* glyph = chosen ? "▓" : i < used_to ? "█" : i < queued_to ? "░" : "·";
    const auto look = chosen ? role::chosen : i < used_to ? role::used : i < queued_to ? role::queued : role::faint;
    on.put(where.x + 6 + i, where.y, 1, glyph, {look});
  }
  on.put(where.x + 7 + columns, where.y, where.width - columns - 7, text);
}

}  // namespace penstock::console
