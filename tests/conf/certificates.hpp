#pragma once
// Keys, and certificates that vouch for themselves, made in memory.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace penstock::test {

struct pem_pair {
  std::string certificate;
  std::string key;
};

inline std::string text_in(BIO* stream) {
  char* text = nullptr;
  const auto length = BIO_get_mem_data(stream, &text);
  return {text, static_cast<std::size_t>(length)};
}

/// Valid until so many seconds from now. With a `password`, the key is of use to nobody here.
inline pem_pair make_certificate(long valid_s = 3'600, const char* password = nullptr) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"), EVP_PKEY_free};
  const std::unique_ptr<X509, decltype(&X509_free)> made{X509_new(), X509_free};
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -7'200);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), valid_s);
  X509_set_pubkey(made.get(), key.get());
  X509_sign(made.get(), key.get(), EVP_sha256());
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> first{BIO_new(BIO_s_mem()), BIO_free_all};
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> second{BIO_new(BIO_s_mem()), BIO_free_all};
  PEM_write_bio_X509(first.get(), made.get());
  PEM_write_bio_PKCS8PrivateKey(second.get(), key.get(), password == nullptr ? nullptr : EVP_aes_128_cbc(), password,
                                password == nullptr ? 0 : static_cast<int>(std::string{password}.size()), nullptr,
                                nullptr);
  return {text_in(first.get()), text_in(second.get())};
}

}  // namespace penstock::test
