#include "gateways/child_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace penstock::gateways {
namespace {

using messages::errc;
using messages::fail;
using messages::result;
using std::chrono::milliseconds;

constexpr int channel_number = 3;
constexpr int peer_number = 4;
/// Above the numbers that the child gets, so that one dup2 cannot overwrite what the next one needs.
constexpr int first_safe_number = 16;
/// Packets of one child in a turn: the others must be heard too.
constexpr int most_packets_a_turn = 64;
constexpr milliseconds look_for_the_departed{10};
constexpr milliseconds idle_look{1'000};

class spawn_plan {
 public:
  spawn_plan() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    sigset_t signals{};
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes, &signals);
    ::sigfillset(&signals);
    ::posix_spawnattr_setsigdefault(&attributes, &signals);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  }
  ~spawn_plan() {
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
  }
  spawn_plan(const spawn_plan&) = delete;
  spawn_plan& operator=(const spawn_plan&) = delete;

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

storage::descriptor safe_copy(const storage::descriptor& of) {
  return storage::descriptor{::fcntl(of.get(), F_DUPFD_CLOEXEC, first_safe_number)};
}

/// What the exit of a child says; its codes are in messages/DIMSE_CHANNEL.md.
std::string problem_of(int status) {
  if (WIFSIGNALED(status)) return std::string{"ended by signal "} + std::to_string(WTERMSIG(status));
  switch (WEXITSTATUS(status)) {
    case 0:
      return {};
    case 1:
      return "trouble with the peer";
    case 2:
      return "the job was refused";
    case 3:
      return "it could not lock itself in";
    default:
      return "exit status " + std::to_string(WEXITSTATUS(status));
  }
}

}  // namespace

child_table::~child_table() {
  for (auto& [number, child] : children_) {
    kill(child);
    int status = 0;
    while (::waitpid(child.process, &status, 0) < 0 && errno == EINTR) {
    }
  }
}

result<pid_t> child_table::spawn(const storage::descriptor& channel, const storage::descriptor& peer) const {
  const auto channel_copy = safe_copy(channel);
  const auto peer_copy = peer ? safe_copy(peer) : storage::descriptor{};
  if (!channel_copy || (peer && !peer_copy)) return fail(errc::io_error, "start a DICOM child: no descriptor is left");
  spawn_plan plan;
  ::posix_spawn_file_actions_adddup2(&plan.actions, channel_copy.get(), channel_number);
  if (peer) ::posix_spawn_file_actions_adddup2(&plan.actions, peer_copy.get(), peer_number);
  auto path = options_.program.string();
  auto memory = std::to_string(options_.memory_bytes);
  std::array<char*, 3> arguments{path.data(), options_.memory_bytes == 0 ? nullptr : memory.data(), nullptr};
  std::array<char*, 1> environment{nullptr};
  pid_t process = -1;
  const int problem =
      ::posix_spawn(&process, path.c_str(), &plan.actions, &plan.attributes, arguments.data(), environment.data());
  if (problem != 0) return fail(errc::io_error, "start " + path + ": " + std::strerror(problem));
  return process;
}

result<std::uint64_t> child_table::start(std::string_view job, const storage::descriptor& peer) {
  if (children_.size() >= options_.most_children) return fail(errc::rate_limited, "start a DICOM child: too many run");
  auto ends = storage::dimse_channel_pair();
  if (!ends) return ends.error();
  auto& [ours, theirs] = *ends;
  // Only this end: the child's may wait.
  ::fcntl(ours.get(), F_SETFL, ::fcntl(ours.get(), F_GETFL) | O_NONBLOCK);
  storage::dimse_channel channel{std::move(ours)};
  if (auto sent = channel.send(job); !sent) return sent.error();
  auto process = spawn(theirs, peer);
  if (!process) return process.error();
  auto& child = children_[++last_number_];
  child.process = *process;
  child.channel.emplace(std::move(channel));
  return last_number_;
}

void child_table::tell(std::uint64_t number, std::string text, storage::descriptor attached) {
  const auto found = children_.find(number);
  if (found == children_.end() || !found->second.channel) return;
  auto& child = found->second;
  if (child.untaken.size() >= most_untaken) return kill(child);
  child.untaken.push_back({std::move(text), std::move(attached)});
  send_untaken(child);
}

