#include "tools/penstockd/core_check.hpp"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <utility>

namespace penstock::server {
namespace {

constexpr int lowest_priority = 19;

}  // namespace

core_check::core_check(std::shared_ptr<storage::row_store> core, std::function<void(const messages::failure&)> damaged)
    : core_(std::move(core)), damaged_(std::move(damaged)), thread_([this] { run(); }) {}

core_check::~core_check() {
  end_ = true;
  thread_.join();
}

void core_check::run() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), lowest_priority);
  const auto began = std::chrono::steady_clock::now();
  const auto left = core_->verify(UINT64_MAX, [this] { return !end_; });
  if (!left && left.error().code == messages::errc::corrupt) return damaged_(left.error());
  if (!left) return spdlog::warn("core database: not all of it could be read to check it: {}", left.error().text());
  const auto took = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
  if (*left == 0) spdlog::info("core database: every block was read, in {} s", took.count());
}

}  // namespace penstock::server
