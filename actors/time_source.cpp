#include "actors/time_source.hpp"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>

namespace penstock::actors {
namespace {

constexpr std::int64_t tolerated_step_us = 2'000'000;
constexpr std::int64_t doubt_lasts_us = 600'000'000;

std::int64_t read_clock_ns(clockid_t which) {
  timespec at{};
  clock_gettime(which, &at);
  return std::int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
}

std::string read_boot_id() {
  std::ifstream file{"/proc/sys/kernel/random/boot_id"};
  std::string id;
  std::getline(file, id);
  return id.empty() ? "unknown" : id;
}

/// Compares the wall clock with CLOCK_BOOTTIME at every look; shared by all actors, hence the lock.
class step_watch {
 public:
  bool in_doubt(std::int64_t utc_us, std::int64_t boottime_us) {
    std::lock_guard lock{mutex_};
    const auto offset_us = utc_us - boottime_us;
    if (seen_ && std::llabs(offset_us - offset_us_) > tolerated_step_us) doubt_until_us_ = boottime_us + doubt_lasts_us;
    offset_us_ = offset_us;
    seen_ = true;
    return boottime_us < doubt_until_us_;
  }

 private:
  std::mutex mutex_;
  bool seen_ = false;
  std::int64_t offset_us_ = 0;
  std::int64_t doubt_until_us_ = 0;
};

}  // namespace

instant time_source::now() const {
  instant at;
  at.boottime_ns = boottime_ns();
  at.wall_us = utc_us();
  at.boot_id = boot_id;
  at.clock_in_doubt = in_doubt();
  return at;
}

std::chrono::sys_seconds time_source::approval_time() const {
  const auto us = latest_utc_us ? latest_utc_us() : utc_us();
  return std::chrono::sys_seconds{std::chrono::seconds{us / 1'000'000}};
}

time_source having_seen(time_source clocks, std::int64_t seen_us) {
  auto latest = std::make_shared<std::atomic<std::int64_t>>(seen_us);
  clocks.latest_utc_us = [latest, utc_us = clocks.utc_us] {
    const auto now = utc_us();
    auto known = latest->load();
    while (known < now && !latest->compare_exchange_weak(known, now)) {
    }
    return std::max(known, now);
  };
  return clocks;
}

time_source system_time_source() {
  auto watch = std::make_shared<step_watch>();
  time_source clocks;
  clocks.utc_us = [] { return read_clock_ns(CLOCK_REALTIME) / 1000; };
  clocks.boottime_ns = [] { return read_clock_ns(CLOCK_BOOTTIME); };
  clocks.in_doubt = [watch] {
    return watch->in_doubt(read_clock_ns(CLOCK_REALTIME) / 1000, read_clock_ns(CLOCK_BOOTTIME) / 1000);
  };
  clocks.boot_id = read_boot_id();
  return clocks;
}

std::string rfc3339(std::int64_t utc_us) {
  const auto seconds = static_cast<time_t>(utc_us / 1'000'000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(utc_us / 1000 % 1000));
  return text;
}

}  // namespace penstock::actors
