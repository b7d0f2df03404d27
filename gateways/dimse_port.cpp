#include "gateways/dimse_port.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "gateways/actor_port.hpp"
#include "gateways/child_owners.hpp"
#include "gateways/child_process.hpp"

namespace penstock::gateways {

using messages::dimse_owner_actor;

class dimse_port::loop {
 public:
  using port_type = actor_port<messages::dimse_port_actor>;

  loop(caf::actor_system& system, const dimse_port_options& options)
      : port_(system, [this](port_type::actor_type*) { return handlers(); }),
        child_options_{.program = options.program,
                       .memory_bytes = options.child_memory_bytes,
                       .most_children = options.most_children,
                       .cancel_patience = options.cancel_patience,
                       .abort_patience = options.abort_patience},
        thread_([this] { run(); }) {}

  ~loop() {
    caf::anon_send_exit(port_.handle(), caf::exit_reason::user_shutdown);
    thread_.join();
  }
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  [[nodiscard]] messages::dimse_port_actor handle() const { return port_.handle(); }

 private:
  void run();
  port_type::behavior_type handlers();
  void on_start(const messages::start_dimse& order);
  void on_said(std::uint64_t child, const storage::dimse_packet& packet);
  void on_ended(std::uint64_t child, const std::string& problem);
  [[nodiscard]] messages::answered description() const;

  port_type port_;
  child_options child_options_;
  child_table* children_ = nullptr;  // of the thread, which outlives none of them
  child_owners owners_;
  std::thread thread_;
};

void dimse_port::loop::run() {
  child_table children{child_options_,
                       {[this](std::uint64_t child, storage::dimse_packet& packet) { on_said(child, packet); },
                        [this](std::uint64_t child, const std::string& problem) { on_ended(child, problem); }}};
  children_ = &children;
  for (bool running = true; running;) {
    std::vector<pollfd> watched{{port_.descriptor(), POLLIN, 0}};
    children.add_to(watched);
    ::poll(watched.data(), watched.size(), static_cast<int>(children.longest_wait().count()));
    children.heed(watched);
    children.tick();
    if (watched.front().revents != 0) running = port_.drain();
  }
}

dimse_port::loop::port_type::behavior_type dimse_port::loop::handlers() {
  return {[this](const messages::start_dimse& order) { on_start(order); },
          [this](const messages::tell_dimse& order) {
            if (const auto child = owners_.child_of(order.owner, order.ticket)) children_->tell(child, order.message);
          },
          [this](const messages::stop_dimse& order) {
            if (const auto child = owners_.child_of(order.owner, order.ticket)) children_->stop(child);
          },
          [this](const messages::disown_dimse& order) {
            for (const auto child : owners_.disown(order.owner)) children_->kill(child);
          },
          [this](const messages::describe_actor&) { return description(); }};
}

void dimse_port::loop::on_start(const messages::start_dimse& order) {
  const auto owner = caf::actor_cast<dimse_owner_actor>(port_->current_sender());
  auto refuse = [&](std::string why) {
    if (owner) port_->send(owner, messages::dimse_ended{order.ticket, std::move(why)});
  };
  if (owners_.child_of(order.owner, order.ticket) != 0) return refuse("the ticket is in use");
  auto child = children_->start(order.job);
  if (!child) {
    spdlog::error("DICOM: {}", child.error().text());
    return refuse(child.error().text());
  }
  owners_.add(*child, {order.owner, order.ticket, owner});
}

void dimse_port::loop::on_said(std::uint64_t child, const storage::dimse_packet& packet) {
  if (const auto* whose = owners_.find(child))
    tell_owner(port_, whose, messages::dimse_reported{whose->ticket, packet.text});
}

void dimse_port::loop::on_ended(std::uint64_t child, const std::string& problem) {
  if (const auto whose = owners_.forget(child))
    tell_owner(port_, &*whose, messages::dimse_ended{whose->ticket, problem});
}

messages::answered dimse_port::loop::description() const {
  return {nlohmann::json{{"actor", "dimse_port"}, {"state", "running"}, {"children", children_->size()}}.dump()};
}

messages::result<std::unique_ptr<dimse_port>> dimse_port::start(caf::actor_system& system, dimse_port_options options) {
  if (::access(options.program.c_str(), X_OK) != 0)
    return messages::fail(messages::errc::bad_configuration, "no program " + options.program.string());
  return std::unique_ptr<dimse_port>{new dimse_port{std::make_unique<loop>(system, options)}};
}

dimse_port::dimse_port(std::unique_ptr<loop> running) : loop_(std::move(running)) {}
dimse_port::~dimse_port() = default;
messages::dimse_port_actor dimse_port::handle() const { return loop_->handle(); }

}  // namespace penstock::gateways
