#include "tools/penstock/exit_code.hpp"

namespace penstock::commands {

exit_code exit_code_of(messages::errc code) {
  using messages::errc;
  switch (code) {
    case errc::none:
      return exit_code::ok;
    case errc::bad_request:
    case errc::bad_configuration:
      return exit_code::usage;
    case errc::authentication_failed:
      return exit_code::verification_failed;
    case errc::timed_out:
    case errc::shutting_down:
      return exit_code::server_unreachable;
    case errc::not_found:
    case errc::not_permitted:
    case errc::patient_not_permitted:
    case errc::project_expired:
      return exit_code::not_found_or_permitted;
    default:
      return exit_code::failed;
  }
}

std::string exit_code_help() {
  std::string text = "Exit codes:";
  for (const auto& [code, meaning] : exit_meanings)
    text += (code == exit_code::ok ? " " : "; ") + std::to_string(static_cast<int>(code)) + " " + std::string{meaning};
  return text;
}

}  // namespace penstock::commands
