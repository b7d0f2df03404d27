#pragma once
// The certificates that TLS with PACS needs: three PEM files. They are named in the rules for each PACS that we call,
// and in the settings for PACS that call us. What is in them is read anew for each association, so a renewed
// certificate counts at once.

#include <filesystem>
#include <optional>
#include <string>

namespace penstock::conf {

class section;

struct tls_files {
  std::filesystem::path ca;           ///< one or more certificates; who has one that they vouch for is believed
  std::filesystem::path certificate;  ///< ours, then those between it and its CA
  std::filesystem::path key;          ///< of `certificate`, without a password
  std::string name{};                 ///< that the certificate of a PACS bears; empty: its host

  bool operator==(const tls_files&) const = default;
};

struct tls_fault {
  std::string key;      ///< "ca", "certificate" or "key"
  std::string problem;  ///< names the file; nothing of what is in it
};

/// The first reason why these files cannot be used: missing, unreadable, no PEM of the right kind, a key that is open
/// to others or belongs to another certificate. Nothing about dates: files that were sound stay sound until they
/// change.
[[nodiscard]] std::optional<tls_fault> check_tls_files(const tls_files& files);

/// Reads `tls = { ca, certificate, key }` of `from`, when there is one, and checks the files; with `may_name`, `name`
/// too. Faults point at the path that is wrong.
void read_tls(section& from, const std::filesystem::path& file, bool may_name, std::optional<tls_files>& into);

}  // namespace penstock::conf
