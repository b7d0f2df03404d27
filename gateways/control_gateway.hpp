#pragma once
// The control socket (WIRE.md): a ZeroMQ ROUTER with CURVE, one thread that is an actor. Commands go to the actors that
// decide, answers come back; committed events go to whoever subscribed and still may see them.

#include <caf/fwd.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "conf/rules.hpp"
#include "conf/settings.hpp"
#include "gateways/control_peers.hpp"
#include "gateways/download_desk.hpp"
#include "gateways/zmq_auth.hpp"
#include "messages/interfaces.hpp"
#include "messages/result.hpp"
#include "storage/state_directory.hpp"

namespace zmq {
class context_t;
}

namespace penstock::gateways {

/// A client's message over this (plus CURVE's overhead) closes its connection.
inline constexpr std::int64_t max_control_message_bytes = 1 << 20;

/// Reads at most `limit` committed events of `topic` from number `from` on. Called in a worker thread; may block.
using event_reader = std::function<messages::result<std::vector<messages::topic_entry>>(
    const std::string& topic, std::uint64_t from, std::size_t limit)>;

struct control_gateway_options {
  std::string endpoint = "tcp://127.0.0.1:*";
  std::string server_secret_key;  ///< CURVE, Z85
  std::string site_name = "Penstock";
  std::string version;
  std::string data_endpoint;  ///< as clients are to reach it
  conf::limit_settings limits;
  std::chrono::milliseconds answer_deadline{10'000};  ///< for an actor, on top of what a command itself waits
  std::function<std::int64_t()> utc_us;               ///< microseconds since 1970
  /// The last day that has begun where the rules apply; none given: from `utc_us` in the time zone of the rules.
  std::function<std::chrono::year_month_day(const conf::rules&)> today;
  std::function<storage::room()> room_left;  ///< on the server's disk; none given: ample
};

struct control_gateway_parts {
  std::shared_ptr<key_directory_holder> keys;  ///< shared with the ZAP handler; kept up to date by the gateway
  conf::rules_ptr rules;                       ///< in force at start; later ones come as rules_published
  control_peers peers;
  std::shared_ptr<download_desk> downloads;
  event_reader read_events;
  /// Connections that the ZAP handler has refused so far; what is refused is journaled once a minute, as counts.
  std::function<std::uint64_t()> refused_connections;
  /// Called, at most once, when the gateway has ended although nobody stopped it. Must not block.
  std::function<void(const std::string& why)> lost;
};

struct control_statistics {
  std::uint64_t commands = 0;
  std::uint64_t commands_refused = 0;  ///< answered with an error
  std::uint64_t events_sent = 0;
  std::uint64_t messages_ignored = 0;  ///< malformed, of a weak routing id or of a revoked key
  std::uint64_t sessions = 0;          ///< now
  std::uint64_t subscriptions = 0;     ///< now
};

class control_gateway {
 public:
  /// Binds before it returns, follows the journal's events and watches the rules. The ZAP handler of `context` must
  /// run. errc::held_by_another when the port is taken, bad_configuration for an endpoint or key that cannot be used.
  static messages::result<std::unique_ptr<control_gateway>> start(zmq::context_t& context, caf::actor_system& system,
                                                                  control_gateway_options options,
                                                                  control_gateway_parts parts);
  /// Stops; must happen before the actor system and the context end.
  ~control_gateway();
  control_gateway(const control_gateway&) = delete;
  control_gateway& operator=(const control_gateway&) = delete;

  /// Where it listens, with the real port.
  [[nodiscard]] const std::string& endpoint() const;
  /// Whoever has transient events to show sends them here.
  [[nodiscard]] messages::event_sink_actor sink() const;
  /// New projects or PACS have come. Any thread.
  void set_peers(control_peers peers);
  /// From now on every command is answered with `shutting_down`. Any thread.
  void refuse_commands();
  /// Any thread.
  [[nodiscard]] control_statistics statistics() const;

 private:
  class loop;
  explicit control_gateway(std::unique_ptr<loop> running);
  std::unique_ptr<loop> loop_;
};

}  // namespace penstock::gateways
