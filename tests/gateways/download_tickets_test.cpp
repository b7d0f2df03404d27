#include "gateways/download_tickets.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::gateways;
using namespace std::chrono_literals;
using penstock::messages::errc;

namespace {

struct clock_and_tickets {
  std::chrono::steady_clock::time_point now{};
  download_tickets tickets{3, [this] { return now; }};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(download_tickets_suite, clock_and_tickets)

BOOST_AUTO_TEST_CASE(a_ticket_names_its_download_once) {
  const auto ticket = tickets.issue("d-1").value();
  BOOST_TEST(ticket.ticket.size() == 32u);
  BOOST_TEST(ticket.secret.size() == 32u);
  BOOST_TEST(tickets.redeem(ticket.ticket, ticket.secret) == "d-1");
  BOOST_TEST(tickets.redeem(ticket.ticket, ticket.secret).empty());
}

BOOST_AUTO_TEST_CASE(a_wrong_secret_burns_the_ticket) {
  const auto ticket = tickets.issue("d-1").value();
  BOOST_TEST(tickets.redeem(ticket.ticket, "").empty());
  BOOST_TEST(tickets.redeem(ticket.ticket, ticket.secret).empty());
}

BOOST_AUTO_TEST_CASE(an_unknown_ticket_burns_nothing) {
  const auto ticket = tickets.issue("d-1").value();
  BOOST_TEST(tickets.redeem("", "").empty());
  BOOST_TEST(tickets.redeem(ticket.secret, ticket.ticket).empty());
  BOOST_TEST(tickets.redeem(ticket.ticket, ticket.secret) == "d-1");
}

BOOST_AUTO_TEST_CASE(a_ticket_expires_after_a_minute) {
  const auto early = tickets.issue("d-1").value();
  const auto late = tickets.issue("d-2").value();
  now += 59s;
  BOOST_TEST(tickets.redeem(early.ticket, early.secret) == "d-1");
  now += 1s;
  BOOST_TEST(tickets.redeem(late.ticket, late.secret).empty());
}

BOOST_AUTO_TEST_CASE(outstanding_tickets_are_capped_and_expired_ones_make_room) {
  for (int n = 0; n < 3; ++n) BOOST_REQUIRE(tickets.issue("d-" + std::to_string(n)).ok());
  BOOST_TEST((tickets.issue("d-3").error().code == errc::rate_limited));
  now += ticket_lifetime;
  BOOST_TEST(tickets.issue("d-1").ok());
  BOOST_TEST(tickets.outstanding() == 1u);
}

BOOST_AUTO_TEST_CASE(a_new_ticket_makes_the_one_before_void) {
  const auto before = tickets.issue("d-1").value();
  const auto after = tickets.issue("d-1").value();
  BOOST_TEST(tickets.outstanding() == 1u);
  BOOST_TEST(tickets.redeem(before.ticket, before.secret).empty());
  BOOST_TEST(tickets.redeem(after.ticket, after.secret) == "d-1");
}

BOOST_AUTO_TEST_CASE(a_ticket_for_nothing_is_not_issued) {
  BOOST_TEST((tickets.issue("").error().code == errc::bad_request));
}

BOOST_AUTO_TEST_SUITE_END()
