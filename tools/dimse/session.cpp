#include "tools/dimse/session.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <limits>

namespace penstock::dimse {
namespace {

/// Rounded up, so that a wait never ends before its time and spins.
int poll_timeout(steady::time_point until) {
  if (until == steady::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, std::numeric_limits<int>::max()));
}

}  // namespace

void parent_link::collect() {
  while (!gone_) {
    auto packet = channel_.receive();
    if (packet && !*packet) return;
    if (packet && inbox_.size() < most_unheeded)
      inbox_.push_back(std::move(**packet));
    else
      gone_ = true;
  }
}

bool parent_link::wants_an_end() const {
  return std::any_of(inbox_.begin(), inbox_.end(), [](const auto& packet) {
    return packet.kind == messages::close_study::kind || packet.kind == messages::cancel::kind;
  });
}

std::optional<storage::dimse_packet> parent_link::next() {
  if (inbox_.empty()) return std::nullopt;
  auto packet = std::move(inbox_.front());
  inbox_.pop_front();
  return packet;
}

wake session::wait(int socket, short events, steady::time_point until, bool heed_messages) {
  const auto hurried = steady::now() + hurried_idle;
  for (;;) {
    const auto again = before_waiting ? before_waiting() : steady::time_point::max();
    if (parent.gone()) return wake::parent_gone;
    if (heed_messages && parent.has_message()) return wake::message;
    if (parent.wants_an_end()) until = std::min(until, hurried);
    std::array<pollfd, 2> watched{pollfd{parent.descriptor_number(), POLLIN, 0}, pollfd{socket, events, 0}};
    const int ready = ::poll(watched.data(), watched.size(), poll_timeout(std::min(until, again)));
    if (ready < 0) continue;
    if (watched[0].revents != 0) parent.collect();
    if (parent.gone()) return wake::parent_gone;
    if (watched[1].revents != 0) return wake::peer;
    if (ready == 0 && steady::now() >= until) return wake::timed_out;
  }
}

std::uint32_t milliseconds_since(steady::time_point start) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - start).count());
}

}  // namespace penstock::dimse
