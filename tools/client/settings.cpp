#include "tools/client/settings.hpp"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tools/client/local_file.hpp"
#include "tools/client/user_key.hpp"

namespace penstock::client {
namespace {

using messages::errc;
using messages::fail;

constexpr std::size_t longest_settings_bytes = 64 * 1024;

void fill(std::string& value, const std::string& fallback) {
  if (value.empty()) value = fallback;
}

result<settings> read_settings_file(const std::filesystem::path& path, bool required) {
  auto content = read_small_file(path, longest_settings_bytes);
  if (!content) {
    if (content.error().code == errc::not_found && !required) return settings{};
    return content.error();
  }
  const auto parsed = nlohmann::json::parse(*content, nullptr, false);
  if (!parsed.is_object()) return fail(errc::bad_configuration, path.string() + " is not a JSON object");
  settings found;
  const std::pair<const char*, std::string*> members[] = {{"server", &found.server},
                                                          {"server_key", &found.server_key},
                                                          {"project", &found.project},
                                                          {"key_file", &found.key_file},
                                                          {"download_folder", &found.download_folder}};
  for (const auto& [name, value] : members) {
    const auto member = parsed.find(name);
    if (member == parsed.end()) continue;
    if (!member->is_string()) return fail(errc::bad_configuration, path.string() + ": \"" + name + "\" must be a text");
    *value = member->get<std::string>();
  }
  return found;
}

}  // namespace

environment process_environment() {
  return [](const char* name) {
    const char* value = std::getenv(name);
    return std::string{value == nullptr ? "" : value};
  };
}

std::filesystem::path settings_directory(const environment& env) {
  if (const auto base = env("XDG_CONFIG_HOME"); !base.empty()) return std::filesystem::path{base} / "penstock";
  return std::filesystem::path{env("HOME")} / ".config" / "penstock";
}

result<settings> resolve_settings(settings flags, const environment& env) {
  const auto named = env("PENSTOCK_CONFIG");
  const auto directory = settings_directory(env);
  auto file =
      read_settings_file(named.empty() ? directory / "config.json" : std::filesystem::path{named}, !named.empty());
  if (!file) return file.error();
  fill(flags.server, env("PENSTOCK_SERVER"));
  fill(flags.server_key, env("PENSTOCK_SERVER_KEY"));
  fill(flags.project, env("PENSTOCK_PROJECT"));
  fill(flags.key_file, env("PENSTOCK_KEY"));
  fill(flags.server, file->server);
  fill(flags.server_key, file->server_key);
  fill(flags.project, file->project);
  fill(flags.key_file, file->key_file);
  fill(flags.key_file, (directory / "key").string());
  fill(flags.download_folder, env("PENSTOCK_DOWNLOADS"));
  fill(flags.download_folder, file->download_folder);
  fill(flags.download_folder, (std::filesystem::path{env("HOME")} / "penstock").string());
  return flags;
}

result<void> check_settings(const settings& chosen) {
  constexpr auto how =
      "; give --server and --server-key, set PENSTOCK_SERVER and PENSTOCK_SERVER_KEY, or write them into "
      "~/.config/penstock/config.json";
  if (chosen.server.empty()) return fail(errc::bad_configuration, std::string{"no server is named"} + how);
  if (!chosen.server.starts_with("tcp://") || chosen.server.find(':', 6) == std::string::npos)
    return fail(errc::bad_configuration,
                "the server address '" + chosen.server + "' is not of the form tcp://host:port");
  if (chosen.server_key.empty()) return fail(errc::bad_configuration, std::string{"no server key is named"} + how);
  if (!is_curve_key(chosen.server_key))
    return fail(errc::bad_configuration, "the server key is not 40 characters of Z85; ask the administrator for it");
  return {};
}

}  // namespace penstock::client
