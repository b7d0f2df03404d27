#pragma once
// Runs `penstock` in processes of their own, whose pipes the loop watches.

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>

#include "tools/client/local_file.hpp"
#include "tools/console/event_loop.hpp"
#include "tools/console/transfer_queue.hpp"

namespace penstock::console {

class child_programs : public program_runner {
 public:
  static constexpr std::size_t longest_line = 64 * 1024;
  static constexpr std::size_t most_output_bytes = 4 * 1024 * 1024;
  /// How long those that still run are waited for in the end.
  static constexpr std::chrono::milliseconds longest_farewell{3000};

  child_programs(event_loop& loop, std::filesystem::path program) : loop_(loop), program_(std::move(program)) {}
  /// Interrupts what still runs, and gives it a moment to end in order.
  ~child_programs() override;
  child_programs(const child_programs&) = delete;
  child_programs& operator=(const child_programs&) = delete;

  result<int> start(const std::vector<std::string>& arguments, const client::secret_text& input, line_handler on_line,
                    end_handler on_end) override;
  void interrupt(int which) override;

 private:
  struct child {
    pid_t process = -1;
    client::file_descriptor output;
    client::file_descriptor errors;
    std::string read;
    std::string line;
    bool line_too_long = false;
    int open_pipes = 2;
    line_handler on_line;
    end_handler on_end;
  };
  void read_output(int which);
  void read_errors(int which);
  void close_pipe(int which, const client::file_descriptor& pipe);
  void take_line(child& one, char c);

  event_loop& loop_;
  std::filesystem::path program_;
  std::map<int, child> children_;
  int last_ = 0;
};

}  // namespace penstock::console
