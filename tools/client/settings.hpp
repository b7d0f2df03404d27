#pragma once
// Where the server is and who asks: flags win over the environment, the environment over the settings file.
//
// ~/.config/penstock/config.json (or $PENSTOCK_CONFIG): {"server": "tcp://host:port", "server_key": "Z85",
// "project": "id", "key_file": "path of the user's key", "download_folder": "where the console
// keeps downloads"}; every member may be absent, unknown ones are ignored.
// Environment: PENSTOCK_SERVER, PENSTOCK_SERVER_KEY, PENSTOCK_PROJECT, PENSTOCK_KEY (a path), PENSTOCK_DOWNLOADS
// (a path), PENSTOCK_CONFIG.

#include <filesystem>
#include <functional>
#include <string>

#include "messages/result.hpp"

namespace penstock::client {

using messages::result;

struct settings {
  std::string server;
  std::string server_key;
  std::string project;
  std::string key_file;
  std::string download_folder{};
};

/// The value of an environment variable, empty when it is not set.
using environment = std::function<std::string(const char* name)>;
[[nodiscard]] environment process_environment();

/// $XDG_CONFIG_HOME/penstock or ~/.config/penstock.
[[nodiscard]] std::filesystem::path settings_directory(const environment& env);

/// Fills what `flags` leaves empty. errc::bad_configuration names the file and what is wrong in it; a settings file
/// that is not there is an error only when PENSTOCK_CONFIG names it.
[[nodiscard]] result<settings> resolve_settings(settings flags, const environment& env);

/// errc::bad_configuration with what to do when server or server key are missing or malformed.
[[nodiscard]] result<void> check_settings(const settings& chosen);

}  // namespace penstock::client
