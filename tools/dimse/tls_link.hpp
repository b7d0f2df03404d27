#pragma once
// TLS on a connected socket, without waiting: whoever holds it waits for what it wants and asks again. OpenSSL stays
// inside tls_context.cpp, tls_link.cpp and tls_words.cpp. TLS 1.2 and 1.3 as BCP 195 (RFC 9325) has them, both sides
// with a certificate, nothing renegotiated, compressed or resumed.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "messages/dimse.hpp"
#include "messages/result.hpp"

namespace penstock::dimse {

enum class tls_side : std::uint8_t { client, server };

class tls_link {
 public:
  enum class progress : std::uint8_t { done, waits, failed };

  /// Reads the files. As a client, the peer must have a certificate for `host`: a numeric address stands among its
  /// alternative names; a host name too, or it is its common name when there are no such alternative names, as in many
  /// a PACS's old certificate. errc::bad_configuration says which file cannot be used and why.
  static messages::result<std::unique_ptr<tls_link>> open(const messages::dimse_tls& files, tls_side side,
                                                          const std::string& host);
  ~tls_link();
  tls_link(const tls_link&) = delete;
  tls_link& operator=(const tls_link&) = delete;

  /// Once, before anything else; the socket stays the caller's, and becomes non-blocking.
  void attach(int socket);
  [[nodiscard]] progress shake_hands();
  /// As recv(2) and send(2) without waiting: -1 with EAGAIN when it would have to, with EPROTO when TLS has failed.
  [[nodiscard]] ssize_t read(void* into, std::size_t bytes);
  [[nodiscard]] ssize_t write(const void* from, std::size_t bytes);
  /// What to wait for after `waits` or EAGAIN, for poll(2).
  [[nodiscard]] short wanted() const;
  /// Tells the peer that nothing more comes, if that needs no waiting.
  void say_goodbye();

  /// Why it failed, in words; empty while it has not.
  [[nodiscard]] const std::string& problem() const;
  /// Whose certificate the peer has shown; for a log.
  [[nodiscard]] std::string peer_name() const;

 private:
  struct content;
  explicit tls_link(std::unique_ptr<content> held);

  std::unique_ptr<content> held_;
};

}  // namespace penstock::dimse
