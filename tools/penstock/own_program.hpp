#pragma once
// This very program run anew, with other arguments: with none of this process's memory, threads or terminal.

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "messages/result.hpp"

namespace penstock::commands {

/// Where it is, also when its file was replaced meanwhile.
[[nodiscard]] std::filesystem::path path_of_own_program();

/// Descriptors that become its standard streams; -1: nothing is read or written there.
struct program_streams {
  int input = -1;
  int output = -1;
  int errors = -1;
};

/// Its process id. In a session of its own: no terminal signals reach it, and it can ask nothing on ours. Signals that
/// are held back here are not held back there. Safe with threads.
[[nodiscard]] messages::result<pid_t> run_program(const std::filesystem::path& program,
                                                  const std::vector<std::string>& arguments,
                                                  const program_streams& streams);

}  // namespace penstock::commands
