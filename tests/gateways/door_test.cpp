#include "gateways/door.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/gateways/dicom_sender.hpp"

BOOST_AUTO_TEST_SUITE(door)

using namespace penstock::gateways;
using penstock::gateways::testing::connect_to;
using penstock::messages::errc;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

struct open_door {
  explicit open_door(door_limits limits) : it(penstock::gateways::door::open("127.0.0.1", 0, limits).value()) {}

  /// Turns until `done` or 5 s have passed.
  template <class Predicate>
  bool turn_until(Predicate done) {
    const auto until = clock::now() + milliseconds{5'000};
    while (!done() && clock::now() < until) {
      std::vector<pollfd> watched;
      it.add_to(watched);
      ::poll(watched.data(), watched.size(), 20);
      for (auto& one : it.heed(watched)) callers.push_back(std::move(one));
    }
    return done();
  }

  penstock::gateways::door it;
  std::vector<caller> callers;
};

void say(const penstock::storage::descriptor& socket, std::string_view text) {
  BOOST_REQUIRE(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

constexpr std::string_view request_header{"\x01\0\0\0\x02\0", 6};

}  // namespace

BOOST_AUTO_TEST_CASE(lets_in_who_begins_an_association_request) {
  open_door with{{}};
  const auto peer = connect_to(with.it.port());
  BOOST_TEST(with.turn_until([&] { return with.it.has_waiting(); }));
  say(peer, request_header.substr(0, 3));
  const auto soon = clock::now() + milliseconds{100};
  BOOST_TEST(with.turn_until([&] { return clock::now() > soon; }));
  BOOST_TEST(with.callers.empty());
  say(peer, request_header.substr(3));
  BOOST_TEST(with.turn_until([&] { return with.callers.size() == 1; }));
  BOOST_TEST(with.callers[0].peer == "127.0.0.1");
}

BOOST_AUTO_TEST_CASE(turns_away_what_is_no_association_request) {
  open_door with{{}};
  const auto http = connect_to(with.it.port());
  const auto tls = connect_to(with.it.port());
  const auto liar = connect_to(with.it.port());
  say(http, "GET / HTTP/1.1\r\n\r\n");
  say(tls, std::string_view{"\x16\x03\x01\x02\0\x01", 6});
  say(liar, std::string_view{"\x01\0\xff\xff\xff\xff", 6});
  BOOST_TEST(with.turn_until([&] { return with.it.turned_away() == 3; }));
  BOOST_TEST(with.callers.empty());
}

BOOST_AUTO_TEST_CASE(tells_tls_from_clear_text_where_tls_is_spoken) {
  open_door with{{.tls = true}};
  const auto secure = connect_to(with.it.port());
  const auto clear = connect_to(with.it.port());
  const auto alert = connect_to(with.it.port());
  say(secure, std::string_view{"\x16\x03\x01\x02\0\x01", 6});
  say(clear, request_header);
  say(alert, std::string_view{"\x16\x03\x01\x02\0\x02", 6});
  BOOST_TEST(with.turn_until([&] { return with.callers.size() == 2 && with.it.turned_away() == 1; }));
  BOOST_TEST(std::count_if(with.callers.begin(), with.callers.end(), [](const caller& one) { return one.tls; }) == 1);
}

BOOST_AUTO_TEST_CASE(turns_away_who_stays_silent) {
  open_door with{{.first_word_patience = milliseconds{50}}};
  const auto silent = connect_to(with.it.port());
  BOOST_TEST(with.turn_until([&] { return with.it.turned_away() == 1; }));
  char byte = 0;
  BOOST_TEST(::recv(silent.get(), &byte, 1, 0) == 0);
}

BOOST_AUTO_TEST_CASE(holds_one_peer_to_its_share_until_one_has_gone) {
  open_door with{{.most = 10, .most_per_peer = 2}};
  const auto first = connect_to(with.it.port());
  const auto second = connect_to(with.it.port());
  const auto third = connect_to(with.it.port());
  BOOST_TEST(with.turn_until([&] { return with.it.turned_away() == 1; }));
  with.it.gone("127.0.0.1");
  const auto fourth = connect_to(with.it.port());
  say(fourth, request_header);
  BOOST_TEST(with.turn_until([&] { return with.callers.size() == 1; }));
}

BOOST_AUTO_TEST_CASE(says_why_it_cannot_be_opened) {
  open_door with{{}};
  using penstock::gateways::door;
  BOOST_TEST((door::open("127.0.0.1", with.it.port(), {}).error().code == errc::held_by_another));
  BOOST_TEST((door::open("nowhere", 0, {}).error().code == errc::bad_configuration));
}

BOOST_AUTO_TEST_SUITE_END()
