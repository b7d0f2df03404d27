#include "tools/penstock/own_program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <cstring>

namespace penstock::commands {
namespace {

/// What is to become of descriptors and signals on the other side of posix_spawn(3).
class spawn_plan {
 public:
  spawn_plan() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none{};
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
  }
  ~spawn_plan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  spawn_plan(const spawn_plan&) = delete;
  spawn_plan& operator=(const spawn_plan&) = delete;

  void stream(int from, int to) {
    if (from >= 0)
      ::posix_spawn_file_actions_adddup2(&actions_, from, to);
    else
      ::posix_spawn_file_actions_addopen(&actions_, to, "/dev/null", O_RDWR, 0);
  }
  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

std::filesystem::path path_of_own_program() { return "/proc/self/exe"; }

messages::result<pid_t> run_program(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                                    const program_streams& streams) {
  spawn_plan plan;
  plan.stream(streams.input, STDIN_FILENO);
  plan.stream(streams.output, STDOUT_FILENO);
  plan.stream(streams.errors, STDERR_FILENO);
  std::vector<std::string> words{"penstock"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t child = -1;
  const int problem =
      ::posix_spawn(&child, program.c_str(), plan.actions(), plan.attributes(), pointers.data(), environ);
  if (problem == 0) return child;
  return messages::fail(messages::errc::io_error,
                        std::string{"cannot run penstock once more: "} + std::strerror(problem));
}

}  // namespace penstock::commands
