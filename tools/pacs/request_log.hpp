#pragma once
// The evidence: every request, when it was read and how it ended, one JSON object a line. README.md has the fields.

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>

#include "messages/result.hpp"
#include "storage/descriptor.hpp"

namespace penstock::pacs {

/// CLOCK_BOOTTIME, which goes on while the machine sleeps and is the same for all processes.
[[nodiscard]] std::int64_t boottime_ns();

/// Safe from every thread. Each line is written by one call, so that it is whole whatever happens to this process.
class request_log {
 public:
  /// Appends to the file; without one nothing is logged.
  [[nodiscard]] messages::result<void> open(const std::filesystem::path& file);

  /// Adds "time" (UTC) to the line.
  void write(nlohmann::ordered_json line);

 private:
  std::mutex mutex_;
  storage::descriptor file_;
};

}  // namespace penstock::pacs
