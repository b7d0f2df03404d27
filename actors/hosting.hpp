#pragma once
// The shells that every actor of Penstock sits in. `hosted<Impl>` makes a plain class an actor; `custodian` keeps a
// stable address in front of it, restarts it with growing pauses and parks what arrives meanwhile; `crew` is a stop
// that ends.

#include <caf/all.hpp>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace penstock::actors {

/// Impl names its `handle` (a typed actor of messages/interfaces.hpp) and its `name`, is constructed from the self
/// pointer and the spawn arguments on its first activation, so that what its constructor throws ends the actor and not
/// the spawner, and lists its handlers in `make_behavior()`.
template <class Impl>
class hosted final : public Impl::handle::base {
 public:
  using base = typename Impl::handle::base;
  using behavior_type = typename base::behavior_type;

  template <class... Ts>
  explicit hosted(caf::actor_config& config, Ts... arguments) : base(config) {
    start_ = [this, held = std::make_tuple(std::move(arguments)...)]() mutable {
      std::apply([this](auto&... each) { impl_.emplace(this, std::move(each)...); }, held);
    };
    this->set_exception_handler([](std::exception_ptr& thrown) -> caf::error {
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& problem) {
        return caf::make_error(caf::sec::runtime_error, std::string{problem.what()});
      } catch (...) {
        return caf::sec::runtime_error;
      }
    });
  }

  const char* name() const override { return Impl::name; }
  behavior_type make_behavior() override {
    std::exchange(start_, nullptr)();
    return impl_->make_behavior();
  }
  void on_exit() override { impl_.reset(); }

 private:
  std::function<void()> start_;
  std::optional<Impl> impl_;
};

/// How a custodian restarts its child.
struct restart_options {
  std::chrono::milliseconds first_pause{20};
  std::chrono::milliseconds longest_pause{30'000};
  std::chrono::minutes calm{5};   ///< a life so long forgets earlier deaths
  std::size_t most_parked = 256;  ///< messages kept while the child is away; more are refused
};

/// The stable address of a supervised actor. Requests keep their sender, so answers go straight to whoever asked; those
/// that a dying child had already taken fail once with sec::request_receiver_down, and their askers try again.
class custodian : public caf::event_based_actor {
 public:
  using maker = std::function<caf::actor(caf::local_actor&)>;
  using observer = std::function<void(const caf::error& reason, std::chrono::milliseconds pause)>;

  custodian(caf::actor_config& config, maker make, observer on_restart, restart_options options);
  caf::behavior make_behavior() override;
  void on_exit() override;

 private:
  void start();
  void lost(const caf::down_msg& down);
  caf::result<caf::message> pass(caf::message_view& view);

  maker make_;
  observer on_restart_;
  restart_options options_;
  std::chrono::milliseconds pause_;
  caf::actor child_;
  caf::actor_clock::time_point started_;
  std::vector<std::pair<caf::response_promise, caf::message>> parked_;
};

enum class hosting { scheduled, detached };

/// Spawns Impl behind a custodian and returns its typed, stable handle. Each life of Impl gets a copy of the arguments.
template <class Impl, hosting Where = hosting::scheduled, class... Ts>
typename Impl::handle supervise(caf::actor_system& system, custodian::observer on_restart, Ts... arguments) {
  auto make = [=](caf::local_actor& self) {
    if constexpr (Where == hosting::detached)
      return caf::actor_cast<caf::actor>(self.spawn<hosted<Impl>, caf::detached>(arguments...));
    else
      return caf::actor_cast<caf::actor>(self.spawn<hosted<Impl>>(arguments...));
  };
  return caf::actor_cast<typename Impl::handle>(
      system.spawn<custodian>(custodian::maker{make}, std::move(on_restart), restart_options{}));
}

/// Made right after the actor_system. To stop: `end_all`, then drop every handle of yours, then `wait`. In that order:
/// a custodian that loses its last handle first goes without ending its child, and a detached actor's thread lives as
/// long as a handle to it.
class crew {
 public:
  explicit crew(caf::actor_system& system) : system_(system), base_(system.detached_actors()) {}

  /// Any thread. Who comes when the end has begun is told so at once.
  template <class Handle>
  Handle add(Handle member) {
    std::lock_guard lock{mutex_};
    members_.push_back(member.address());
    if (ending_) end(members_.back());
    return member;
  }
  /// Sends every member, the last one first, its end.
  void end_all();
  /// False when something still runs after `patience`: flush what must be flushed, then end the process hard.
  [[nodiscard]] bool wait(std::chrono::milliseconds patience);

 private:
  static void end(const caf::actor_addr& member);

  caf::actor_system& system_;
  std::size_t base_;
  std::mutex mutex_;
  std::vector<caf::actor_addr> members_;
  bool ending_ = false;
};

}  // namespace penstock::actors
