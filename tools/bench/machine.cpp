#include "tools/bench/machine.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace penstock::bench {
namespace {

std::string cpu_model() {
  std::ifstream file{"/proc/cpuinfo"};
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

}  // namespace

std::string describe_machine() {
  utsname kernel{};
  ::uname(&kernel);
  double load = 0;
  ::getloadavg(&load, 1);
  auto load_text = std::to_string(load);
  load_text.resize(load_text.find('.') + 3);
  return cpu_model() + ", " + std::to_string(::sysconf(_SC_NPROCESSORS_ONLN)) + " cores, " + kernel.sysname + " " +
         kernel.release + ", load " + load_text;
}

}  // namespace penstock::bench
