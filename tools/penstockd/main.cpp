// penstockd: the server. `penstockd --config FILE` runs in the foreground until SIGTERM or SIGINT.

#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tools/penstockd/exit_code.hpp"
#include "tools/penstockd/server.hpp"

namespace {

using namespace penstock;

int exit_code_for(messages::errc code) {
  switch (code) {
    case messages::errc::bad_configuration: return server::bad_configuration;
    case messages::errc::corrupt: return server::state_damaged;
    case messages::errc::held_by_another:
    case messages::errc::no_space:
    case messages::errc::io_error: return server::cannot_start;
    default: return server::failed;
  }
}

/// Keys and patients' data are in this process's memory: no core dump, no ptrace by others of the same user.
void keep_memory_private() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
}

/// Threads inherit the mask, so that signals come to the main thread only.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, each);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

int run_until_told(server::server& running, const sigset_t& signals) {
  int signal = 0;
  do sigwait(&signals, &signal);
  while (signal == SIGHUP);
  spdlog::info("stopping");
  if (running.stop()) {
    spdlog::info("stopped");
    return server::stopped;
  }
  spdlog::error("something did not end in time; the journal is on the disk");
  spdlog::default_logger()->flush();
  std::_Exit(server::did_not_drain);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Penstock's server: stands between the hospital's PACS and approved research projects."};
  std::string config = "/etc/penstock/penstockd.toml";
  bool check = false;
  app.add_option("--config", config, "settings file")->capture_default_str();
  app.add_flag("--check", check, "read settings and rules, say what is wrong with them, and end");
  bool accept_rollback = false;
  app.add_flag("--accept-rollback", accept_rollback,
               "start although the journal lacks what its fence has seen, or has no fence, as after a backup was\n"
               "restored. Give it once, by hand, after having looked into it: what is missing stays missing. The\n"
               "journal records it, and for a day the PACS' limits count as used up where starts may be missing");
  app.set_version_flag("--version", PENSTOCK_VERSION);
  app.footer("Exit codes: 0 stopped, 2 settings or rules have a fault, 3 cannot start (port, state directory, disk),\n"
             "4 the core database is damaged, 5 the journal failed (start again), 6 did not end in time.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? server::stopped : server::bad_configuration;
  }
  const auto signals = block_signals();
  keep_memory_private();
  auto read = server::read_start_up(config);
  if (!read) {
    std::fprintf(stderr, "penstockd: not started:\n%s\n", read.error().context.c_str());
    return exit_code_for(read.error().code);
  }
  if (check) {
    std::puts("settings and rules are good");
    return server::stopped;
  }
  if (auto log = server::open_log(read->settings.log); !log) {
    std::fprintf(stderr, "penstockd: not started: %s\n", log.error().context.c_str());
    return exit_code_for(log.error().code);
  }
  read->accept_rollback = accept_rollback;
  auto running = server::server::start(std::move(*read));
  if (!running) {
    spdlog::critical("not started: {}", running.error().text());
    return exit_code_for(running.error().code);
  }
  spdlog::info("penstockd {} is ready on {}", PENSTOCK_VERSION, (*running)->control_endpoint());
  return run_until_told(**running, signals);
}
