#pragma once
// The listening socket and the connections that have not spoken yet. A connection costs nothing but its descriptor
// until it has begun what only a DICOM peer says: its first byte tells clear text from TLS.

#include <poll.h>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "storage/descriptor.hpp"

namespace penstock::gateways {

struct door_limits {
  std::size_t most = 64;
  std::size_t most_per_peer = 4;
  std::chrono::milliseconds first_word_patience{5'000};
  bool tls = false;  ///< a TLS handshake may be begun too
};

/// A connection whose peer has begun an A-ASSOCIATE-RQ, or a TLS handshake. `peer` is its numeric address.
struct caller {
  storage::descriptor socket;
  std::string peer;
  bool tls = false;
};

class door {
 public:
  /// errc::held_by_another when the port is taken, bad_configuration for another fault. `address` is numeric IPv4.
  [[nodiscard]] static messages::result<door> open(const std::string& address, std::uint16_t port, door_limits limits);

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// A caller that was let in has gone.
  void gone(const std::string& peer);

  void add_to(std::vector<pollfd>& watched) const;
  /// Accepts, closes what is late, over a limit or no DICOM, and returns who may come in.
  [[nodiscard]] std::vector<caller> heed(const std::vector<pollfd>& watched);
  [[nodiscard]] bool has_waiting() const { return !waiting_.empty(); }
  [[nodiscard]] std::uint64_t turned_away() const { return turned_away_; }

 private:
  using clock = std::chrono::steady_clock;
  struct silent {
    caller from;
    clock::time_point deadline;
  };
  enum class word : std::uint8_t { none, association, tls, other };

  door(storage::descriptor listening, std::uint16_t port, door_limits limits);
  void accept_all();
  [[nodiscard]] bool has_room(const std::string& peer) const;
  [[nodiscard]] word first_word(const storage::descriptor& socket) const;

  storage::descriptor listening_;
  std::uint16_t port_;
  door_limits limits_;
  std::list<silent> waiting_;
  std::map<std::string, std::size_t> inside_;  ///< by peer, those that wait included
  std::size_t all_inside_ = 0;
  std::uint64_t turned_away_ = 0;
};

}  // namespace penstock::gateways
