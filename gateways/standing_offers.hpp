#pragma once
// The offers of the data socket: who may stand here, which one has a session, which one goes. An offer has one session
// at a time; without one it goes after a while, because a manifest is large and a download can be resumed.

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "gateways/download_session.hpp"
#include "messages/result.hpp"

namespace penstock::gateways {

struct offer_limits {
  std::size_t max_offers = 1024;
  std::size_t max_offers_per_user = 16;                    ///< so also sessions
  std::size_t max_memory = std::size_t{8} << 30;           ///< of all offers, see memory_of
  std::size_t max_memory_per_user = std::size_t{2} << 30;  ///< one of a million objects takes about 0.6 GiB
  std::chrono::milliseconds unused_lifetime{90'000};       ///< without a session; outlives its ticket
};

/// Thread-safe.
class standing_offers {
 public:
  using steady_time = std::chrono::steady_clock::time_point;

  explicit standing_offers(const offer_limits& limits) : limits_(limits) {}

  /// One of the same download gives way, and its session ends: whoever resumes has given up the connection before.
  /// errc::rate_limited.
  messages::result<void> add(std::shared_ptr<live_offer> offer, steady_time now);
  void withdraw(const std::string& download);
  void withdraw_unless(const std::function<bool(const std::string& user, const std::string& project)>& allowed);

  /// The offer, from now on in use. errc::not_found, or conflict when it has a session already.
  messages::result<std::shared_ptr<const live_offer>> take(const std::string& download, steady_time now);
  /// Its session is over. `complete`: it is not needed any more.
  void give_back(const std::shared_ptr<const live_offer>& offer, bool complete, steady_time now);
  void drop_expired(steady_time now);
  [[nodiscard]] std::size_t size() const;

 private:
  struct standing_offer {
    std::shared_ptr<live_offer> live;
    bool in_use = false;  ///< has a session
    steady_time expires;  ///< unless it is in use
  };
  [[nodiscard]] messages::result<void> check_room(const download_offer& wanted) const;

  const offer_limits limits_;
  mutable std::mutex mutex_;
  std::map<std::string, standing_offer, std::less<>> offers_;
};

}  // namespace penstock::gateways
