#include "tools/penstock/interruption.hpp"

#include <signal.h>

#include <csignal>

namespace penstock::commands {
namespace {

volatile std::sig_atomic_t interrupted = 0;

}  // namespace

void end_in_order_on_interrupt() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = SA_RESETHAND;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool was_interrupted() { return interrupted != 0; }

}  // namespace penstock::commands
