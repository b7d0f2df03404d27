// penstockd: the server. `penstockd --config FILE` runs in the foreground until SIGTERM or SIGINT; SIGHUP opens its log
// file anew and reads the rules file again.

#include <fcntl.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>

#include "tools/penstockd/exit_code.hpp"
#include "tools/penstockd/restore.hpp"
#include "tools/penstockd/server.hpp"

namespace {

using namespace penstock;

constexpr const char* how_to_restore =
    "to go back to a backup: `penstockd backups` lists them and `penstockd restore` puts the newest in place (each "
    "with the same --config); it is proven before and what is here is kept";
constexpr rlim_t fewest_open_files = 512;
constexpr rlim_t most_open_files = 65'536;

int exit_code_for(messages::errc code) {
  switch (code) {
    case messages::errc::bad_configuration: return server::bad_configuration;
    case messages::errc::corrupt: return server::state_damaged;
    case messages::errc::held_by_another:
    case messages::errc::not_found:
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

/// Each thread would get an arena of its own, and keep what it once needed for a page or an answer. Blocks larger than
/// a segment of a download go back to the system at once: by default the limit rises with each that is freed.
void share_memory_of_threads() {
  constexpr int large_block_bytes = 1 << 20;
  mallopt(M_ARENA_MAX, 4);
  mallopt(M_MMAP_THRESHOLD, large_block_bytes);
  mallopt(M_TRIM_THRESHOLD, 8 * large_block_bytes);
}

/// A standard descriptor that was closed would be given to the first file that is opened, and what is printed would be
/// written into it.
void fill_standard_descriptors() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
  if (fd > STDERR_FILENO) ::close(fd);
}

/// How many files may be open at once: as many as we may have, within reason.
rlim_t raise_open_files() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
  files.rlim_cur = std::max(files.rlim_cur, std::min<rlim_t>(files.rlim_max, most_open_files));
  setrlimit(RLIMIT_NOFILE, &files);
  return files.rlim_cur;
}

messages::result<std::unique_ptr<server::server>> start(server::start_up from) {
  if (const auto files = raise_open_files(); files < fewest_open_files)
    return messages::fail(messages::errc::io_error, "only " + std::to_string(files) + " files may be open at once, " +
                                                        std::to_string(fewest_open_files) +
                                                        " are needed (ulimit -n, LimitNOFILE)");
  try {
    return server::server::start(std::move(from));
  } catch (const std::exception& problem) {
    return messages::fail(messages::errc::internal, problem.what());
  }
}

/// The offline commands: what they did goes to standard output, why not to standard error.
int end_with(const messages::result<void>& done, const char* command) {
  if (done) return server::stopped;
  std::fprintf(stderr, "penstockd %s: %s\n", command, done.error().context.c_str());
  return exit_code_for(done.error().code);
}

/// `penstockd backups` and `penstockd restore`.
void add_restore(CLI::App& app, server::restore_order& order) {
  app.fallthrough();  // --config may come after the command
  auto* backups = app.add_subcommand("backups", "list the backups that there are, and end");
  auto* restore = app.add_subcommand(
      "restore", "put a backup in the place of the core database of a server that is stopped, and end");
  for (auto* command : {backups, restore})
    command->add_option("--from", order.from, "directory of backups; default: [backup] directory of the settings");
  restore->add_option("--to", order.to, "state directory; default: that of the settings");
  restore->add_option("--backup", order.number, "its number; default: the newest");
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

int run_until_told(server::server& running, const sigset_t& signals, const conf::log_settings& log) {
  int signal = SIGHUP;
  while (sigwait(&signals, &signal) != 0 || signal == SIGHUP) {
    if (auto reopened = server::reopen_log(log); !reopened) spdlog::error("{}", reopened.error().text());
    spdlog::info("the log goes on here");
    running.reload_rules();
  }
  spdlog::info("stopping");
  if (running.stop()) {
    spdlog::info("stopped");
    return running.is_deaf() ? server::failed : server::stopped;
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
  server::restore_order order;
  add_restore(app, order);
  app.set_version_flag("--version", PENSTOCK_VERSION);
  app.footer("Exit codes: 0 stopped, 1 a fault of Penstock (start again), 2 settings or rules have a fault,\n"
             "3 cannot start (port, state directory, disk), 4 the core database is damaged, 5 the journal failed\n"
             "(start again), 6 did not end in time.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? server::stopped : server::bad_configuration;
  }
  fill_standard_descriptors();
  order.config = config;
  if (app.got_subcommand("backups")) return end_with(server::show_backups(order), "backups");
  if (app.got_subcommand("restore")) return end_with(server::restore_state(order), "restore");
  const auto signals = block_signals();
  keep_memory_private();
  share_memory_of_threads();
  auto read = server::read_start_up(config);
  if (!read) {
    std::fprintf(stderr, "penstockd: not started:\n%s\n", read.error().context.c_str());
    return exit_code_for(read.error().code);
  }
  if (check) {
    std::puts("settings and rules are good");
    return server::stopped;
  }
  if (auto opened = server::open_log(read->settings.log); !opened) {
    std::fprintf(stderr, "penstockd: not started: %s\n", opened.error().context.c_str());
    return exit_code_for(opened.error().code);
  }
  read->accept_rollback = accept_rollback;
  const auto log = read->settings.log;
  auto running = start(std::move(*read));
  if (!running) {
    spdlog::critical("not started: {}", running.error().text());
    if (running.error().code == messages::errc::corrupt) spdlog::critical("{}", how_to_restore);
    return exit_code_for(running.error().code);
  }
  spdlog::info("penstockd {} is ready on {}", PENSTOCK_VERSION, (*running)->control_endpoint());
  return run_until_told(**running, signals, log);
}
