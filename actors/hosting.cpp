#include "actors/hosting.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace penstock::actors {

custodian::custodian(caf::actor_config& config, maker make, observer on_restart, restart_options options)
    : caf::event_based_actor(config),
      make_(std::move(make)),
      on_restart_(std::move(on_restart)),
      options_(options),
      pause_(options.first_pause) {
  set_down_handler([this](const caf::down_msg& down) { lost(down); });
  set_exit_handler([this](const caf::exit_msg& end) {
    if (child_) send_exit(child_, end.reason);
    quit(end.reason);
  });
  set_default_handler([this](caf::scheduled_actor*, caf::message_view& view) { return pass(view); });
}

caf::behavior custodian::make_behavior() {
  start();
  return {[this](caf::reset_atom) { start(); }};
}

void custodian::on_exit() {
  child_ = nullptr;
  parked_.clear();
  make_ = nullptr;
  on_restart_ = nullptr;
}

void custodian::start() {
  child_ = make_(*this);
  monitor(child_);
  started_ = clock().now();
  for (auto& [promise, content] : std::exchange(parked_, {})) promise.delegate(child_, std::move(content));
}

void custodian::lost(const caf::down_msg& down) {
  if (down.source != child_) return;
  child_ = nullptr;
  if (!down.reason) {
    quit();
    return;
  }
  if (clock().now() - started_ > options_.calm) pause_ = options_.first_pause;
  if (on_restart_) on_restart_(down.reason, pause_);
  delayed_send(this, pause_, caf::reset_atom::value);
  pause_ = std::min(pause_ * 2, options_.longest_pause);
}

caf::result<caf::message> custodian::pass(caf::message_view& view) {
  if (child_) return delegate(child_, view.move_content_to_message());
  if (parked_.size() == options_.most_parked) return caf::sec::request_receiver_down;
  parked_.emplace_back(make_response_promise(), view.move_content_to_message());
  return caf::delegated<caf::message>{};
}

void crew::end_all() {
  std::lock_guard lock{mutex_};
  ending_ = true;
  for (auto member = members_.rbegin(); member != members_.rend(); ++member) end(*member);
}

void crew::end(const caf::actor_addr& member) {
  if (auto who = caf::actor_cast<caf::strong_actor_ptr>(member))
    who->get()->eq_impl(caf::make_message_id(caf::message_priority::high), nullptr, nullptr,
                        caf::exit_msg{member, caf::exit_reason::user_shutdown});
}

bool crew::wait(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (system_.registry().running() > 0 || system_.detached_actors() > base_) {
    if (std::chrono::steady_clock::now() > until) {
      spdlog::error("{} actors and {} detached ones are still running", system_.registry().running(),
                    system_.detached_actors() - base_);
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

}  // namespace penstock::actors
