#include "tools/dimse/tls_link.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "tools/dimse/tls_context.hpp"
#include "tools/dimse/tls_words.hpp"

namespace penstock::dimse {

using messages::errc;
using messages::fail;
using messages::result;

struct tls_link::content {
  tls_context context;
  tls_session session;
  tls_side side;
  std::string wanted_name;
  std::string ca;
  std::string untrusted;  ///< why the peer's certificate is not
  std::string problem;
  short wanted = POLLIN;
  bool established = false;

  static int on_verified(int good, X509_STORE_CTX* verification);
  ssize_t judge(int returned);
  void fail_with(const std::string& words) { problem = untrusted.empty() ? words : untrusted; }
};

/// OpenSSL tells details of a certificate only here, and of the first fault first.
int tls_link::content::on_verified(int good, X509_STORE_CTX* verification) {
  auto* session = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* self = static_cast<content*>(SSL_get_app_data(session));
  if (good == 0 && self->untrusted.empty()) self->untrusted = words_for(verification, self->wanted_name, self->ca);
  return good;
}

/// Turns what an SSL_ function returned into what recv(2) would: with `errno`.
ssize_t tls_link::content::judge(int returned) {
  const int number = errno;
  switch (SSL_get_error(session.get(), returned)) {
    case SSL_ERROR_NONE:
      return returned;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      wanted = SSL_want_write(session.get()) ? POLLOUT : POLLIN;
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      if (!established) fail_with("the peer ended the connection in the handshake; it may speak no TLS");
      return 0;
    case SSL_ERROR_SYSCALL:
      if (!established) fail_with("the peer cut the connection in the handshake; it may speak no TLS");
      ERR_clear_error();
      errno = number == 0 ? ECONNRESET : number;
      return -1;
    default:
      fail_with(words_for_failure());
      errno = EPROTO;
      return -1;
  }
}

namespace {

/// Whether it is a numeric address, which is compared with other fields than a name.
bool expect_host(SSL* session, const std::string& host) {
  auto* parameters = SSL_get0_param(session);
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1) return true;
  ERR_clear_error();
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size()) == 1 &&
         SSL_set_tlsext_host_name(session, host.c_str()) == 1;
}

int most_at_once(std::size_t bytes) {
  return static_cast<int>(std::min<std::size_t>(bytes, std::numeric_limits<int>::max()));
}

}  // namespace

tls_link::tls_link(std::unique_ptr<content> held) : held_(std::move(held)) {}
tls_link::~tls_link() = default;

result<std::unique_ptr<tls_link>> tls_link::open(const messages::dimse_tls& files, tls_side side,
                                                 const std::string& host) {
  auto context = make_tls_context(files, side);
  if (!context) return context.error();
  auto held = std::make_unique<content>();
  held->context = std::move(*context);
  held->side = side;
  held->wanted_name = host;
  held->ca = files.ca;
  held->session.reset(SSL_new(held->context.get()));
  auto* session = held->session.get();
  if (session == nullptr || (side == tls_side::client && !expect_host(session, host)))
    return fail(errc::bad_configuration, "the name \"" + host + "\" cannot be looked for in a certificate");
  SSL_set_app_data(session, held.get());
  SSL_set_verify(session, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, &content::on_verified);
  return std::unique_ptr<tls_link>{new tls_link{std::move(held)}};
}

void tls_link::attach(int socket) {
  ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
  SSL_set_fd(held_->session.get(), socket);
  if (held_->side == tls_side::client)
    SSL_set_connect_state(held_->session.get());
  else
    SSL_set_accept_state(held_->session.get());
}

tls_link::progress tls_link::shake_hands() {
  ERR_clear_error();
  errno = 0;
  const auto went = held_->judge(SSL_do_handshake(held_->session.get()));
  if (went < 0 && errno == EAGAIN) return progress::waits;
  held_->established = went > 0;
  return went > 0 ? progress::done : progress::failed;
}

ssize_t tls_link::read(void* into, std::size_t bytes) {
  std::size_t got = 0;
  while (got < bytes) {
    if (!held_->problem.empty()) return errno = EPROTO, -1;
    ERR_clear_error();
    errno = 0;
    const auto count =
        held_->judge(SSL_read(held_->session.get(), static_cast<std::byte*>(into) + got, most_at_once(bytes - got)));
    if (count <= 0) return got > 0 ? static_cast<ssize_t>(got) : count;
    got += static_cast<std::size_t>(count);
  }
  return static_cast<ssize_t>(got);
}

ssize_t tls_link::write(const void* from, std::size_t bytes) {
  if (!held_->problem.empty()) return errno = EPROTO, -1;
  ERR_clear_error();
  errno = 0;
  const auto count = held_->judge(SSL_write(held_->session.get(), from, most_at_once(bytes)));
  if (count == 0) errno = EPIPE;
  return count == 0 ? -1 : count;
}

short tls_link::wanted() const { return held_->wanted; }

void tls_link::say_goodbye() {
  if (!held_->established || !held_->problem.empty()) return;
  ERR_clear_error();
  SSL_shutdown(held_->session.get());
  ERR_clear_error();
}

const std::string& tls_link::problem() const { return held_->problem; }

std::string tls_link::peer_name() const { return subject_of(SSL_get0_peer_certificate(held_->session.get())); }

}  // namespace penstock::dimse
