#include "tools/penstockd/state_watch.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace penstock::server {

using storage::room;

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

void tell(room now, std::uint64_t free_bytes) {
  const auto free = free_bytes / mebibyte;
  switch (now) {
    case room::ample:
      return spdlog::info("disk: {} MiB free: everything is done again", free);
    case room::scarce:
      return spdlog::warn("disk: {} MiB free: nothing new is taken on below {} MiB", free,
                          storage::room_to_admit_bytes / mebibyte);
    case room::none:
      return spdlog::error("disk: {} MiB free: read-only: only what ends, frees or shows things is done", free);
  }
}

}  // namespace

messages::result<std::unique_ptr<state_watch>> state_watch::start(const storage::state_directory& state,
                                                                  std::function<void(const messages::failure&)> lost) {
  auto known = state.who_it_is();
  if (!known) return known.error();
  return std::unique_ptr<state_watch>{new state_watch{state, *known, std::move(lost)}};
}

state_watch::state_watch(const storage::state_directory& state, storage::state_directory::identity known,
                         std::function<void(const messages::failure&)> lost)
    : state_(state), known_(known), lost_(std::move(lost)), room_(state.room_at_start()) {
  if (room_ == room::none) tell(room::none, state_.free_bytes() ? *state_.free_bytes() : 0);
  thread_ = std::thread{[this] { run(); }};
}

state_watch::~state_watch() {
  {
    std::lock_guard lock{mutex_};
    end_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

void state_watch::run() {
  std::unique_lock lock{mutex_};
  while (!ended_.wait_for(lock, look_every, [this] { return end_; })) {
    if (auto same = state_.is_still(known_); !same) return lost_(same.error());
    look_at_room();
  }
}

/// The ballast is back before anything new is taken on.
void state_watch::look_at_room() {
  const auto free = state_.free_bytes();
  if (!free) return;
  const auto before = room_.load();
  const auto now = storage::judge_room(*free, before, state_.ballast_bytes());
  if (now == before) return;
  if (now == room::none) state_.release_ballast();
  if (before == room::none && !state_.restore_ballast()) return state_.release_ballast();
  room_ = now;
  tell(now, *free);
}

}  // namespace penstock::server
