#pragma once
// The only place where a gateway touches CAF's runtime. A gateway is a thread around a poll loop over foreign
// descriptors; its `actor_port` makes that thread an actor: messages wait in an inbox and ring an eventfd, and handlers
// run only when the loop calls `drain()`. Requests, timeouts and monitors work as in any other actor.
//
//   actor_port<messages::event_sink_actor> port{system, [](auto* self) { return ...behaviour...; }};
//   poll {socket, port.descriptor()};  if (readable) running = port.drain();
//   port->request(queue, deadline, command).then(on_answer, on_error);

#include <sys/eventfd.h>
#include <unistd.h>
#include <caf/all.hpp>
#include <caf/detail/sync_request_bouncer.hpp>
#include <caf/scoped_execution_unit.hpp>
#include <cstddef>
#include <functional>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "messages/actor_errors.hpp"
#include "messages/interfaces.hpp"
#include "messages/type_ids.hpp"

namespace penstock::gateways {

/// The inbox and the eventfd of a loop's actor; `Handle` is the typed interface that it serves.
template <class Handle>
class loop_actor final : public Handle::base {
 public:
  using base = typename Handle::base;
  using behavior_type = typename base::behavior_type;
  using behavior_maker = std::function<behavior_type(loop_actor*)>;

  loop_actor(caf::actor_config& config, behavior_maker make)
      : base(config), make_(std::move(make)), descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (descriptor_ < 0) throw std::system_error(errno, std::system_category(), "eventfd");
  }
  ~loop_actor() override { ::close(descriptor_); }

  const char* name() const override { return "loop_actor"; }
  behavior_type make_behavior() override { return std::exchange(make_, nullptr)(this); }

  using base::enqueue;
  /// Any thread, CAF's clock among them: never blocks beyond the inbox's lock.
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) override {
    std::unique_lock lock{mutex_};
    if (!open_) {
      lock.unlock();
      bounce(*what, caf::exit_reason::unreachable);
      return;
    }
    const bool wake = inbox_.empty();
    inbox_.push_back(std::move(what));
    lock.unlock();
    if (wake) ::eventfd_write(descriptor_, 1);
  }

  void launch(caf::execution_unit*, bool, bool hide) override {
    if (!hide) this->register_at_system();
  }

  bool cleanup(caf::error&& reason, caf::execution_unit* host) override {
    std::unique_lock lock{mutex_};
    open_ = false;
    const auto rest = std::exchange(inbox_, {});
    lock.unlock();
    for (const auto& element : rest) bounce(*element, reason);
    return base::cleanup(std::move(reason), host);
  }

  [[nodiscard]] int descriptor() const { return descriptor_; }

  /// The loop's thread. Handles what was in the inbox when it was called; false once the actor has ended.
  bool drain(caf::execution_unit& host) {
    eventfd_t ignored = 0;
    ::eventfd_read(descriptor_, &ignored);
    std::unique_lock lock{mutex_};
    const auto batch = std::exchange(inbox_, {});
    lock.unlock();
    for (std::size_t at = 0; at < batch.size(); ++at) {
      if (this->activate(&host, *batch[at]) != caf::scheduled_actor::activation_result::terminated) continue;
      while (++at < batch.size()) bounce(*batch[at], caf::exit_reason::unreachable);
      return false;
    }
    return true;
  }

  /// The loop's thread: runs the behaviour maker, so that requests may be sent before the first message arrives.
  void begin(caf::execution_unit& host) { static_cast<caf::scheduled_actor*>(this)->activate(&host); }

 private:
  static void bounce(const caf::mailbox_element& element, const caf::error& why) {
    if (element.mid.is_request()) caf::detail::sync_request_bouncer{why}(element.sender, element.mid);
  }

  behavior_maker make_;
  std::mutex mutex_;
  bool open_ = true;
  std::vector<caf::mailbox_element_ptr> inbox_;
  int descriptor_;
};

/// Owns the actor of one loop. Everything but `handle()` and `descriptor()` belongs to the loop's thread; construct it
/// there, or before that thread starts. It must be destroyed before the actor_system.
template <class Handle>
class actor_port {
 public:
  using actor_type = loop_actor<Handle>;
  using behavior_type = typename actor_type::behavior_type;

  /// `make` is called at once with the self pointer and returns the handlers.
  actor_port(caf::actor_system& system, std::function<behavior_type(actor_type*)> make)
      : host_(&system), handle_(system.spawn<actor_type>(std::move(make))) {
    self_ = static_cast<actor_type*>(caf::actor_cast<caf::abstract_actor*>(handle_));
    self_->begin(host_);
  }
  ~actor_port() { close(); }
  actor_port(const actor_port&) = delete;
  actor_port& operator=(const actor_port&) = delete;

  [[nodiscard]] const Handle& handle() const { return handle_; }
  [[nodiscard]] int descriptor() const { return self_->descriptor(); }
  actor_type* operator->() const { return self_; }
  [[nodiscard]] actor_type* self() const { return self_; }

  /// False once the actor has ended: somebody sent it an exit message. The loop then stops.
  [[nodiscard]] bool drain() {
    if (open_) open_ = self_->drain(host_);
    return open_;
  }

  /// Ends the actor; requests that wait or still come are answered with an error. Idempotent.
  void close() {
    if (!open_) return;
    caf::anon_send_exit(handle_, caf::exit_reason::user_shutdown);
    while (drain()) {
    }
  }

 private:
  caf::scoped_execution_unit host_;
  Handle handle_;
  actor_type* self_ = nullptr;
  bool open_ = true;
};

}  // namespace penstock::gateways
