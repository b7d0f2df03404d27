#include "tools/bench/stock_receiver.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "storage/descriptor.hpp"

namespace penstock::bench {
namespace {

constexpr std::chrono::seconds start_patience{10};
constexpr std::chrono::milliseconds look_interval{10};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t free_port() {
  const storage::descriptor probe{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error{"no free port"};
  return ntohs(address.sin_port);
}

bool listens(std::uint16_t port) {
  const storage::descriptor probe{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto address = loopback(port);
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// In a process group of its own, silent.
pid_t spawn(std::vector<std::string> words, std::vector<std::string> environment) {
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> made;
    for (auto& text : texts) made.push_back(text.data());
    made.push_back(nullptr);
    return made;
  };
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  for (const int output : {STDOUT_FILENO, STDERR_FILENO})
    ::posix_spawn_file_actions_addopen(&files, output, "/dev/null", O_WRONLY, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  pid_t process = -1;
  const int fault = ::posix_spawnp(&process, words.front().c_str(), &files, &attributes, pointers(words).data(),
                                   pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  if (fault != 0) throw std::runtime_error{"cannot start " + words.front() + " (package dcmtk)"};
  return process;
}

}  // namespace

stock_receiver::stock_receiver(const stock_receiver_options& options, const std::filesystem::path& scratch)
    : folder_(scratch / "storescp"), port_(free_port()) {
  std::filesystem::create_directories(folder_);
  std::vector<std::string> words{"storescp", "--output-directory", folder_.string()};
  if (options.fork) words.emplace_back("--fork");
  words.push_back(std::to_string(port_));
  std::vector<std::string> environment{"PATH=/usr/bin:/bin"};
  if (options.no_delay) environment.emplace_back("TCP_NODELAY=1");
  process_ = spawn(std::move(words), std::move(environment));
  const auto until = std::chrono::steady_clock::now() + start_patience;
  while (!listens(port_)) {
    if (std::chrono::steady_clock::now() > until) {
      stop();
      throw std::runtime_error{"storescp does not listen"};
    }
    std::this_thread::sleep_for(look_interval);
  }
}

stock_receiver::~stock_receiver() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::size_t stock_receiver::files_received() const {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator{folder_}, std::filesystem::directory_iterator{}));
}

void stock_receiver::stop() {
  const auto process = std::exchange(process_, -1);
  if (process < 0) return;
  ::kill(-process, SIGKILL);
  ::waitpid(process, nullptr, 0);
}

}  // namespace penstock::bench
