#include "gateways/http_gateway.hpp"

#include <httplib.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>
#include <vector>

namespace penstock::gateways {
namespace {

using messages::errc;
using messages::fail;

constexpr std::size_t max_request_body_bytes = 4096;
/// From the connection to the first byte of the request.
constexpr std::time_t first_byte_timeout_s = 1;

/// httplib's own pool has no bound. Here whoever accepts waits for room, so that the rest stays in the kernel's
/// backlog.
class bounded_pool final : public httplib::TaskQueue {
 public:
  bounded_pool(std::size_t threads, std::size_t most_waiting) : most_waiting_(most_waiting) {
    for (std::size_t n = 0; n < threads; ++n) threads_.emplace_back([this] { work(); });
  }

  void enqueue(std::function<void()> task) override {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return stop_ || waiting_.size() < most_waiting_; });
    waiting_.push_back(std::move(task));
    changed_.notify_all();
  }

  void shutdown() override {
    {
      std::lock_guard lock{mutex_};
      stop_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

 private:
  /// Tasks that wait are run even after the stop: each owns a connection that it closes.
  void work() {
    std::unique_lock lock{mutex_};
    for (;;) {
      changed_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      auto task = std::move(waiting_.front());
      waiting_.pop_front();
      changed_.notify_all();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

const char* name_of(server_phase phase) {
  switch (phase) {
    case server_phase::starting:
      return "starting";
    case server_phase::running:
      return "ok";
    case server_phase::stopping:
      return "stopping";
  }
  return "stopping";
}

}  // namespace

struct http_gateway::running {
  httplib::Server server;
  http_gateway_options options;
  http_gateway_parts parts;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  std::uint16_t port = 0;
  std::atomic<bool> ended{false};
  std::thread thread;

  void configure();
  void answer_health(httplib::Response& response) const;
  [[nodiscard]] messages::result<void> bind();
};

void http_gateway::running::configure() {
  server.new_task_queue = [this] { return new bounded_pool{options.threads, options.max_waiting}; };
  // httplib's default is SO_REUSEPORT, which would share the port with whoever has it already.
  server.set_socket_options([](socket_t socket) {
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  });
  server.set_keep_alive_max_count(1);
  server.set_keep_alive_timeout(first_byte_timeout_s);
  server.set_read_timeout(options.read_timeout);
  server.set_write_timeout(options.write_timeout);
  server.set_payload_max_length(max_request_body_bytes);
  server.Get("/healthz", [this](const httplib::Request&, httplib::Response& response) { answer_health(response); });
  server.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
    response.set_content(parts.metrics ? parts.metrics() : std::string{}, "text/plain; version=0.0.4");
  });
}

void http_gateway::running::answer_health(httplib::Response& response) const {
  const auto phase = parts.phase ? parts.phase() : server_phase::running;
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started);
  nlohmann::json body{{"status", name_of(phase)}, {"version", options.version}, {"uptime_s", uptime.count()}};
  if (parts.disk) body["disk"] = parts.disk();
  response.status = phase == server_phase::running ? 200 : 503;
  response.set_content(body.dump() + "\n", "application/json");
}

messages::result<void> http_gateway::running::bind() {
  const auto& host = options.address.host;
  const auto where = host + ":" + std::to_string(options.address.port);
  errno = 0;
  if (options.address.port == 0) {
    const int chosen = server.bind_to_any_port(host.c_str());
    if (chosen > 0) {
      port = static_cast<std::uint16_t>(chosen);
      return {};
    }
  } else if (server.bind_to_port(host.c_str(), options.address.port)) {
    port = options.address.port;
    return {};
  }
  const int problem = errno;
  if (problem == EADDRINUSE) return fail(errc::held_by_another, "HTTP: " + where + " is in use");
  return fail(errc::bad_configuration,
              "HTTP: cannot listen on " + where + (problem != 0 ? std::string{": "} + std::strerror(problem) : ""));
}

messages::result<std::unique_ptr<http_gateway>> http_gateway::start(http_gateway_options options,
                                                                    http_gateway_parts parts) {
  auto started = std::make_unique<running>();
  started->options = std::move(options);
  started->parts = std::move(parts);
  started->configure();
  if (auto bound = started->bind(); !bound) return bound.error();
  started->thread = std::thread{[self = started.get()] {
    if (!self->server.listen_after_bind()) spdlog::error("HTTP: stopped listening");
    self->ended = true;
  }};
  return std::unique_ptr<http_gateway>{new http_gateway{std::move(started)}};
}

http_gateway::http_gateway(std::unique_ptr<running> started) : running_(std::move(started)) {}

http_gateway::~http_gateway() {
  // stop() does nothing to a server that has not begun to listen, so it is awaited first.
  while (!running_->server.is_running() && !running_->ended) std::this_thread::yield();
  running_->server.stop();
  running_->thread.join();
}

std::uint16_t http_gateway::port() const { return running_->port; }

}  // namespace penstock::gateways
