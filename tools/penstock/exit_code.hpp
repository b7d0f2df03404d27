#pragma once
// What the program `penstock` says to the shell.

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
  not_found_or_permitted = 6
};

[[nodiscard]] exit_code exit_code_of(messages::errc code);

/// Shown below `penstock --help`.
constexpr std::string_view exit_code_help =
    "Exit codes: 0 ok; 1 failed; 2 wrong usage or settings; 3 finished, but not everything is ok; 4 verification "
    "failed;\n"
    "            5 server unreachable; 6 not found or not permitted";

}  // namespace penstock::commands
