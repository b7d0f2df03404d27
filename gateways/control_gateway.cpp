#include "gateways/control_gateway.hpp"

#include <chrono>

#include "gateways/control_loop.hpp"

namespace penstock::gateways {
namespace {

std::int64_t system_utc_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

messages::result<std::unique_ptr<control_gateway>> control_gateway::start(zmq::context_t& context,
                                                                          caf::actor_system& system,
                                                                          control_gateway_options options,
                                                                          control_gateway_parts parts) {
  if (!parts.rules || !parts.keys)
    return messages::fail(messages::errc::bad_configuration, "control gateway: needs rules and a key directory");
  if (!options.utc_us) options.utc_us = system_utc_us;
  auto running = std::make_unique<loop>(context, system, std::move(options), std::move(parts));
  if (auto bound = running->bind(); !bound) return bound.error();
  running->start();
  return std::unique_ptr<control_gateway>{new control_gateway{std::move(running)}};
}

control_gateway::control_gateway(std::unique_ptr<loop> running) : loop_(std::move(running)) {}
control_gateway::~control_gateway() = default;

const std::string& control_gateway::endpoint() const { return loop_->endpoint(); }
messages::event_sink_actor control_gateway::sink() const { return loop_->sink(); }
void control_gateway::set_peers(control_peers peers) { loop_->set_peers(std::move(peers)); }
void control_gateway::refuse_commands() { loop_->refuse_commands(); }
control_statistics control_gateway::statistics() const { return loop_->statistics(); }

}  // namespace penstock::gateways
