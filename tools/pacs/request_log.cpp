#include "tools/pacs/request_log.hpp"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "storage/utc_time.hpp"

namespace penstock::pacs {

std::int64_t boottime_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

messages::result<void> request_log::open(const std::filesystem::path& file) {
  constexpr mode_t readable_by_all = 0644;
  file_.reset(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, readable_by_all));
  if (file_) return {};
  return messages::fail(messages::errc::io_error, file.string() + ": " + std::strerror(errno));
}

void request_log::write(nlohmann::ordered_json line) {
  if (!file_) return;
  using namespace std::chrono;
  line["time"] = storage::rfc3339_utc(duration_cast<microseconds>(system_clock::now().time_since_epoch()).count());
  const auto text = line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  const std::lock_guard lock{mutex_};
  if (::write(file_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    std::fprintf(stderr, "penstock-pacs: the log cannot be written: %s\n", std::strerror(errno));
}

}  // namespace penstock::pacs
