#pragma once
// One thread beside a poll loop, for what may block: reading events from the journal, writing a manifest. A job returns
// what is to be done with its outcome; that runs in the loop's thread.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace penstock::gateways {

class side_worker {
 public:
  using completion = std::function<void()>;
  using job = std::function<completion()>;

  explicit side_worker(std::size_t most_waiting);
  /// Waits for the job in hand; the others are dropped.
  ~side_worker();
  side_worker(const side_worker&) = delete;
  side_worker& operator=(const side_worker&) = delete;

  /// False when `most_waiting` jobs wait already. Jobs must not throw.
  [[nodiscard]] bool post(job work);
  /// Readable when there are completions.
  [[nodiscard]] int descriptor() const { return descriptor_; }
  /// The loop's thread: runs the completions that are there.
  void drain();

 private:
  void run();

  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<job> waiting_;
  std::vector<completion> finished_;
  bool stop_ = false;
  int descriptor_ = -1;
  std::thread thread_;
};

}  // namespace penstock::gateways
