#pragma once
// Looks at the state directory twice a second, in a thread of its own that nothing else can hold: is it still the one
// that was opened, and has it room?

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "messages/result.hpp"
#include "storage/state_directory.hpp"

namespace penstock::server {

class state_watch {
 public:
  static constexpr std::chrono::milliseconds look_every{500};

  /// `lost` is called once, when what was opened no longer lies under its name: the process must end there. The state
  /// must outlive the watch.
  [[nodiscard]] static messages::result<std::unique_ptr<state_watch>> start(
      const storage::state_directory& state, std::function<void(const messages::failure&)> lost);
  ~state_watch();
  state_watch(const state_watch&) = delete;
  state_watch& operator=(const state_watch&) = delete;

  /// Any thread.
  [[nodiscard]] storage::room room_left() const { return room_; }

 private:
  state_watch(const storage::state_directory& state, storage::state_directory::identity known,
              std::function<void(const messages::failure&)> lost);
  void run();
  void look_at_room();

  const storage::state_directory& state_;
  storage::state_directory::identity known_;
  std::function<void(const messages::failure&)> lost_;
  std::atomic<storage::room> room_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread thread_;
};

}  // namespace penstock::server
