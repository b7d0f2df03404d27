#pragma once
// The control gateway's thread and what it owns. For control_gateway.cpp only.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "gateways/actor_port.hpp"
#include "gateways/command_gateway.hpp"
#include "gateways/control_gateway.hpp"
#include "gateways/event_gateway.hpp"
#include "gateways/refusal_log.hpp"
#include "gateways/session_table.hpp"
#include "gateways/side_worker.hpp"
#include "gateways/zmq_loop.hpp"

namespace penstock::gateways {

class control_gateway::loop {
 public:
  using port_type = actor_port<messages::event_sink_actor>;

  loop(zmq::context_t& context, caf::actor_system& system, control_gateway_options options,
       control_gateway_parts parts);
  ~loop();
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  messages::result<void> bind();
  void start();

  // Any thread.
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
  [[nodiscard]] messages::event_sink_actor sink() const { return port_.handle(); }
  void set_peers(control_peers peers);
  void refuse_commands();
  [[nodiscard]] control_statistics statistics() const;

 private:
  void run();
  [[nodiscard]] bool turn();
  void receive_batch();
  void receive(std::vector<zmq::message_t>& frames, bool cut);
  void on_command(const std::string& routing_id, session& from, std::string_view text);
  void on_subscription(const std::string& routing_id, session& from, std::string_view type, std::string_view text);
  void answer(const std::string& routing_id, std::uint64_t session_number, std::string frame);
  void queue_answer(const std::string& routing_id, session& to, std::string frame);
  void flush_answers(const std::string& routing_id, session& to);
  send_outcome send(const std::string& routing_id, std::span<const std::string_view> frames);
  void take_departures();
  void take_ended_connections();

  port_type::behavior_type handlers();
  event_outlets outlets();
  void rules_changed(const messages::rules_published& published);
  void meet(const messages::roster& serving);
  void judge_downloads(const std::set<std::string>& changed = {});
  void pass_on_ended_downloads();
  void meet_peers();
  void watch_rules();
  void enrol();
  void tick(std::int64_t now_ms);
  void publish_statistics();
  [[nodiscard]] bool may_see(const std::string& user, const std::string& topic);
  [[nodiscard]] bool read_page(const std::string& session, const std::string& topic, std::uint64_t from,
                               std::size_t limit);
  [[nodiscard]] std::chrono::year_month_day today();

  control_gateway_options options_;
  control_gateway_parts parts_;
  zmq::socket_t socket_;
  departure_watch departures_;
  std::string endpoint_;
  conf::rules_ptr rules_;
  std::shared_ptr<const key_directory> directory_;
  session_table sessions_;
  event_gateway events_;
  refusal_log refusals_;
  std::uint64_t generation_ = 0;  ///< as a writer of the journal; 0: not enrolled yet
  std::int64_t last_tick_ms_ = 0;
  std::int64_t today_until_us_ = 0;
  std::chrono::year_month_day today_{};
  std::chrono::year_month_day downloads_judged_on_{};
  std::vector<std::string> departed_;
  std::uint64_t ignored_ = 0;

  int wake_ = -1;
  std::atomic<bool> stop_{false};
  std::atomic<bool> refuse_{false};
  mutable std::mutex mutex_;  ///< of new_peers_ and statistics_
  std::optional<control_peers> new_peers_;
  control_statistics statistics_;

  side_worker worker_;       ///< reads events
  side_worker desk_worker_;  ///< writes manifests, which may take seconds
  port_type port_;
  command_gateway commands_;
  std::thread thread_;
};

}  // namespace penstock::gateways
