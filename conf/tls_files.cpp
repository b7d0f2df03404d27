#include "conf/tls_files.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <memory>

#include "conf/text_file.hpp"

namespace penstock::conf {
namespace {

/// A list of all the CAs of the world is a tenth of this.
constexpr std::size_t most_pem_bytes = std::size_t{4} << 20;
/// As with the server's own key: the group may read it, and nobody else anything.
constexpr mode_t open_to_others = 0037;

template <auto release>
struct releaser {
  template <class T>
  void operator()(T* owned) const {
    release(owned);
  }
};
using memory_bio = std::unique_ptr<BIO, releaser<BIO_free_all>>;
using certificate_ptr = std::unique_ptr<X509, releaser<X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, releaser<EVP_PKEY_free>>;

/// The text of a PEM file, wiped when it is let go.
struct pem_text {
  std::string text;

  pem_text() = default;
  ~pem_text() { OPENSSL_cleanse(text.data(), text.size()); }
  pem_text(const pem_text&) = delete;
  pem_text& operator=(const pem_text&) = delete;
  [[nodiscard]] memory_bio stream() const { return memory_bio{BIO_new_mem_buf(text.data(), int(text.size()))}; }
};

/// "<file>: why", or nothing.
std::optional<std::string> read_pem(const std::filesystem::path& file, pem_text& into) {
  std::vector<fault> faults;
  auto text = read_text_file(file, most_pem_bytes, faults);
  if (!text) return faults.at(0).text();
  into.text.swap(*text);
  return std::nullopt;
}

/// There is nobody to ask for a password.
int no_password(char*, int, int, void*) { return -1; }

certificate_ptr first_certificate(const pem_text& pem) {
  const auto stream = pem.stream();
  return certificate_ptr{PEM_read_bio_X509(stream.get(), nullptr, no_password, nullptr)};
}

std::optional<std::string> check_key(const std::filesystem::path& file, const pem_text& pem, X509* certificate) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || (status.st_mode & open_to_others) != 0)
    return file.string() + ": this key is open to others; make it so: chmod 600";
  const auto stream = pem.stream();
  const key_ptr key{PEM_read_bio_PrivateKey(stream.get(), nullptr, no_password, nullptr)};
  if (!key) return file.string() + ": expected a private key in PEM, without a password";
  if (X509_check_private_key(certificate, key.get()) != 1) return file.string() + ": is not the key of the certificate";
  return std::nullopt;
}

std::optional<tls_fault> first_fault(const tls_files& files) {
  pem_text ca;
  pem_text certificate;
  pem_text key;
  if (auto problem = read_pem(files.ca, ca)) return tls_fault{"ca", *problem};
  if (!first_certificate(ca)) return tls_fault{"ca", files.ca.string() + ": expected certificates in PEM"};
  if (auto problem = read_pem(files.certificate, certificate)) return tls_fault{"certificate", *problem};
  const auto ours = first_certificate(certificate);
  if (!ours) return tls_fault{"certificate", files.certificate.string() + ": expected a certificate in PEM"};
  if (auto problem = read_pem(files.key, key)) return tls_fault{"key", *problem};
  if (auto problem = check_key(files.key, key, ours.get())) return tls_fault{"key", *problem};
  return std::nullopt;
}

}  // namespace

std::optional<tls_fault> check_tls_files(const tls_files& files) {
  auto found = first_fault(files);
  ERR_clear_error();
  return found;
}

}  // namespace penstock::conf
