#pragma once
// `penstock-dimse` children: started, heard, told, and ended for certain. For the loops of dimse_port and
// dicom_listener.

#include <sys/types.h>

#include <poll.h>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/result.hpp"
#include "storage/descriptor.hpp"
#include "storage/dimse_channel.hpp"

namespace penstock::gateways {

struct child_options {
  std::filesystem::path program;
  std::uint64_t memory_bytes = std::uint64_t{1} << 30;  ///< address space; 0: as the child has it by default
  std::size_t most_children = 64;
  /// From a polite stop (`cancel`) to the closing of the channel, on which the child aborts its association ...
  std::chrono::milliseconds cancel_patience{12'000};
  /// ... and from there, or from its closing the channel itself, to SIGKILL.
  std::chrono::milliseconds abort_patience{3'000};
};

/// The children of one loop, by numbers that are never used again. Belongs to that loop's thread, which must live as
/// long as they do: they die with the thread that started them.
class child_table {
 public:
  /// A child that says more than this has lost its mind and is killed.
  static constexpr std::uint64_t most_heard_bytes = std::uint64_t{256} << 20;
  /// Messages that a child has not yet taken; one more kills it.
  static constexpr std::size_t most_untaken = 256;

  struct events {
    std::function<void(std::uint64_t child, storage::dimse_packet& packet)> said;
    /// It is gone, and everything that it said was heard. `problem` is empty after a clean exit.
    std::function<void(std::uint64_t child, const std::string& problem)> ended;
  };

  child_table(child_options options, events on) : options_(std::move(options)), on_(std::move(on)) {}
  /// Kills what is left and waits for it.
  ~child_table();
  child_table(const child_table&) = delete;
  child_table& operator=(const child_table&) = delete;

  /// errc::rate_limited at the limit, io_error when the program cannot be started. `peer` becomes descriptor 4.
  [[nodiscard]] messages::result<std::uint64_t> start(std::string_view job, const storage::descriptor& peer = {});
  /// Never waits. Unknown children are ignored: they may just have ended.
  void tell(std::uint64_t child, std::string text, storage::descriptor attached = {});
  /// Cancel, then abort, then kill.
  void stop(std::uint64_t child);
  void kill(std::uint64_t child);

  [[nodiscard]] std::size_t size() const { return children_.size(); }

  /// For the loop: what to poll, what came of it, and how long the poll may last at most.
  void add_to(std::vector<pollfd>& watched) const;
  void heed(const std::vector<pollfd>& watched);
  /// Deadlines and the departed; call it each turn.
  void tick();
  [[nodiscard]] std::chrono::milliseconds longest_wait() const;

 private:
  using clock = std::chrono::steady_clock;
  enum class stage : std::uint8_t { running, cancelled, leaving, killed };
  struct message {
    std::string text;
    storage::descriptor attached;
  };
  struct running_child {
    pid_t process = -1;
    std::optional<storage::dimse_channel> channel;  ///< none once either side has closed it
    std::deque<message> untaken;
    std::uint64_t heard_bytes = 0;
    stage at = stage::running;
    clock::time_point deadline = clock::time_point::max();
  };

  [[nodiscard]] messages::result<pid_t> spawn(const storage::descriptor& channel,
                                              const storage::descriptor& peer) const;
  void hear(std::uint64_t number);
  void send_untaken(running_child& child);
  void leave(running_child& child);
  void kill(running_child& child);
  void escalate(running_child& child);

  child_options options_;
  events on_;
  std::map<std::uint64_t, running_child> children_;
  std::uint64_t last_number_ = 0;
};

}  // namespace penstock::gateways