void child_table::send_untaken(running_child& child) {
  while (child.channel && !child.untaken.empty()) {
    const auto& next = child.untaken.front();
    if (auto sent = child.channel->send(next.text, next.attached.get()); !sent) {
      // A child that has gone is noticed when its last words have been read.
      if (sent.error().code == errc::timed_out) return;
      if (sent.error().code != errc::too_large) child.untaken.clear();
      if (child.untaken.empty()) return;
    }
    child.untaken.pop_front();
  }
}

void child_table::stop(std::uint64_t number) {
  const auto found = children_.find(number);
  if (found == children_.end() || found->second.at != stage::running) return;
  found->second.at = stage::cancelled;
  found->second.deadline = clock::now() + options_.cancel_patience;
  tell(number, storage::encode_dimse(messages::cancel{}));
}

void child_table::kill(std::uint64_t number) {
  if (const auto found = children_.find(number); found != children_.end()) kill(found->second);
}

void child_table::kill(running_child& child) {
  child.at = stage::killed;
  child.deadline = clock::time_point::max();
  ::kill(child.process, SIGKILL);
}

void child_table::leave(running_child& child) {
  child.channel.reset();
  child.untaken.clear();
  if (child.at == stage::killed) return;
  child.at = stage::leaving;
  child.deadline = clock::now() + options_.abort_patience;
}

void child_table::escalate(running_child& child) {
  if (child.at == stage::cancelled)
    leave(child);
  else
    kill(child);
}

void child_table::add_to(std::vector<pollfd>& watched) const {
  for (const auto& [number, child] : children_) {
    if (!child.channel) continue;
    const auto wanted = static_cast<short>(child.untaken.empty() ? POLLIN : POLLIN | POLLOUT);
    watched.push_back({child.channel->descriptor_number(), wanted, 0});
  }
}

void child_table::heed(const std::vector<pollfd>& watched) {
  std::vector<std::uint64_t> readable;
  for (auto& [number, child] : children_) {
    if (!child.channel) continue;
    const auto* of_child = std::find_if(watched.data(), watched.data() + watched.size(), [&child](const pollfd& one) {
      return one.fd == child.channel->descriptor_number();
    });
    if (of_child == watched.data() + watched.size()) continue;
    if ((of_child->revents & POLLOUT) != 0) send_untaken(child);
    if ((of_child->revents & (POLLIN | POLLHUP | POLLERR)) != 0) readable.push_back(number);
  }
  // What is heard may start, tell and end children.
  for (const auto number : readable) hear(number);
}

void child_table::hear(std::uint64_t number) {
  for (int heard = 0; heard < most_packets_a_turn; ++heard) {
    const auto found = children_.find(number);
    if (found == children_.end() || !found->second.channel) return;
    auto& child = found->second;
    auto packet = child.channel->receive();
    if (packet && !*packet) return;
    if (packet) child.heard_bytes += (*packet)->text.size();
    if (!packet || child.heard_bytes > most_heard_bytes) {
      if (!packet && packet.error().code == errc::not_found) return leave(child);
      kill(child);
      return leave(child);
    }
    on_.said(number, **packet);
  }
}

void child_table::tick() {
  const auto now = clock::now();
  std::vector<std::pair<std::uint64_t, std::string>> departed;
  for (auto& [number, child] : children_) {
    if (now >= child.deadline) escalate(child);
    // While the channel is open there may be something left to hear.
    if (child.channel) continue;
    int status = 0;
    if (::waitpid(child.process, &status, WNOHANG) == child.process) departed.emplace_back(number, problem_of(status));
  }
  for (const auto& [number, problem] : departed) children_.erase(number);
  for (const auto& [number, problem] : departed) on_.ended(number, problem);
}

milliseconds child_table::longest_wait() const {
  const bool somebody_leaves =
      std::any_of(children_.begin(), children_.end(), [](const auto& entry) { return !entry.second.channel; });
  const bool somebody_is_watched = std::any_of(children_.begin(), children_.end(), [](const auto& entry) {
    return entry.second.deadline != clock::time_point::max();
  });
  if (somebody_leaves) return look_for_the_departed;
  return somebody_is_watched ? milliseconds{100} : idle_look;
}

}  // namespace penstock::gateways
