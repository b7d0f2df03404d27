// The program `penstock`: what researchers, administrators and auditors type.

#include <sys/prctl.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <iostream>

#include "tools/console/console_command.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/display_text.hpp"

namespace {

/// Keys and opened images live in this process: no core dump may carry them to the disk.
void forbid_core_dumps() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace

int main(int argc, char** argv) try {
  using penstock::commands::exit_code;
  forbid_core_dumps();
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App program{"Ask for images of an approved research project, watch them come, take them home sealed.",
                   "penstock"};
  program.set_version_flag("--version", "penstock " PENSTOCK_VERSION);
  penstock::commands::context at;
  penstock::commands::add_all_commands(program, at);
  penstock::console::add_console_command(program, at);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    if (const auto unknown = program.remaining(true); problem.get_exit_code() != 0 && !unknown.empty()) {
      std::cerr << "penstock: there is no command or option '" << penstock::commands::printable(unknown.front())
                << "'\nRun with --help for more information.\n";
      return static_cast<int>(exit_code::usage);
    }
    return program.exit(problem) == 0 ? 0 : static_cast<int>(exit_code::usage);
  }
  if (auto chosen = at.choose_format(); !chosen) return static_cast<int>(at.report(chosen.error()));
  return static_cast<int>(at.action());
} catch (const std::exception& problem) {
  std::cerr << "penstock: a fault of the program: " << problem.what() << "\n";
  return static_cast<int>(penstock::commands::exit_code::failed);
}
