#include "gateways/dimse_port.hpp"

#include <boost/test/unit_test.hpp>

#include "actors/system_config.hpp"
#include "gateways/door.hpp"
#include "storage/dimse_channel.hpp"
#include "tests/gateways/dimse_owner.hpp"

BOOST_AUTO_TEST_SUITE(dimse_port)

using namespace penstock;
using namespace penstock::gateways::testing;
using messages::errc;

namespace {

struct fixture {
  fixture() {
    gateways::dimse_port_options options;
    options.program = PENSTOCK_PROGRAM_DIR "/penstock-dimse";
    options.child_memory_bytes = 0;
    options.most_children = 4;
    options.cancel_patience = std::chrono::milliseconds{200};
    port = gateways::dimse_port::start(system, options).value();
    owner = spawn_owner(system, notes);
  }

  template <class Message>
  void order(Message message) {
    caf::send_as(owner, port->handle(), std::move(message));
  }
  void echo(std::uint64_t ticket, std::uint16_t to, std::uint32_t timeout_ms = 10'000) {
    messages::echo_job job;
    job.peer = {"127.0.0.1", to, "PACS", "PENSTOCK", 5'000, timeout_ms, 10'000};
    order(messages::start_dimse{"mgh-rad", ticket, storage::encode_dimse(job)});
  }

  owner_notes notes;
  actors::system_config config;
  caf::actor_system system{config};
  std::unique_ptr<gateways::dimse_port> port;
  caf::actor owner;
  /// Takes connections and says nothing.
  gateways::door silent = gateways::door::open("127.0.0.1", 0, {}).value();
};

std::uint16_t closed_port() { return gateways::door::open("127.0.0.1", 0, {}).value().port(); }

}  // namespace

BOOST_FIXTURE_TEST_CASE(passes_on_what_a_child_says_and_then_that_it_ended, fixture) {
  echo(5, closed_port());
  BOOST_REQUIRE(notes.wait([&] { return !notes.ends.empty(); }));
  BOOST_REQUIRE_EQUAL(notes.reports.size(), 1U);
  BOOST_TEST(notes.reports[0].ticket == 5U);
  const auto done = storage::decode_dimse<messages::echo_done>(notes.reports[0].message);
  BOOST_REQUIRE(done);
  BOOST_TEST((done->outcome == messages::peer_outcome::unreachable));
  BOOST_TEST(notes.ends[0].ticket == 5U);
  BOOST_TEST(notes.ends[0].problem == "trouble with the peer");
}

BOOST_FIXTURE_TEST_CASE(says_that_a_job_was_refused, fixture) {
  order(messages::start_dimse{"mgh-rad", 1, "{\"kind\":\"echo_job\"}"});
  BOOST_REQUIRE(notes.wait([&] { return !notes.ends.empty(); }));
  BOOST_TEST(notes.ends[0].problem == "the job was refused");
}

BOOST_FIXTURE_TEST_CASE(runs_no_more_children_than_the_limit_and_no_ticket_twice, fixture) {
  for (std::uint64_t ticket = 1; ticket <= 4; ++ticket) echo(ticket, silent.port());
  echo(4, silent.port());
  echo(5, silent.port());
  BOOST_REQUIRE(notes.wait([&] { return notes.ends.size() == 2; }));
  BOOST_TEST(notes.ends[0].problem == "the ticket is in use");
  BOOST_TEST(notes.ends[1].ticket == 5U);
}

BOOST_FIXTURE_TEST_CASE(disowned_children_are_killed_and_their_tickets_are_free_at_once, fixture) {
  echo(1, silent.port());
  order(messages::disown_dimse{"mgh-rad"});
  echo(1, closed_port());
  BOOST_REQUIRE(notes.wait([&] { return !notes.ends.empty(); }));
  BOOST_TEST(notes.ends[0].problem == "trouble with the peer");
  BOOST_TEST(notes.ends.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_child_that_does_not_heed_is_still_ended, fixture) {
  echo(1, silent.port(), 60'000);
  order(messages::stop_dimse{"mgh-rad", 1});
  // An echo does not look at messages while it waits: the channel is closed on it.
  BOOST_REQUIRE(notes.wait([&] { return !notes.ends.empty(); }));
  BOOST_TEST(notes.ends[0].ticket == 1U);
}

BOOST_FIXTURE_TEST_CASE(ends_with_children_under_way, fixture) {
  echo(1, silent.port());
  port.reset();
  BOOST_TEST(true);
}

BOOST_AUTO_TEST_CASE(needs_its_program) {
  actors::system_config config;
  caf::actor_system system{config};
  const auto refused = gateways::dimse_port::start(system, {.program = "/nowhere/penstock-dimse"});
  BOOST_REQUIRE(!refused);
  BOOST_TEST((refused.error().code == errc::bad_configuration));
}

BOOST_AUTO_TEST_SUITE_END()
