#pragma once
// Who may connect: the ZAP handler (ZeroMQ RFC 27) of a ZeroMQ context. On the control socket a CURVE key must be in
// the directory made from the rules in force; on the data socket a one-time ticket must be redeemed. ZAP is asked only
// at the handshake, so whoever reads messages asks the directory again for each one (`key_directory::knows`).

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "conf/rules.hpp"
#include "messages/result.hpp"

namespace zmq {
class context_t;
class socket_t;
}  // namespace zmq

namespace penstock::gateways {

inline constexpr const char* control_zap_domain = "control";
inline constexpr const char* data_zap_domain = "data";

/// Maps public keys (Z85) to ZAP user ids `NAME/FINGERPRINT`, the fingerprint being the first 16 hex digits of the
/// SHA-256 of the raw key, so that one key of a user can be told from, and revoked without, the others.
class key_directory {
 public:
  key_directory() = default;
  explicit key_directory(const conf::rules& from);

  /// Empty when nobody has this key.
  [[nodiscard]] std::string user_id_of_key(std::string_view z85_key) const;
  /// Is this user id still one that the rules give?
  [[nodiscard]] bool knows(std::string_view user_id) const { return names_.contains(user_id); }
  /// NAME of a user id that the rules still give, else empty.
  [[nodiscard]] std::string name_of(std::string_view user_id) const;

 private:
  std::map<std::string, std::string, std::less<>> ids_;    ///< Z85 key -> user id
  std::map<std::string, std::string, std::less<>> names_;  ///< user id -> name
};

/// The directory in force; swapped whole. Any thread.
class key_directory_holder {
 public:
  [[nodiscard]] std::shared_ptr<const key_directory> get() const;
  void set(std::shared_ptr<const key_directory> directory);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const key_directory> directory_ = std::make_shared<const key_directory>();
};

/// Burns a ticket and returns the user id of its connection; empty = refuse. Called on the handler's thread.
using ticket_redeemer = std::function<std::string(std::string_view ticket, std::string_view secret)>;

class zap_handler {
 public:
  /// Binds inproc://zeromq.zap.01 before it returns: start it before any CURVE or PLAIN socket of `context` is bound,
  /// and destroy it after they are closed. errc::conflict when the context has a handler already.
  static messages::result<std::unique_ptr<zap_handler>> start(zmq::context_t& context,
                                                              std::shared_ptr<const key_directory_holder> directory,
                                                              ticket_redeemer redeem);
  ~zap_handler();
  zap_handler(const zap_handler&) = delete;
  zap_handler& operator=(const zap_handler&) = delete;

  /// Connections refused so far, for metrics.
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  zap_handler(std::shared_ptr<const key_directory_holder> directory, ticket_redeemer redeem);
  void run(zmq::socket_t& socket);
  void answer_one(zmq::socket_t& socket);
  [[nodiscard]] std::string user_id_for(const std::vector<std::string>& request) const;

  std::shared_ptr<const key_directory_holder> directory_;
  ticket_redeemer redeem_;
  std::atomic<std::uint64_t> refused_{0};
  int wake_ = -1;
  std::thread thread_;
};

}  // namespace penstock::gateways
