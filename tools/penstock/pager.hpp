#pragma once
// Long output on a terminal goes through a pager, as git and psql do it.

#include <iostream>
#include <sstream>
#include <string>

namespace penstock::commands {

/// As long as it lives, what is written to std::cout is held back; then it is shown: through $PAGER (less -FRSX when it
/// is not set) when it is longer than the terminal, else as it is. Does nothing where standard output is no terminal.
class page {
 public:
  page();
  page(const page&) = delete;
  page& operator=(const page&) = delete;
  ~page();

 private:
  std::ostringstream held_;
  std::streambuf* before_ = nullptr;
};

}  // namespace penstock::commands
