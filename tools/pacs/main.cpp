// penstock-pacs: a PACS for tests and demonstrations that misbehaves as its script says. README.md.

#include <arpa/inet.h>
#include <dcmtk/config/osconfig.h>
#include <dcmtk/oflog/oflog.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tools/pacs/session.hpp"

namespace {

using namespace penstock;
using messages::errc;
using messages::fail;
using messages::result;

enum exit_code : int { stopped = 0, failed = 1, misuse = 2, cannot_start = 3 };

struct options {
  pacs::server_options server;
  std::vector<std::string> destinations;
  std::filesystem::path log;
  std::filesystem::path ready_file;
  std::string address = "127.0.0.1";
  int port = -1;
  bool check = false;
};

void describe(CLI::App& app, options& into) {
  app.add_option("script", into.server.script_file, "TOML: studies and faults; without it a good PACS");
  app.add_option("--directory", into.server.directories, "serve the DICOM files in there, too");
  app.add_option("--destination", into.destinations, "AE=HOST:PORT that C-MOVE may send to; may be repeated");
  app.add_option("--log", into.log, "append every request to this file, one JSON object a line");
  app.add_option("--address", into.address, "IPv4 address to listen on")->capture_default_str();
  app.add_option("--port", into.port, "port to listen on; 0: any that is free (default: the script's, or 11112)")
      ->check(CLI::Range(0, 65'535));
  app.add_option("--ready-file", into.ready_file, "write {\"port\": N, \"pid\": N} there when it listens");
  app.add_flag("--check", into.check, "read the script, say what is wrong with it, and end");
  app.set_version_flag("--version", "penstock-pacs " PENSTOCK_VERSION);
  app.footer(
      "SIGHUP reads the script again; SIGTERM and SIGINT end the program.\n"
      "Exit codes: 0 stopped, 1 a fault of the program, 2 arguments or script have a fault, 3 cannot start\n"
      "(port, log, directories).");
}

struct listening {
  int socket = -1;
  std::uint16_t port = 0;
};

result<listening> listen_on(const std::string& address, std::uint16_t port) {
  constexpr int backlog = 256;
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &where.sin_addr) != 1)
    return fail(errc::bad_configuration, address + ": expected an IPv4 address");
  socklen_t bytes = sizeof where;
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 || ::listen(socket, backlog) != 0 ||
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&where), &bytes) != 0)
    return fail(errc::io_error, address + ":" + std::to_string(port) + ": " + std::strerror(errno));
  return listening{socket, ntohs(where.sin_port)};
}

/// Whole or not at all: whoever waits for the file may read it at once.
result<void> write_ready_file(const std::filesystem::path& file, std::uint16_t port) {
  const auto part = file.string() + ".part";
  std::ofstream out{part};
  out << "{\"port\": " << port << ", \"pid\": " << ::getpid() << "}\n";
  out.close();
  std::error_code problem;
  std::filesystem::rename(part, file, problem);
  if (out && !problem) return {};
  return fail(errc::io_error, file.string() + ": cannot be written");
}

int complain(const messages::failure& problem) {
  std::fprintf(stderr, "penstock-pacs: not started: %s\n", problem.context.c_str());
  return problem.code == errc::bad_configuration ? misuse : cannot_start;
}

/// Never returns: associations end with the process.
void accept_for_ever(pacs::server& by, int listener) {
  for (;;) {
    storage::descriptor peer{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};
    if (!peer)
      std::this_thread::sleep_for(std::chrono::milliseconds{10});  // too many open files: some may close
    else
      std::thread{[&by, to = pacs::connection{std::move(peer)}]() mutable { pacs::serve(by, std::move(to)); }}.detach();
  }
}

[[noreturn]] void obey_signals(pacs::server& running, const sigset_t& signals) {
  for (int signal = 0;;) {
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGHUP) std::_Exit(stopped);  // every line of the log is written; nothing else is to be kept
    if (auto loaded = running.load(); !loaded)
      std::fprintf(stderr, "penstock-pacs: the script before stays: %s\n", loaded.error().context.c_str());
    else
      running.log.write({{"event", "script read"}, {"boottime_ns", pacs::boottime_ns()}});
  }
}

int run(options& with) {
  for (const auto& each : with.destinations) {
    auto destination = pacs::parse_destination(each);
    if (!destination) return complain(fail(errc::bad_configuration, each + ": expected AE=HOST:PORT"));
    with.server.destinations.insert(std::move(*destination));
  }
  static pacs::server running{with.server};
  if (auto loaded = running.load(); !loaded) return complain(loaded.error());
  if (with.check) return stopped;
  if (!with.log.empty())
    if (auto opened = running.log.open(with.log); !opened) return complain(opened.error());
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, each);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  constexpr std::uint16_t usual_port = 11'112;
  const auto port =
      with.port >= 0 ? static_cast<std::uint16_t>(with.port) : running.now()->said.port.value_or(usual_port);
  const auto listener = listen_on(with.address, port);
  if (!listener) return complain(listener.error());
  std::printf("penstock-pacs: listening on port %u\n", listener->port);
  std::fflush(stdout);
  if (!with.ready_file.empty())
    if (auto written = write_ready_file(with.ready_file, listener->port); !written) return complain(written.error());
  std::thread{accept_for_ever, std::ref(running), listener->socket}.detach();
  obey_signals(running, signals);
}

}  // namespace

int main(int argc, char** argv) try {
  OFLog::configure(OFLogger::OFF_LOG_LEVEL);
  CLI::App app{"A PACS for tests and demonstrations that misbehaves as its script says.", "penstock-pacs"};
  options with;
  describe(app, with);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? stopped : misuse;
  }
  return run(with);
} catch (const std::exception& problem) {
  std::fprintf(stderr, "penstock-pacs: a fault of the program: %s\n", problem.what());
  return failed;
}
