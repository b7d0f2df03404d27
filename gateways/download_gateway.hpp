#pragma once
// The data socket (WIRE.md, "The data socket"): sends offered downloads, sealed, under the client's credits. A ZeroMQ
// ROUTER with a thread of its own; no actor is in the path of a segment.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "gateways/download_offer.hpp"
#include "gateways/standing_offers.hpp"
#include "messages/result.hpp"

namespace zmq {
class context_t;
}

namespace penstock::gateways {

struct download_gateway_options {
  std::string endpoint = "tcp://127.0.0.1:*";
  std::string zap_domain = "data";  ///< a ZAP handler must answer for it, else nobody gets in
  offer_limits offers = {};
  std::size_t max_sessions = 64;
  std::uint32_t max_credit = 64;                   ///< per session; a client that grants more is held to this
  std::uint32_t max_segments_in_flight = 8;        ///< per session: sealed, and not yet taken over by the kernel
  std::chrono::milliseconds idle_timeout{60'000};  ///< without a grant of credit or a segment leaving
  std::chrono::milliseconds tick{500};             ///< how often the timeouts are looked at
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

/// One session of a download has ended. `complete`: everything but END was handed to the transport.
struct download_session_ended {
  std::string download;
  std::string project;
  std::uint64_t sealed_bytes = 0;  ///< sent in this session
  bool complete = false;
};

struct download_statistics {
  std::uint64_t offers = 0;
  std::uint64_t sessions = 0;
  std::uint64_t segments_sent = 0;
  std::uint64_t sealed_bytes_sent = 0;
  std::uint64_t objects_failed = 0;
  std::uint64_t sessions_refused = 0;
};

/// All public functions may be called from any thread.
class download_gateway {
 public:
  /// Called on the gateway's thread; must not block and must not call the gateway's destructor.
  using session_ended = std::function<void(const download_session_ended&)>;

  /// Binds before it returns. errc::held_by_another when the port is taken, bad_configuration for an endpoint that
  /// cannot be bound. The context must outlive the gateway, and its ZAP handler must be bound already.
  static messages::result<std::unique_ptr<download_gateway>> start(zmq::context_t& context,
                                                                   download_gateway_options options,
                                                                   session_ended on_session_ended);
  /// Stops at once: connections are closed, what was not sent is dropped.
  ~download_gateway();
  download_gateway(const download_gateway&) = delete;
  download_gateway& operator=(const download_gateway&) = delete;

  /// Where it listens, with the real port.
  [[nodiscard]] const std::string& endpoint() const;

  /// Makes a download available to the connection that redeems a ticket for it, until it was sent whole, was withdrawn,
  /// or had no session for a while. An offer of the same id is replaced and its session ends. errc::bad_request,
  /// too_large, rate_limited (the limits of offers).
  messages::result<void> offer(download_offer offer);
  /// Ends its session and forgets it.
  void withdraw(const std::string& download);
  /// Withdraws every offer that `allowed` says no to. `allowed` must not call the gateway.
  void withdraw_unless(const std::function<bool(const std::string& user, const std::string& project)>& allowed);

  [[nodiscard]] download_statistics statistics() const;

 private:
  class loop;
  explicit download_gateway(std::unique_ptr<loop> running);
  std::unique_ptr<loop> loop_;
};

}  // namespace penstock::gateways
