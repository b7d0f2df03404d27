#pragma once
// How a download fares: one line on the terminal, or a JSON line a time for programs.

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "messages/result.hpp"
#include "tools/client/download.hpp"
#include "tools/penstock/terminal.hpp"
#include "tools/penstock/transfer_rate.hpp"

namespace penstock::commands {

constexpr auto progress_flag = "--progress";
constexpr auto progress_help = "Write progress to standard error as JSON lines, for programs";
/// {"images", "images_total", "bytes", "bytes_total"}, {"waits": why} or {"verified", "images_total"}.
void write_progress(const nlohmann::json& line);

/// "2 of 3: 120 of 400 images, 1.2 of 4.0 GiB, 85 MiB/s, 35 s left"
class transfer_report {
 public:
  /// `heading` tells downloads of a queue apart.
  explicit transfer_report(std::string heading = {}, bool for_programs = false)
      : heading_(std::move(heading)), for_programs_(for_programs) {}

  void show(const client::download_progress& now);
  void show_pause(const messages::failure& why, std::chrono::milliseconds pause);
  void show_verified(std::size_t verified, std::size_t all);
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(clock::now() - start_).count(); }
  void clear() { line_.clear(); }

 private:
  using clock = std::chrono::steady_clock;
  [[nodiscard]] bool is_due(clock::time_point at);

  std::string heading_;
  bool for_programs_;
  progress_line line_;
  transfer_rate rate_;
  clock::time_point start_ = clock::now();
  clock::time_point next_{};
};

}  // namespace penstock::commands
