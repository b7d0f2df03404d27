#include "gateways/http_gateway.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace penstock::gateways {
namespace {

using messages::errc;

/// A plain TCP connection to the gateway.
class connection {
 public:
  explicit connection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    const timeval patience{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~connection() { ::close(socket_); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  /// Everything until the server closes.
  std::string ask(const std::string& request) {
    BOOST_TEST(::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()));
    std::string answer;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::recv(socket_, buffer, sizeof buffer, 0)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(n));
    return answer;
  }

 private:
  int socket_;
  bool connected_ = false;
};

std::string get(std::uint16_t port, const std::string& path) {
  return connection{port}.ask("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
}

struct server {
  server_phase phase = server_phase::running;
  http_gateway_options options{
      .address = {"127.0.0.1", 0}, .version = "0.1", .read_timeout = std::chrono::milliseconds{300}};
  http_gateway_parts parts{[this] { return phase; }, [] { return std::string{"penstock_up 1\n"}; }};
  std::unique_ptr<http_gateway> gateway;

  void start() {
    auto started = http_gateway::start(options, parts);
    BOOST_REQUIRE_MESSAGE(started.ok(), (started.ok() ? "" : started.error().text()));
    gateway = std::move(*started);
  }
};

BOOST_FIXTURE_TEST_SUITE(http_gateway_suite, server)

BOOST_AUTO_TEST_CASE(says_that_it_is_well) {
  start();
  const auto answer = get(gateway->port(), "/healthz");
  BOOST_TEST(answer.starts_with("HTTP/1.1 200"));
  const auto body = nlohmann::json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
  BOOST_TEST(body["status"] == "ok");
  BOOST_TEST(body["version"] == "0.1");
  BOOST_TEST(body["uptime_s"].is_number());
}

BOOST_AUTO_TEST_CASE(is_unavailable_while_it_starts_or_stops) {
  start();
  for (const auto when : {server_phase::starting, server_phase::stopping}) {
    phase = when;
    BOOST_TEST(get(gateway->port(), "/healthz").starts_with("HTTP/1.1 503"));
  }
}

BOOST_AUTO_TEST_CASE(shows_metrics_as_text) {
  start();
  const auto answer = get(gateway->port(), "/metrics");
  BOOST_TEST(answer.starts_with("HTTP/1.1 200"));
  BOOST_TEST(answer.find("text/plain") != std::string::npos);
  BOOST_TEST(answer.ends_with("penstock_up 1\n"));
}

BOOST_AUTO_TEST_CASE(knows_nothing_else) {
  start();
  for (const auto* path : {"/", "/healthz/x", "/../etc/passwd"})
    BOOST_TEST(get(gateway->port(), path).starts_with("HTTP/1.1 4"), path);
}

BOOST_AUTO_TEST_CASE(says_that_a_port_is_taken) {
  start();
  auto second = options;
  second.address.port = gateway->port();
  const auto refused = http_gateway::start(second, parts);
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == errc::held_by_another));
}

BOOST_AUTO_TEST_CASE(says_that_an_address_is_not_its_own) {
  options.address = {"192.0.2.1", 7080};
  const auto refused = http_gateway::start(options, parts);
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == errc::bad_configuration));
}

BOOST_AUTO_TEST_CASE(answers_while_more_silent_clients_hold_on_than_it_has_threads) {
  start();
  std::vector<std::unique_ptr<connection>> silent;
  for (int n = 0; n < 8; ++n) {
    silent.push_back(std::make_unique<connection>(gateway->port()));
    BOOST_TEST(silent.back()->connected());
  }
  BOOST_TEST(get(gateway->port(), "/healthz").starts_with("HTTP/1.1 200"));
}

BOOST_AUTO_TEST_CASE(stops_at_once_when_it_has_just_started) {
  for (int n = 0; n < 5; ++n) {
    start();
    gateway.reset();
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways
