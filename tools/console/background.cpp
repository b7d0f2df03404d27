#include "tools/console/background.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

namespace penstock::console {

background::background(event_loop& loop)
    : loop_(loop), done_signal_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), thread_([this] { serve(); }) {
  loop_.watch(done_signal_.get(), [this] { finish_what_is_done(); });
}

background::~background() {
  loop_.forget(done_signal_.get());
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool background::run(work what) {
  {
    const std::lock_guard lock{mutex_};
    if (waiting_.size() >= most_waiting) return false;
    waiting_.push_back(std::move(what));
  }
  wake_.notify_one();
  return true;
}

void background::serve() {
  for (;;) {
    work next;
    {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
      if (ending_) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    auto finished = next();
    const std::lock_guard lock{mutex_};
    done_.push_back(std::move(finished));
    const std::uint64_t one = 1;
    const auto ignored = ::write(done_signal_.get(), &one, sizeof one);
    static_cast<void>(ignored);
  }
}

void background::finish_what_is_done() {
  std::uint64_t count = 0;
  const auto ignored = ::read(done_signal_.get(), &count, sizeof count);
  static_cast<void>(ignored);
  std::deque<finish> done;
  {
    const std::lock_guard lock{mutex_};
    done.swap(done_);
  }
  for (const auto& one : done) one();
}

}  // namespace penstock::console
