#pragma once
// What OpenSSL says, in plain words. A peer chooses the names in its certificate: they are cut and made printable.

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include <string>

namespace penstock::dimse {

/// "2031-02-03 04:05:06 UTC".
[[nodiscard]] std::string text_of(const ASN1_TIME* time);

/// The subject of a certificate, "CN=pacs.example,O=Hospital".
[[nodiscard]] std::string subject_of(const X509* certificate);

/// Why this certificate of the peer is not trusted. `wanted` is the name that it had to bear, `ca` the file that
/// vouches.
[[nodiscard]] std::string words_for(X509_STORE_CTX* verification, const std::string& wanted, const std::string& ca);

/// Why TLS has failed by the newest error in OpenSSL's queue, which is emptied.
[[nodiscard]] std::string words_for_failure();

/// OpenSSL's own words for that error, which stays.
[[nodiscard]] std::string newest_reason();

}  // namespace penstock::dimse
