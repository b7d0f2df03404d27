#pragma once
// One-time tickets for the data socket: the control socket issues them, the ZAP handler redeems them.

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "messages/result.hpp"

namespace penstock::gateways {

constexpr std::chrono::seconds ticket_lifetime{60};
constexpr std::size_t default_max_tickets = 4096;

/// What a client shows as PLAIN user name and password: 32 hex digits each.
struct download_ticket {
  std::string ticket;
  std::string secret;
};

/// Thread-safe.
class download_tickets {
 public:
  using steady_time = std::chrono::steady_clock::time_point;
  using steady_now = std::function<steady_time()>;

  explicit download_tickets(std::size_t max_outstanding = default_max_tickets,
                            steady_now now = std::chrono::steady_clock::now);

  /// A ticket for one connection to download `download`; one that was issued for it before is void.
  /// errc::rate_limited when too many are outstanding.
  messages::result<download_ticket> issue(const std::string& download);

  /// The download's id, which becomes the connection's ZAP user id; empty = refuse. The ticket is burnt by the first
  /// attempt, right or wrong.
  [[nodiscard]] std::string redeem(std::string_view ticket, std::string_view secret);

  [[nodiscard]] std::size_t outstanding() const;

 private:
  struct issued {
    std::string secret;
    std::string download;
    steady_time expires;
  };

  const std::size_t max_outstanding_;
  const steady_now now_;
  mutable std::mutex mutex_;
  std::map<std::string, issued, std::less<>> issued_;
};

}  // namespace penstock::gateways
