#pragma once
// Downloads to this machine, and images sent on from it to a viewer: what runs, what waits, how far each has come.
// Each is a `penstock` of its own, so that whatever becomes of it, the console goes on; what was cut can be resumed.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "tools/client/user_key.hpp"
#include "tools/penstock/transfer_rate.hpp"

namespace penstock::console {

using messages::result;

/// Runs `penstock` and tells of it: never from within `start`.
class program_runner {
 public:
  struct outcome {
    int exit_code = 0;
    std::string output;  ///< standard output
  };
  using line_handler = std::function<void(const std::string&)>;
  using end_handler = std::function<void(const outcome&)>;

  virtual ~program_runner() = default;
  /// `input` is what it reads; `on_line` gets its standard error line by line. A number for `interrupt`.
  virtual result<int> start(const std::vector<std::string>& arguments, const client::secret_text& input,
                            line_handler on_line, end_handler on_end) = 0;
  /// Asks it to end in order.
  virtual void interrupt(int which) = 0;
};

enum class transfer_state : std::uint8_t { waiting, running, stopping, done, failed, stopped };
enum class transfer_kind : std::uint8_t { download, send };

struct transfer_order {
  transfer_kind kind = transfer_kind::download;
  std::string folder;
  std::vector<std::string> arguments;  ///< of penstock; no secrets
  client::secret_text input{};         ///< a passphrase
  bool resumable = false;
};

struct transfer {
  int number = 0;
  transfer_order order;
  transfer_state state = transfer_state::waiting;
  std::uint64_t images = 0;
  std::uint64_t images_total = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_total = 0;
  commands::transfer_rate rate;
  std::string said;  ///< why it waits or failed, or what came of it
  int program = -1;

  [[nodiscard]] bool ended() const { return state >= transfer_state::done; }
};

class transfer_queue {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::size_t most_running = 2;
  static constexpr std::size_t most_waiting = 100;
  /// Ended ones that are still shown.
  static constexpr std::size_t most_ended = 20;

  /// `changed` is called when something looks different, `ended` with the folder when a transfer is over.
  transfer_queue(program_runner& runner, std::function<void()> changed)
      : runner_(runner), changed_(std::move(changed)) {}
  void on_end(std::function<void(const transfer&)> ended) { ended_ = std::move(ended); }

  /// errc::conflict when something is under way in that folder, errc::rate_limited when too many wait.
  result<void> add(transfer_order order);
  /// False when nothing is under way in that folder.
  bool stop(const std::string& folder);
  void stop_all();

  /// The newest last.
  [[nodiscard]] const std::deque<transfer>& all() const { return all_; }
  /// The last one of that folder, if any.
  [[nodiscard]] const transfer* of(const std::string& folder) const;
  [[nodiscard]] std::size_t under_way() const;

  // What a program says; `at` is now.
  void learn_line(int number, const std::string& line, clock::time_point at);
  void learn_end(int number, const program_runner::outcome& end);

 private:
  transfer* find(int number);
  void start_next();
  void begin(transfer& one);
  void drop_oldest_ended();

  program_runner& runner_;
  std::function<void()> changed_;
  std::function<void(const transfer&)> ended_ = [](const transfer&) {};
  std::deque<transfer> all_;
  int last_number_ = 0;
};

/// "68 %, 11 MiB/s, 14 s left", "waiting", "interrupted: resume it", ...
[[nodiscard]] std::string state_text(const transfer& one);
/// "2 transfers under way, 43 %"; empty when there are none.
[[nodiscard]] std::string summary_of(const transfer_queue& queue);

}  // namespace penstock::console
