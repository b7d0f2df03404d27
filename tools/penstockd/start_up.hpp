#pragma once
// What penstockd reads before anything runs: settings, rules, its own key; and where it logs to.

#include <filesystem>
#include <string>

#include "conf/rules.hpp"
#include "conf/settings.hpp"
#include "messages/result.hpp"

namespace penstock::server {

struct start_up {
  conf::settings settings;
  conf::rules_ptr rules;
  std::string server_secret_key;  ///< Z85
  bool accept_rollback = false;   ///< take a journal that is behind its fence as it is
};

/// errc::bad_configuration with every fault of the files, one a line ("file:line:column: what was expected").
[[nodiscard]] messages::result<start_up> read_start_up(const std::filesystem::path& config);

/// errc::bad_configuration when the log file cannot be opened.
[[nodiscard]] messages::result<void> open_log(const conf::log_settings& log);

/// Goes on in a new file of the same name, after the old one was moved away.
[[nodiscard]] messages::result<void> reopen_log(const conf::log_settings& log);

/// Where penstockd itself lies, for programs_directory.
[[nodiscard]] std::filesystem::path own_directory();

}  // namespace penstock::server
