#pragma once
// penstock console

#include <CLI/CLI.hpp>

#include "tools/penstock/context.hpp"

namespace penstock::console {

void add_console_command(CLI::App& program, commands::context& at);

}  // namespace penstock::console
