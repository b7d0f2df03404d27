#include "tools/dimse/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "conf/tls_files.hpp"
#include "tools/dimse/tls_words.hpp"

namespace penstock::dimse {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

/// BCP 195, RFC 9325 section 4.2: forward secrecy and authenticated encryption. Those of TLS 1.3 all are.
constexpr const char* ciphers_of_tls_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK";
/// No RSA below 2,048 bits, no SHA-1.
constexpr int security_level = 2;
constexpr std::size_t read_ahead_bytes = std::size_t{64} << 10;

messages::failure misconfigured(const std::string& words) {
  ERR_clear_error();
  return fail(errc::bad_configuration, words);
}

bool set_profile(SSL_CTX* context) {
  SSL_CTX_set_security_level(context, security_level);
  // A peer that closes without a word is common, and DICOM has its own end: a cut object is noticed there.
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, read_ahead_bytes);
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, ciphers_of_tls_1_2) == 1;
}

/// The CA file may also hold the very certificate of a PACS.
bool trust(SSL_CTX* context, const std::string& file, tls_side side) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  X509_STORE_set_flags(SSL_CTX_get_cert_store(context), X509_V_FLAG_PARTIAL_CHAIN);
  if (SSL_CTX_load_verify_file(context, file.c_str()) != 1) return false;
  if (side == tls_side::server) SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(file.c_str()));
  return true;
}

/// Empty when it is valid today.
std::string dated(const X509* certificate) {
  const auto* from = X509_get0_notBefore(certificate);
  const auto* until = X509_get0_notAfter(certificate);
  if (X509_cmp_current_time(from) > 0) return "is not valid before " + text_of(from);
  if (X509_cmp_current_time(until) < 0) return "has expired on " + text_of(until);
  return {};
}

}  // namespace

result<tls_context> make_tls_context(const messages::dimse_tls& files, tls_side side) {
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  if (const auto problem = conf::check_tls_files({files.ca, files.certificate, files.key}))
    return misconfigured("our " + problem->key + " cannot be used: " + problem->problem);
  tls_context context{SSL_CTX_new(side == tls_side::client ? TLS_client_method() : TLS_server_method())};
  if (!context || !set_profile(context.get())) return misconfigured("OpenSSL cannot be set up");
  if (!trust(context.get(), files.ca, side)) return misconfigured("our ca cannot be used: " + files.ca);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1)
    return misconfigured("our certificate cannot be used: " + files.certificate + ": " + newest_reason());
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return misconfigured("our key cannot be used: " + files.key + ": " + newest_reason());
  if (const auto problem = dated(SSL_CTX_get0_certificate(context.get())); !problem.empty())
    return misconfigured("our certificate " + problem + ": " + files.certificate);
  return context;
}

}  // namespace penstock::dimse
