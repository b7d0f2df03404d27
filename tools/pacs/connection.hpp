#pragma once
// A TCP connection: whole PDUs in, bytes out, Nagle's algorithm off, slower when it is told to be.

#include <chrono>
#include <cstdint>
#include <string>

#include "messages/result.hpp"
#include "storage/descriptor.hpp"
#include "tools/pacs/bytes.hpp"
#include "tools/pacs/upper_layer.hpp"

namespace penstock::pacs {

struct pdu {
  pdu_type type{};
  bytes body;  ///< without the header
};

/// An IPv4 address or a host name.
struct host_port {
  std::string host;
  std::uint16_t port = 0;
};

/// Used by one thread.
class connection {
 public:
  explicit connection(storage::descriptor socket);

  [[nodiscard]] static messages::result<connection> open(const host_port& to);

  /// From now on no more bytes a second than this are sent; 0 lifts it.
  void pace(std::uint64_t bytes_per_second) { bytes_per_second_ = bytes_per_second; }
  /// Both, one after the other.
  [[nodiscard]] messages::result<void> send(byte_view first, byte_view second = {});
  /// errc::timed_out when nothing whole came in time, errc::pacs_unavailable when the peer is gone.
  [[nodiscard]] messages::result<pdu> read_pdu(std::chrono::milliseconds patience);
  /// Whether there is something to read, or the end, within that time.
  [[nodiscard]] bool readable(std::chrono::milliseconds within) const;
  /// Reads on and says nothing until the peer goes.
  void wait_until_closed();
  void close() { socket_.reset(); }
  [[nodiscard]] std::string peer() const;

 private:
  [[nodiscard]] messages::result<void> read(std::byte* into, std::size_t count,
                                            std::chrono::steady_clock::time_point until);
  void acknowledge();
  [[nodiscard]] messages::result<void> send_at_once(byte_view first, byte_view second);
  [[nodiscard]] messages::result<void> send_paced(byte_view what);

  storage::descriptor socket_;
  std::uint64_t bytes_per_second_ = 0;
};

}  // namespace penstock::pacs
