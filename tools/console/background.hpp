#pragma once
// One thread for what takes time - disks, keys, decoders - so that the loop never waits for it.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "tools/client/local_file.hpp"
#include "tools/console/event_loop.hpp"

namespace penstock::console {

class background {
 public:
  /// Done by the loop.
  using finish = std::function<void()>;
  /// Done by the thread; one after the other, in the order in which they were given.
  using work = std::function<finish()>;
  static constexpr std::size_t most_waiting = 64;

  explicit background(event_loop& loop);
  /// Waits for the work under way; what has not begun is dropped.
  ~background();
  background(const background&) = delete;
  background& operator=(const background&) = delete;

  /// False when too much waits already.
  bool run(work what);

 private:
  void serve();
  void finish_what_is_done();

  event_loop& loop_;
  client::file_descriptor done_signal_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<work> waiting_;
  std::deque<finish> done_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace penstock::console
