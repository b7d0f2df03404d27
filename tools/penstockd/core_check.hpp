#pragma once
// Reads what the start left unread of a large core database, while the server is in use, so that a damaged block ends
// it before somebody's answer depends on it. A thread of its own, at the lowest priority of the machine.

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "messages/result.hpp"
#include "storage/row_store.hpp"

namespace penstock::server {

class core_check {
 public:
  /// `damaged` is called at most once, from the thread; what the disk does not give is only logged.
  core_check(std::shared_ptr<storage::row_store> core, std::function<void(const messages::failure&)> damaged);
  ~core_check();
  core_check(const core_check&) = delete;
  core_check& operator=(const core_check&) = delete;

 private:
  void run();

  std::shared_ptr<storage::row_store> core_;
  std::function<void(const messages::failure&)> damaged_;
  std::atomic<bool> end_{false};
  std::thread thread_;
};

}  // namespace penstock::server
