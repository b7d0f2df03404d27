#include "gateways/side_worker.hpp"

#include <sys/eventfd.h>
#include <unistd.h>
#include <cerrno>
#include <system_error>
#include <utility>

namespace penstock::gateways {

side_worker::side_worker(std::size_t most_waiting)
    : most_waiting_(most_waiting), descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::system_category(), "eventfd");
  thread_ = std::thread{[this] { run(); }};
}

side_worker::~side_worker() {
  {
    std::lock_guard lock{mutex_};
    stop_ = true;
  }
  more_.notify_one();
  thread_.join();
  ::close(descriptor_);
}

bool side_worker::post(job work) {
  {
    std::lock_guard lock{mutex_};
    if (waiting_.size() >= most_waiting_) return false;
    waiting_.push_back(std::move(work));
  }
  more_.notify_one();
  return true;
}

void side_worker::drain() {
  eventfd_t ignored = 0;
  ::eventfd_read(descriptor_, &ignored);
  std::vector<completion> batch;
  {
    std::lock_guard lock{mutex_};
    batch = std::exchange(finished_, {});
  }
  for (const auto& complete : batch) complete();
}

void side_worker::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    more_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
    if (stop_) return;
    auto work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    auto complete = work();
    lock.lock();
    finished_.push_back(std::move(complete));
    ::eventfd_write(descriptor_, 1);
  }
}

}  // namespace penstock::gateways
