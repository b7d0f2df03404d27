#include "gateways/zmq_auth.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <zmq.hpp>

#include "gateways/zmq_loop.hpp"
#include "tests/gateways/site_rules.hpp"

namespace penstock::gateways {
namespace {

constexpr int patience_ms = 5'000;
constexpr int silence_ms = 300;

struct key_pair {
  std::string public_key;
  std::string secret_key;
};

key_pair new_key() {
  std::array<char, 41> open{};
  std::array<char, 41> hidden{};
  zmq_curve_keypair(open.data(), hidden.data());
  return {open.data(), hidden.data()};
}

struct door {
  zmq::context_t context;
  key_pair server_key = new_key();
  key_pair amy_key = new_key();
  conf::rules rules = test::site_rules();
  std::shared_ptr<key_directory_holder> keys = std::make_shared<key_directory_holder>();
  std::unique_ptr<zap_handler> handler;

  void open_for(conf::rules from) { keys->set(std::make_shared<const key_directory>(from)); }
  void start_handler(ticket_redeemer redeem = {}) {
    rules.users["amy"].keys = {amy_key.public_key};
    open_for(rules);
    auto started = zap_handler::start(context, keys, std::move(redeem));
    BOOST_REQUIRE(started.ok());
    handler = std::move(*started);
  }

  zmq::socket_t listen(const char* domain) {
    zmq::socket_t socket{context, zmq::socket_type::router};
    set_limits(socket, {});
    require_zap(socket, domain);
    socket.set(zmq::sockopt::rcvtimeo, patience_ms);
    return socket;
  }
  zmq::socket_t curve_server() {
    auto socket = listen(control_zap_domain);
    socket.set(zmq::sockopt::curve_server, true);
    socket.set(zmq::sockopt::curve_secretkey, server_key.secret_key);
    return socket;
  }
  zmq::socket_t client() {
    zmq::socket_t socket{context, zmq::socket_type::dealer};
    socket.set(zmq::sockopt::linger, 0);
    return socket;
  }
  zmq::socket_t curve_client(const key_pair& key, const std::string& server) {
    auto socket = client();
    socket.set(zmq::sockopt::curve_serverkey, server);
    socket.set(zmq::sockopt::curve_publickey, key.public_key);
    socket.set(zmq::sockopt::curve_secretkey, key.secret_key);
    return socket;
  }

