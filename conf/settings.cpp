#include "conf/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "conf/text_file.hpp"
#include "conf/toml_reader.hpp"

namespace penstock::conf {
namespace {

using namespace std::chrono_literals;
constexpr std::array<std::string_view, 5> log_levels{"trace", "debug", "info", "warning", "error"};
constexpr std::size_t longest_ae_title = 16;
constexpr std::uint32_t most_backups = 1000;
constexpr std::uint32_t most_of_anything = 1'000'000;

template <class T>
void assign(T& into, std::optional<T> value) {
  if (value) into = std::move(*value);
}

/// "HOST:PORT"; an IPv6 address stands in brackets, which stay.
std::optional<tcp_address> parse_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const auto host = text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  if (host.find(':') != std::string_view::npos && (host.front() != '[' || host.back() != ']')) return std::nullopt;
  if (host.find_first_of(" /") != std::string_view::npos) return std::nullopt;
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (problem != std::errc{} || end != digits.data() + digits.size() || port == 0) return std::nullopt;
  return tcp_address{std::string{host}, port};
}

bool is_endpoint(std::string_view text) {
  constexpr std::string_view scheme = "tcp://";
  return text.starts_with(scheme) && parse_address(text.substr(scheme.size()));
}

void read_endpoint(section& from, std::string_view key, std::string& into) {
  const auto value = from.text(key, presence::optional);
  if (!value) return;
  if (is_endpoint(*value))
    into = *value;
  else
    from.fault_at(key, "expected tcp://HOST:PORT with a port from 1 to 65535");
}

void read_path(section& from, std::string_view key, const std::filesystem::path& file, std::filesystem::path& into) {
  if (const auto value = from.text(key, presence::optional, 4000)) into = beside(file, *value);
}

void read_endpoints(section& top, settings& into) {
  read_endpoint(top, "control_endpoint", into.control_endpoint);
  read_endpoint(top, "data_endpoint", into.data_endpoint);
  if (const auto value = top.any_text("data_endpoint_public", presence::optional); value && !value->empty())
    read_endpoint(top, "data_endpoint_public", into.data_endpoint_public);
  if (const auto value = top.text("http_endpoint", presence::optional)) {
    if (auto address = parse_address(*value))
      into.http_endpoint = std::move(*address);
    else
      top.fault_at("http_endpoint", "expected HOST:PORT with a port from 1 to 65535");
  }
}

void read_site(section& top, settings& into) {
  auto site = top.table("site");
  if (!site) return;
  assign(into.site_name, site->text("name", presence::optional));
  if (auto origin = site->text("origin", presence::optional)) {
    if (origin->find_first_of(" +") == std::string::npos)
      into.site_origin = std::move(*origin);
    else
      site->fault_at("origin", "expected a name without space or plus sign, such as penstock.hospital.example/journal");
  }
  site->refuse_unknown_keys();
}

void read_dicom(section& top, const std::filesystem::path& file, dicom_settings& into) {
  auto dicom = top.table("dicom");
  if (!dicom) return;
  if (auto title = dicom->text("ae_title", presence::optional, longest_ae_title)) {
    if (title->find('\\') == std::string::npos && title->front() != ' ' && title->back() != ' ')
      into.ae_title = std::move(*title);
    else
      dicom->fault_at("ae_title", "expected 1 to 16 characters without backslash or outer space");
  }
  assign(into.bind_address, dicom->text("bind_address", presence::optional));
  if (const auto port = dicom->number("port", presence::optional, 1, 65535))
    into.port = static_cast<std::uint16_t>(*port);
  read_tls(*dicom, file, false, into.tls);
  dicom->refuse_unknown_keys();
}

void read_log(section& top, const std::filesystem::path& file, log_settings& into) {
  auto log = top.table("log");
  if (!log) return;
  if (auto level = log->text("level", presence::optional)) {
    if (std::find(log_levels.begin(), log_levels.end(), *level) != log_levels.end())
      into.level = std::move(*level);
    else
      log->fault_at("level", "expected trace, debug, info, warning or error");
  }
  if (const auto target = log->text("file", presence::optional, 4000))
    into.file = *target == "stderr" ? std::filesystem::path{} : beside(file, *target);
  log->refuse_unknown_keys();
}

void read_backup(section& top, const std::filesystem::path& file, backup_settings& into) {
  auto backup = top.table("backup");
  if (!backup) return;
  if (const auto value = backup->any_text("directory", presence::optional, 4000); value && !value->empty())
    into.directory = beside(file, *value);
  assign(into.keep, backup->number("keep", presence::optional, 1, most_backups));
  backup->refuse_unknown_keys();
}

void read_limits(section& top, limit_settings& into) {
  auto limits = top.table("limits");
  if (!limits) return;
  const auto count = [&](std::string_view key, std::uint32_t& target) {
    assign(target, limits->number(key, presence::optional, 1, most_of_anything));
  };
  count("max_sessions", into.max_sessions);
  count("max_sessions_per_user", into.max_sessions_per_user);
  count("max_subscriptions_per_session", into.max_subscriptions_per_session);
  count("max_events_per_topic", into.max_events_per_topic);
  count("max_downloads", into.max_downloads);
  count("max_inbound_associations", into.max_inbound_associations);
  count("max_inbound_associations_per_peer", into.max_inbound_associations_per_peer);
  assign(into.child_memory_bytes, limits->size("child_memory", presence::optional, 64ULL << 20));
  assign(into.min_free_disk_bytes, limits->size("min_free_disk", presence::optional, 1));
  assign(into.drain_timeout, limits->duration("drain_timeout", presence::optional, 1s, 1h));
  limits->refuse_unknown_keys();
}

}  // namespace

loaded<settings> parse_settings(std::string_view toml, const std::filesystem::path& name) {
  loaded<settings> result;
  auto top = section::parse(toml, name.string(), result.faults);
  if (!top) return result;
  auto& into = result.value;
  (void)top->number("version", presence::required, 1, 1);
  read_path(*top, "state_directory", name, into.state_directory);
  read_path(*top, "rules_file", name, into.rules_file);
  read_path(*top, "server_key_file", name, into.server_key_file);
  if (const auto value = top->any_text("programs_directory", presence::optional, 4000); value && !value->empty())
    into.programs_directory = beside(name, *value);
  assign(into.cache_shards, top->number("cache_shards", presence::optional, 1, max_cache_shards));
  read_endpoints(*top, into);
  read_site(*top, into);
  read_dicom(*top, name, into.dicom);
  read_log(*top, name, into.log);
  read_backup(*top, name, into.backup);
  read_limits(*top, into.limits);
  top->refuse_unknown_keys();
  sort_faults(result.faults, name.string());
  return result;
}

loaded<settings> load_settings(const std::filesystem::path& file) {
  loaded<settings> result;
  const auto text = read_text_file(file, max_settings_bytes, result.faults);
  return text ? parse_settings(*text, file) : result;
}

}  // namespace penstock::conf
