#include "tools/console/event_loop.hpp"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace penstock::console {
namespace {

using messages::errc;
using messages::fail;

constexpr int most_events_a_turn = 16;

void close_if_open(int descriptor) {
  if (descriptor >= 0) ::close(descriptor);
}

}  // namespace

messages::result<std::unique_ptr<event_loop>> event_loop::make(const std::vector<int>& signals,
                                                               std::function<void(int)> on_signal) {
  std::unique_ptr<event_loop> made{new event_loop};
  sigset_t held{};
  ::sigemptyset(&held);
  for (const int signal : signals) ::sigaddset(&held, signal);
  ::pthread_sigmask(SIG_BLOCK, &held, nullptr);
  made->epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  made->timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  made->signals_ = ::signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
  if (made->epoll_ < 0 || made->timer_ < 0 || made->signals_ < 0)
    return fail(errc::internal, std::string{"cannot wait for the terminal: "} + std::strerror(errno));
  made->on_signal_ = std::move(on_signal);
  auto* loop = made.get();
  made->watch(made->timer_, [loop] { loop->call_due_timers(); });
  made->watch(made->signals_, [loop] { loop->take_signals(); });
  return made;
}

event_loop::~event_loop() {
  for (const int descriptor : {epoll_, timer_, signals_}) close_if_open(descriptor);
}

void event_loop::watch(int descriptor, handler readable) {
  epoll_event what{};
  what.events = EPOLLIN;
  what.data.fd = descriptor;
  if (watched_.insert_or_assign(descriptor, std::move(readable)).second)
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &what);
}

void event_loop::forget(int descriptor) {
  if (watched_.erase(descriptor) != 0) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
}

void event_loop::call_at(const std::string& name, clock::time_point when, handler then) {
  timers_[name] = {when, std::move(then)};
  arm();
}

void event_loop::call_after(const std::string& name, std::chrono::milliseconds wait, handler then) {
  call_at(name, clock::now() + wait, std::move(then));
}

void event_loop::cancel(const std::string& name) {
  if (timers_.erase(name) != 0) arm();
}

void event_loop::arm() {
  itimerspec when{};
  if (!timers_.empty()) {
    auto first = timers_.begin()->second.when;
    for (const auto& [name, one] : timers_) first = std::min(first, one.when);
    const auto since_boot = std::chrono::duration_cast<std::chrono::nanoseconds>(first.time_since_epoch()).count();
    constexpr long long billion = 1'000'000'000;
    when.it_value = {static_cast<time_t>(since_boot / billion), static_cast<long>(since_boot % billion)};
  }
  ::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
}

void event_loop::call_due_timers() {
  std::uint64_t expirations = 0;
  const auto ignored = ::read(timer_, &expirations, sizeof expirations);
  static_cast<void>(ignored);
  std::vector<handler> due;
  for (auto one = timers_.begin(); one != timers_.end();) {
    if (one->second.when > clock::now()) {
      ++one;
      continue;
    }
    due.push_back(std::move(one->second.then));
    one = timers_.erase(one);
  }
  for (const auto& call : due) call();
  arm();
}

void event_loop::take_signals() {
  signalfd_siginfo got{};
  while (::read(signals_, &got, sizeof got) == static_cast<ssize_t>(sizeof got))
    on_signal_(static_cast<int>(got.ssi_signo));
}

void event_loop::run() {
  running_ = true;
  std::array<epoll_event, most_events_a_turn> ready{};
  while (running_) {
    const int count = ::epoll_wait(epoll_, ready.data(), most_events_a_turn, -1);
    if (count < 0 && errno != EINTR) return;
    ++turns_;
    for (int i = 0; i < count && running_; ++i) {
      const auto found = watched_.find(ready.at(static_cast<std::size_t>(i)).data.fd);
      if (found == watched_.end()) continue;
      const auto call = found->second;  // it may forget itself
      call();
    }
    if (running_ && end_of_turn_) end_of_turn_();
  }
}

}  // namespace penstock::console
