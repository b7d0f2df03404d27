#pragma once
// What the administrator of the machine decides: `penstockd.toml`, read once at start. Whom the server may ask for what
// is not here but in the rules file (rules.hpp). The defaults below are those of conf/penstockd.toml; a test compares.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "conf/fault.hpp"
#include "conf/tls_files.hpp"

namespace penstock::conf {

/// A settings file is never longer.
inline constexpr std::size_t max_settings_bytes = 1 << 20;
inline constexpr std::uint32_t max_cache_shards = 64;

/// A numeric address or host name, and a TCP port.
struct tcp_address {
  std::string host;
  std::uint16_t port = 0;

  bool operator==(const tcp_address&) const = default;
};

/// The DICOM application entity that PACS send to.
struct dicom_settings {
  std::string ae_title = "PENSTOCK";       ///< 1 to 16 characters (PS3.5 section 6.2, AE)
  std::string bind_address = "127.0.0.1";  ///< address to listen on; "0.0.0.0" for all
  std::uint16_t port = 11112;
  std::optional<tls_files> tls{};  ///< for PACS that send to us over TLS, on the same port; none = no TLS

  bool operator==(const dicom_settings&) const = default;
};

struct log_settings {
  std::string level = "info";    ///< trace, debug, info, warning, error
  std::filesystem::path file{};  ///< empty = standard error ("stderr" in the file)

  bool operator==(const log_settings&) const = default;
};

/// Named limits of the server as a whole. Each is at least 1.
struct limit_settings {
  std::uint32_t max_sessions = 256;  ///< control connections that said hello
  std::uint32_t max_sessions_per_user = 16;
  std::uint32_t max_subscriptions_per_session = 64;
  std::uint32_t max_events_per_topic = 10'000;  ///< kept in memory; older ones are read from the journal
  std::uint32_t max_downloads = 64;             ///< open at once
  std::uint32_t max_inbound_associations = 64;  ///< DICOM, all peers
  std::uint32_t max_inbound_associations_per_peer = 16;
  std::uint64_t child_memory_bytes = 1ULL << 30;    ///< address space of one penstock-dimse
  std::uint64_t min_free_disk_bytes = 1ULL << 30;   ///< nothing is retrieved with less room than this
  std::chrono::milliseconds drain_timeout{20'000};  ///< from SIGTERM until what has not ended is cut off

  bool operator==(const limit_settings&) const = default;
};

struct backup_settings {
  std::filesystem::path directory{};  ///< empty = none are made
  std::uint32_t keep = 7;             ///< older ones are removed

  bool operator==(const backup_settings&) const = default;
};

struct settings {
  std::string site_name = "Penstock";                           ///< shown to people
  std::string site_origin = "penstock.local/journal";           ///< first line of the journal's checkpoints
  std::filesystem::path state_directory = "/var/lib/penstock";  ///< all that survives
  std::filesystem::path rules_file = "/etc/penstock/governance.toml";
  std::filesystem::path server_key_file = "/etc/penstock/server.key";  ///< CURVE secret key, Z85, one line
  std::filesystem::path programs_directory{};                          ///< empty = where penstockd itself lies
  std::uint32_t cache_shards = 2;
  std::string control_endpoint = "tcp://127.0.0.1:7070";
  std::string data_endpoint = "tcp://127.0.0.1:7071";
  std::string data_endpoint_public{};  ///< what clients are told; empty = data_endpoint
  tcp_address http_endpoint{"127.0.0.1", 7080};
  dicom_settings dicom;
  log_settings log;
  backup_settings backup;
  limit_settings limits;

  [[nodiscard]] const std::string& advertised_data_endpoint() const {
    return data_endpoint_public.empty() ? data_endpoint : data_endpoint_public;
  }
  bool operator==(const settings&) const = default;
};

/// Reads `file` whole: syntax, unknown keys, types, ranges and units are all checked and all faults are given at once.
/// Relative paths are relative to the directory of `file`. Nothing that the settings name is opened or created here.
[[nodiscard]] loaded<settings> load_settings(const std::filesystem::path& file);

/// The same from memory; `name` stands in the faults and decides what relative paths are relative to.
[[nodiscard]] loaded<settings> parse_settings(std::string_view toml, const std::filesystem::path& name);

}  // namespace penstock::conf