  /// The user id of the message that gets through.
  std::optional<std::string> user_of_first_message(zmq::socket_t& server, zmq::socket_t& from, int wait_ms) {
    auto bound = bind_endpoint(server, "tcp://127.0.0.1:*");
    BOOST_REQUIRE(bound.ok());
    from.connect(*bound);
    from.send(zmq::str_buffer("hello"), zmq::send_flags::none);
    server.set(zmq::sockopt::rcvtimeo, wait_ms);
    zmq::message_t frame;
    if (!server.recv(frame)) return std::nullopt;
    while (frame.more()) static_cast<void>(server.recv(frame));
    return user_id_of(frame);
  }
};

BOOST_FIXTURE_TEST_SUITE(zmq_auth_suite, door)

BOOST_AUTO_TEST_CASE(names_a_user_and_the_fingerprint_of_the_key) {
  start_handler();
  auto server = curve_server();
  auto amy = curve_client(amy_key, server_key.public_key);
  const auto id = user_of_first_message(server, amy, patience_ms);
  BOOST_REQUIRE(id.has_value());
  BOOST_TEST(id->starts_with("amy/"));
  BOOST_TEST(id->size() == 4 + 16);
  BOOST_TEST(keys->get()->name_of(*id) == "amy");
}

BOOST_AUTO_TEST_CASE(refuses_a_key_that_nobody_has) {
  start_handler();
  auto server = curve_server();
  auto stranger = curve_client(new_key(), server_key.public_key);
  BOOST_TEST(!user_of_first_message(server, stranger, silence_ms).has_value());
  BOOST_TEST(handler->refused() >= 1);
}

BOOST_AUTO_TEST_CASE(is_not_reached_by_a_client_that_expects_another_server) {
  start_handler();
  auto server = curve_server();
  auto amy = curve_client(amy_key, new_key().public_key);
  BOOST_TEST(!user_of_first_message(server, amy, silence_ms).has_value());
}

BOOST_AUTO_TEST_CASE(lets_nobody_in_without_a_handler) {
  auto server = curve_server();
  auto amy = curve_client(amy_key, server_key.public_key);
  BOOST_TEST(!user_of_first_message(server, amy, silence_ms).has_value());
}

BOOST_AUTO_TEST_CASE(refuses_a_client_without_encryption) {
  start_handler();
  auto server = curve_server();
  auto plain = client();
  BOOST_TEST(!user_of_first_message(server, plain, silence_ms).has_value());
}

BOOST_AUTO_TEST_CASE(refuses_a_key_of_the_control_socket_in_another_domain) {
  start_handler();
  auto server = listen(data_zap_domain);
  server.set(zmq::sockopt::curve_server, true);
  server.set(zmq::sockopt::curve_secretkey, server_key.secret_key);
  auto amy = curve_client(amy_key, server_key.public_key);
  BOOST_TEST(!user_of_first_message(server, amy, silence_ms).has_value());
}

BOOST_AUTO_TEST_CASE(takes_keys_that_came_with_new_rules) {
  start_handler();
  const auto newcomer = new_key();
  rules.users["raj"].keys = {newcomer.public_key};
  open_for(rules);
  auto server = curve_server();
  auto raj = curve_client(newcomer, server_key.public_key);
  BOOST_TEST(user_of_first_message(server, raj, patience_ms).value_or("").starts_with("raj/"));
}

BOOST_AUTO_TEST_CASE(looks_keys_up_while_new_rules_come) {
  rules.users["amy"].keys = {amy_key.public_key};
  open_for(rules);
  std::thread keeper{[this] {
    for (int i = 0; i < 1000; ++i) open_for(rules);
  }};
  bool known = true;
  for (int i = 0; i < 1000; ++i) known = known && !keys->get()->user_id_of_key(amy_key.public_key).empty();
  keeper.join();
  BOOST_TEST(known);
}

BOOST_AUTO_TEST_CASE(tells_one_key_of_a_user_from_another) {
  const auto second = new_key();
  rules.users["amy"].keys = {amy_key.public_key, second.public_key};
  const key_directory both{rules};
  const auto first_id = both.user_id_of_key(amy_key.public_key);
  const auto second_id = both.user_id_of_key(second.public_key);
  BOOST_TEST(first_id != second_id);
  rules.users["amy"].keys = {second.public_key};
  const key_directory one{rules};
  BOOST_TEST(!one.knows(first_id));
  BOOST_TEST(one.knows(second_id));
  BOOST_TEST(one.name_of(first_id).empty());
}

BOOST_AUTO_TEST_CASE(redeems_tickets_on_the_data_socket_only) {
  start_handler([](std::string_view ticket, std::string_view secret) {
    return ticket == "T" && secret == "S" ? std::string{"download-1"} : std::string{};
  });
  for (const auto& [domain, secret, wanted] :
       {std::tuple{data_zap_domain, "S", "download-1"}, {data_zap_domain, "X", ""}, {control_zap_domain, "S", ""}}) {
    auto server = listen(domain);
    server.set(zmq::sockopt::plain_server, true);
    auto holder = client();
    holder.set(zmq::sockopt::plain_username, "T");
    holder.set(zmq::sockopt::plain_password, secret);
    const bool expected = *wanted != '\0';
    BOOST_TEST(user_of_first_message(server, holder, expected ? patience_ms : silence_ms).value_or("") == wanted);
  }
}

BOOST_AUTO_TEST_CASE(says_that_a_context_has_a_handler_already) {
  start_handler();
  const auto second = zap_handler::start(context, keys, {});
  BOOST_REQUIRE(!second.ok());
  BOOST_TEST((second.error().code == messages::errc::conflict));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways
