#include "tools/penstock/transfer_report.hpp"

#include <algorithm>
#include <iostream>

#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

constexpr std::chrono::milliseconds interval{200};

}  // namespace

void write_progress(const nlohmann::json& line) {
  std::cerr << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
}

bool transfer_report::is_due(clock::time_point at) {
  if (at < next_) return false;
  next_ = at + interval;
  return true;
}

void transfer_report::show(const client::download_progress& now) {
  const auto at = clock::now();
  if (!is_due(at)) return;
  if (for_programs_)
    return write_progress({{"images", now.objects},
                           {"images_total", now.objects_total},
                           {"bytes", now.bytes},
                           {"bytes_total", now.bytes_total}});
  rate_.observe(at, now.bytes);
  std::string text = heading_ + std::to_string(now.objects) + " of " + images(now.objects_total) + ", " +
                     human_bytes(now.bytes) + " of " + human_bytes(now.bytes_total);
  if (const auto rate = rate_.bytes_per_second(); rate >= 1) {
    const auto left = static_cast<double>(now.bytes_total - std::min(now.bytes, now.bytes_total)) / rate;
    text += ", " + human_bytes(static_cast<std::uint64_t>(rate)) + "/s, " +
            human_seconds(static_cast<std::uint64_t>(left + 0.5)) + " left";
  }
  line_.show(text);
}

void transfer_report::show_pause(const messages::failure& why, std::chrono::milliseconds pause) {
  rate_.forget();
  const auto seconds = static_cast<std::uint64_t>((pause.count() + 999) / 1000);
  const auto text = why.context + "; next attempt in " + human_seconds(seconds);
  if (for_programs_) return write_progress({{"waits", text}});
  line_.show(heading_ + text);
}

void transfer_report::show_verified(std::size_t verified, std::size_t all) {
  if (!is_due(clock::now())) return;
  if (for_programs_) return write_progress({{"verified", verified}, {"images_total", all}});
  line_.show(heading_ + "verifying: " + std::to_string(verified) + " of " + images(all));
}

}  // namespace penstock::commands
