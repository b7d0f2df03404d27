#include "tools/dimse/tls_words.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string_view>

namespace penstock::dimse {
namespace {

constexpr std::size_t longest_name = 200;

struct bio_release {
  void operator()(BIO* owned) const { BIO_free_all(owned); }
};
struct names_release {
  void operator()(GENERAL_NAMES* owned) const { GENERAL_NAMES_free(owned); }
};

std::string harmless(std::string_view text) {
  std::string out{text.substr(0, longest_name)};
  for (auto& c : out)
    if (c < ' ' || c > '~') c = '?';
  return out;
}

void add(std::string& list, const std::string& name) {
  if (list.size() < longest_name) list += (list.empty() ? "" : ", ") + name;
}

std::string address_of(const ASN1_OCTET_STRING* octets) {
  const auto* bytes = ASN1_STRING_get0_data(octets);
  if (ASN1_STRING_length(octets) != 4) return "an IPv6 address";
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
  return text.data();
}

/// The names that count for a host; its subject when there are none.
std::string names_of(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, names_release> names{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  std::string list;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* one = sk_GENERAL_NAME_value(names.get(), i);
    if (one->type == GEN_DNS)
      add(list, harmless({reinterpret_cast<const char*>(ASN1_STRING_get0_data(one->d.dNSName)),
                          static_cast<std::size_t>(ASN1_STRING_length(one->d.dNSName))}));
    if (one->type == GEN_IPADD) add(list, address_of(one->d.iPAddress));
  }
  return list.empty() ? subject_of(certificate) + ", which has no alternative names" : list;
}

/// What the peer says of us, RFC 8446 section 6.
std::string words_for_alert(int reason) {
  switch (reason) {
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return "the peer does not trust our certificate: it does not know who vouches for it";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return "the peer does not trust our certificate: it takes it for expired";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
      return "the peer does not accept our certificate";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "the peer has got no certificate of ours";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
      return "the peer has no version or cipher in common with us (TLS 1.2 or 1.3, BCP 195)";
    default:
      return {};
  }
}

std::string words_for_reason(int reason) {
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_UNEXPECTED_MESSAGE:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_RECORD_LENGTH_MISMATCH:
      return "the peer speaks no TLS";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
      return "the peer has no version or cipher in common with us (TLS 1.2 or 1.3, BCP 195)";
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return "the peer shows no certificate";
    default:
      return words_for_alert(reason);
  }
}

}  // namespace

std::string text_of(const ASN1_TIME* time) {
  std::tm parts{};
  std::array<char, 32> text{};
  if (ASN1_TIME_to_tm(time, &parts) != 1 ||
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
    return "an unreadable date";
  return text.data();
}

std::string subject_of(const X509* certificate) {
  if (certificate == nullptr) return "nobody";
  const std::unique_ptr<BIO, bio_release> stream{BIO_new(BIO_s_mem())};
  X509_NAME_print_ex(stream.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const auto length = BIO_get_mem_data(stream.get(), &text);
  return length > 0 ? harmless({text, static_cast<std::size_t>(length)}) : "nobody";
}

std::string words_for(X509_STORE_CTX* verification, const std::string& wanted, const std::string& ca) {
  const int error = X509_STORE_CTX_get_error(verification);
  const auto* certificate = X509_STORE_CTX_get_current_cert(verification);
  const bool own = X509_STORE_CTX_get_error_depth(verification) == 0;
  const auto whose =
      (own ? "the peer's certificate (" : "a certificate above the peer's (") + subject_of(certificate) + ")";
  switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the peer's certificate is for " + names_of(certificate) + ", not for " + wanted;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return whose + " has expired on " + text_of(X509_get0_notAfter(certificate));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return whose + " is not valid before " + text_of(X509_get0_notBefore(certificate));
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return whose + " is not vouched for by " + ca;
    default:
      return whose + " is not trusted: " + X509_verify_cert_error_string(error);
  }
}

std::string newest_reason() {
  const auto* text = ERR_reason_error_string(ERR_peek_last_error());
  return text == nullptr ? "no reason is known" : text;
}

std::string words_for_failure() {
  const auto error = ERR_peek_last_error();
  auto words = ERR_GET_LIB(error) == ERR_LIB_SSL ? words_for_reason(ERR_GET_REASON(error)) : std::string{};
  if (words.empty()) words = "it has failed: " + newest_reason();
  ERR_clear_error();
  return words;
}

}  // namespace penstock::dimse
