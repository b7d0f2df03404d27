#include "tools/penstock/pager.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tools/penstock/terminal.hpp"

namespace penstock::commands {
namespace {

constexpr int no_such_program = 127;  // what the shell says

std::string pager_command() {
  const char* chosen = std::getenv("PAGER");
  return chosen == nullptr ? "less -FRSX" : chosen;
}

/// False when there is no such pager.
bool shown_by(const std::string& command, const std::string& text) {
  ::setenv("LESS", "FRSX", 0);
  std::FILE* pipe = ::popen(command.c_str(), "w");
  if (pipe == nullptr) return false;
  std::fwrite(text.data(), 1, text.size(), pipe);  // who leaves the pager early has seen enough
  const auto ended = ::pclose(pipe);
  return !(WIFEXITED(ended) && WEXITSTATUS(ended) == no_such_program);
}

}  // namespace

page::page() {
  if (output_is_terminal()) before_ = std::cout.rdbuf(held_.rdbuf());
}

page::~page() {
  if (before_ == nullptr) return;
  std::cout.rdbuf(before_);
  const auto text = held_.str();
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  const auto command = pager_command();
  const bool pages = lines >= size_of_terminal().rows && errors_are_terminal() && !command.empty() && command != "cat";
  if (!pages || !shown_by(command, text)) std::cout << text << std::flush;
}

}  // namespace penstock::commands
