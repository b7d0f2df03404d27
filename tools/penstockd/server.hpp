#pragma once
// The whole server as one object: opens the state, starts gateways and actors, and ends them in reverse order.

#include <atomic>
#include <caf/actor_system.hpp>
#include <memory>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "actors/hosting.hpp"
#include "actors/supervisor.hpp"
#include "actors/system_config.hpp"
#include "gateways/control_gateway.hpp"
#include "gateways/dicom_listener.hpp"
#include "gateways/dimse_port.hpp"
#include "gateways/download_gateway.hpp"
#include "gateways/http_gateway.hpp"
#include "gateways/zmq_auth.hpp"
#include "messages/result.hpp"
#include "storage/core_store.hpp"
#include "storage/state_directory.hpp"
#include "tools/penstockd/core_check.hpp"
#include "tools/penstockd/start_up.hpp"
#include "tools/penstockd/state_watch.hpp"

namespace penstock::server {

class server {
 public:
  /// Everything is up and answers when it returns. errc::held_by_another (port or state directory), no_space, corrupt
  /// (the core database), io_error.
  [[nodiscard]] static messages::result<std::unique_ptr<server>> start(start_up from);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Refuses new commands, ends what runs and closes the journal. False when something hung past the drain timeout: the
  /// process should then end without running destructors.
  [[nodiscard]] bool stop();

  /// Reads the rules file again, as `governance.reload` does.
  void reload_rules();

  /// The control socket ended by itself: the process was told to stop, and is to be started again.
  [[nodiscard]] bool is_deaf() const { return deaf_; }
  [[nodiscard]] const std::string& control_endpoint() const { return control_->endpoint(); }

 private:
  explicit server(start_up from) : from_(std::move(from)) {}
  [[nodiscard]] messages::result<void> open_state();
  [[nodiscard]] messages::result<void> open_sockets();
  [[nodiscard]] messages::result<void> open_dicom();
  [[nodiscard]] messages::result<void> open_control();
  void open_desk();
  void start_actors();
  [[nodiscard]] std::string metrics() const;

  start_up from_;
  actors::system_config config_;
  std::unique_ptr<storage::state_directory> state_;
  std::unique_ptr<state_watch> watch_;
  std::shared_ptr<storage::row_store> core_;
  std::unique_ptr<core_check> check_;
  std::optional<storage::missing_since> newest_missing_;
  std::unique_ptr<gateways::http_gateway> http_;
  std::atomic<bool> deaf_{false};
  std::atomic<gateways::server_phase> phase_{gateways::server_phase::starting};
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<actors::crew> crew_;
  actors::time_source clocks_ = actors::system_time_source();
  std::int64_t started_us_ = 0;
  // The context outlives what uses it: members are destroyed in reverse order.
  zmq::context_t context_{2};
  std::shared_ptr<gateways::key_directory_holder> keys_;
  std::unique_ptr<gateways::download_tickets> tickets_;
  std::unique_ptr<gateways::zap_handler> zap_;
  std::string data_endpoint_;  ///< as clients are to reach it
  std::shared_ptr<gateways::download_desk> desk_;
  std::unique_ptr<gateways::download_gateway> downloads_;
  std::unique_ptr<gateways::dimse_port> port_;
  std::unique_ptr<gateways::dicom_listener> listener_;
  std::unique_ptr<gateways::control_gateway> control_;
  actors::server_tree tree_;
};

}  // namespace penstock::server
