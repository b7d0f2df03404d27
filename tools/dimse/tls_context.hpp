#pragma once
// What TLS is made of, for tls_link only.

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "messages/dimse.hpp"
#include "messages/result.hpp"
#include "tools/dimse/tls_link.hpp"

namespace penstock::dimse {

struct tls_release {
  void operator()(SSL_CTX* owned) const { SSL_CTX_free(owned); }
  void operator()(SSL* owned) const { SSL_free(owned); }
};
using tls_context = std::unique_ptr<SSL_CTX, tls_release>;
using tls_session = std::unique_ptr<SSL, tls_release>;

/// errc::bad_configuration when a file cannot be used, or our certificate is not valid today.
[[nodiscard]] messages::result<tls_context> make_tls_context(const messages::dimse_tls& files, tls_side side);

}  // namespace penstock::dimse
