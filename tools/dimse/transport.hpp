#pragma once
// The TCP connection below DCMTK: buffered, without Nagle's delay, and with deadlines on every byte.

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/dcmlayer.h>
#include <dcmtk/dcmnet/dcmtrans.h>

#include <cstddef>
#include <vector>

#include "tools/dimse/session.hpp"

namespace penstock::dimse {

/// DCMTK's own time-outs restart with each PDU and cover only PDU headers, so that a peer which sends a byte a second
/// lives for ever; here the session's `idle` and `deadline` rule. Nagle's algorithm and delayed acknowledgements
/// together cost 40 ms a response: TCP_NODELAY cures our side; TCP_QUICKACK, before each wait for more of what was not
/// answered yet, a peer that leaves Nagle on.
class peer_connection final : public DcmTCPConnection {
 public:
  peer_connection(session& owner, DcmNativeSocketType socket);

  ssize_t read(void* into, size_t bytes) override;
  ssize_t write(void* from, size_t bytes) override;
  OFBool networkDataAvailable(int timeout_s) override;
  /// We buffer: a select on the socket would miss what is here.
  OFBool isTransparentConnection() override { return OFFalse; }

  /// Waits until the peer has sent something, `until` passes or, with `heed_messages`, the parent says something.
  [[nodiscard]] wake wait_for_peer(steady::time_point until, bool heed_messages);

 private:
  [[nodiscard]] bool buffered() const { return begin_ < end_; }
  [[nodiscard]] ssize_t fill();
  /// What is there, without waiting.
  ssize_t receive();
  void acknowledge();
  [[nodiscard]] bool may_go_on(short events);

  session& owner_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool unacknowledged_ = true;
};

/// Gives DCMTK our connections, and us the one that it made.
class peer_layer final : public DcmTransportLayer {
 public:
  explicit peer_layer(session& owner) : owner_(owner) {}
  DcmTransportConnection* createConnection(DcmNativeSocketType socket, OFBool secure) override;
  /// Owned by DCMTK's association; null before there was one.
  [[nodiscard]] peer_connection* connection() const { return connection_; }

 private:
  session& owner_;
  peer_connection* connection_ = nullptr;
};

}  // namespace penstock::dimse
