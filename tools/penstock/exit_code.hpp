#pragma once
// What the program `penstock` says to the shell.

#include <array>
#include <string>
#include <string_view>

#include "messages/errc.hpp"

namespace penstock::commands {

enum class exit_code : int {
  ok = 0,
  failed = 1,
  usage = 2,
  not_everything_ok = 3,    ///< it finished, but some lines, requests or images are not what was hoped for
  verification_failed = 4,  ///< sealed data is altered, cut, foreign, or the key is wrong
  server_unreachable = 5,
  not_found_or_permitted = 6,
  interrupted = 7  ///< stopped by Ctrl-C or SIGTERM before the end; what was begun can go on
};

struct exit_meaning {
  exit_code code;
  std::string_view meaning;
};
/// The one place that says what they mean: help, manual page and README take it from here.
inline constexpr std::array exit_meanings{
    exit_meaning{exit_code::ok, "ok"},
    exit_meaning{exit_code::failed, "failed"},
    exit_meaning{exit_code::usage, "wrong usage or settings"},
    exit_meaning{exit_code::not_everything_ok, "finished, but not everything is ok"},
    exit_meaning{exit_code::verification_failed, "verification failed"},
    exit_meaning{exit_code::server_unreachable, "server unreachable"},
    exit_meaning{exit_code::not_found_or_permitted, "not found or not permitted"},
    exit_meaning{exit_code::interrupted, "interrupted, and can go on"}};

[[nodiscard]] exit_code exit_code_of(messages::errc code);

/// Shown below `penstock --help`.
[[nodiscard]] std::string exit_code_help();

}  // namespace penstock::commands
