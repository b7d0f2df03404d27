#pragma once
// The TCP connection below DCMTK: buffered, without Nagle's delay, and with deadlines on every byte; in TLS or in the
// clear.

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/dcmlayer.h>
#include <dcmtk/dcmnet/dcmtrans.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "tools/dimse/session.hpp"
#include "tools/dimse/tls_link.hpp"

namespace penstock::dimse {

/// DCMTK's own time-outs restart with each PDU and cover only PDU headers, so that a peer which sends a byte a second
/// lives for ever; here the session's `idle` and `deadline` rule. Nagle's algorithm and delayed acknowledgements
/// together cost 40 ms a response: TCP_NODELAY cures our side; TCP_QUICKACK, before each wait for more of what was not
/// answered yet, a peer that leaves Nagle on. The handshake of TLS, which DCMTK asks for before anything else, keeps to
/// the deadlines too.
class peer_connection final : public DcmTCPConnection {
 public:
  /// Without `tls`, in the clear.
  peer_connection(session& owner, DcmNativeSocketType socket, std::unique_ptr<tls_link> tls);
  ~peer_connection() override;

  OFCondition clientSideHandshake() override { return shake_hands(); }
  OFCondition serverSideHandshake() override { return shake_hands(); }
  void close() override;
  ssize_t read(void* into, size_t bytes) override;
  ssize_t write(void* from, size_t bytes) override;
  OFBool networkDataAvailable(int timeout_s) override;
  /// We buffer: a select on the socket would miss what is here.
  OFBool isTransparentConnection() override { return OFFalse; }

  /// Waits until the peer has sent something, `until` passes or, with `heed_messages`, the parent says something.
  [[nodiscard]] wake wait_for_peer(steady::time_point until, bool heed_messages);
  /// Whose certificate the peer has shown; empty in the clear.
  [[nodiscard]] std::string certificate() const { return tls_ ? tls_->peer_name() : std::string{}; }

 private:
  OFCondition shake_hands();
  [[nodiscard]] wake wait_for_tls(steady::time_point until, bool heed_messages);
  [[nodiscard]] bool buffered() const { return begin_ < end_; }
  [[nodiscard]] ssize_t fill();
  /// What is there, without waiting.
  ssize_t receive();
  ssize_t send(const std::byte* from, std::size_t bytes, int flags);
  void acknowledge();
  [[nodiscard]] bool may_go_on(short events);
  [[nodiscard]] bool is_late();

  session& owner_;
  const std::unique_ptr<tls_link> tls_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool unacknowledged_ = true;
};

/// Gives DCMTK our connections, and us the one that it made.
class peer_layer final : public DcmTransportLayer {
 public:
  explicit peer_layer(session& owner) : owner_(owner) {}
  /// The next connection runs in this.
  void secure_next(std::unique_ptr<tls_link> tls) { tls_ = std::move(tls); }
  DcmTransportConnection* createConnection(DcmNativeSocketType socket, OFBool secure) override;
  /// Owned by DCMTK's association; null before there was one.
  [[nodiscard]] peer_connection* connection() const { return connection_; }

 private:
  session& owner_;
  std::unique_ptr<tls_link> tls_;
  peer_connection* connection_ = nullptr;
};

}  // namespace penstock::dimse
