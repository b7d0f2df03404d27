#include "gateways/download_gateway.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/gateways/download_support.hpp"

using namespace penstock::gateways;
using namespace penstock::gateways::download_test;
namespace storage = penstock::storage;

BOOST_FIXTURE_TEST_SUITE(download_gateway_suite, data_site)

BOOST_AUTO_TEST_CASE(sends_the_manifest_and_every_object_sealed) {
  start();
  const std::vector<std::string> plains{"", plain_of(700, 'a'), plain_of(5000, 'b')};
  const auto offer = offer_of(plains);
  BOOST_REQUIRE(gateway->offer(offer_of(plains)).ok());
  auto amy = connect();
  amy.open("d-1");
  const auto got = fetch_all(amy);

  BOOST_TEST(got.complete);
  BOOST_REQUIRE(got.sealed.size() == 4u);
  BOOST_TEST(opened(got.sealed.at(index_of(0)), offer, 0).value() == offer.manifest);
  std::uint64_t sealed_bytes = got.sealed.at(index_of(0)).size();
  for (std::uint32_t index = 1; index <= 3; ++index) {
    const auto& sealed = got.sealed.at(index_of(index));
    BOOST_TEST((got.announced.at(index_of(index)) == big_endian_64(sealed.size())));
    BOOST_TEST((opened(sealed, offer, index) == plains[index - 1]));
    sealed_bytes += sealed.size();
  }
  BOOST_TEST(sealed_bytes == sealed_bytes_of(offer));
  const auto end = session_end(0);
  BOOST_TEST(end.complete);
  BOOST_TEST(end.download == "d-1");
  BOOST_TEST(end.project == "alz-brain");
  BOOST_TEST(end.sealed_bytes == sealed_bytes);
}

BOOST_AUTO_TEST_CASE(sends_messages_in_the_order_of_the_protocol) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({"", plain_of(1500, 'b')})).ok());
  auto amy = connect();
  amy.open("d-1");
  const std::vector<std::string> expected{"OBJ", "SEG", "OBJ", "SEG", "OBJ", "SEG", "SEG", "END"};
  BOOST_TEST(fetch_all(amy).order == expected);
}

BOOST_AUTO_TEST_CASE(sends_nothing_without_credit_and_one_message_for_each) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(5000, 'b')})).ok());
  auto amy = connect();
  amy.open("d-1");
  BOOST_TEST(!amy.receive(silence_ms).has_value());
  amy.credit(3);
  for (int n = 0; n < 3; ++n) BOOST_TEST(amy.receive().has_value());
  BOOST_TEST(!amy.receive(silence_ms).has_value());
  BOOST_TEST(gateway->statistics().segments_sent == 1u);  // OBJ and SEG of the manifest, OBJ of object 1
}

BOOST_AUTO_TEST_CASE(credit_before_open_counts_for_nothing) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(10, 'b')})).ok());
  auto amy = connect();
  amy.credit(10);
  amy.open("d-1");
  BOOST_TEST(!amy.receive(silence_ms).has_value());
}

BOOST_AUTO_TEST_CASE(refuses_a_wrong_secret_and_a_ticket_that_was_used) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(10, 'b')})).ok());
  const auto ticket = tickets.issue("d-1").value();
  client wrong{context, gateway->endpoint(), {ticket.ticket, std::string(32, '0')}};
  wrong.open("d-1");
  wrong.credit(10);
  BOOST_TEST(!wrong.receive(silence_ms).has_value());
  client burnt{context, gateway->endpoint(), ticket};
  burnt.open("d-1");
  burnt.credit(10);
  BOOST_TEST(!burnt.receive(silence_ms).has_value());
  BOOST_TEST(gateway->statistics().sessions == 0u);
}

BOOST_AUTO_TEST_CASE(nobody_gets_in_when_no_zap_handler_answers) {
  zmq::context_t lonely{1};
  auto unguarded = download_gateway::start(lonely, {}, {}).value();
  BOOST_REQUIRE(unguarded->offer(offer_of({plain_of(10, 'b')})).ok());
  client anybody{lonely, unguarded->endpoint(), {"d-1", "x"}};
  anybody.open("d-1");
  anybody.credit(10);
  BOOST_TEST(!anybody.receive(silence_ms).has_value());
}

BOOST_AUTO_TEST_CASE(a_ticket_opens_its_own_download_only) {
  start();
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(10, 'b')}, "d-1")).ok());
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(10, 'b')}, "d-2")).ok());
  auto raj = connect("d-2");
  raj.open("d-1");
  BOOST_TEST(fetch_all(raj).closed.value() == R"({"code":"not_found"})");
}

BOOST_AUTO_TEST_CASE(resumes_at_a_segment_with_identical_bytes) {
  start();
  const std::vector<std::string> plains{plain_of(700, 'a'), plain_of(5000, 'b'), plain_of(10, 'c')};
  BOOST_REQUIRE(gateway->offer(offer_of(plains)).ok());
  auto amy = connect();
  amy.open("d-1");
  const auto whole = fetch_all(amy);
  BOOST_REQUIRE(whole.complete);

  BOOST_REQUIRE(gateway->offer(offer_of(plains)).ok());
  auto again = connect();
  again.send({"OPEN", "d-1", R"({"object":2,"segment":3})"});
  const auto rest = fetch_all(again);
  BOOST_TEST(rest.complete);
  BOOST_TEST(rest.sealed.size() == 2u);
  BOOST_TEST(rest.announced.at(index_of(2)) == whole.announced.at(index_of(2)));
  BOOST_TEST((rest.sealed.at(index_of(2)) == whole.sealed.at(index_of(2)).substr(3 * segment_bytes)));
  BOOST_TEST((rest.sealed.at(index_of(3)) == whole.sealed.at(index_of(3))));
}

BOOST_AUTO_TEST_CASE(refuses_to_resume_where_nothing_is) {
  start();
  for (const auto* from : {R"({"object":9})", R"({"object":1,"segment":1})", R"({"object":-1})", "[]", "{"}) {
    BOOST_REQUIRE(gateway->offer(offer_of({plain_of(10, 'b')})).ok());
    auto amy = connect();
    amy.send({"OPEN", "d-1", from});
    BOOST_TEST(fetch_all(amy).closed.has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_missing_or_short_pack_costs_its_objects_only) {
  start();
  const std::vector<std::string> plains{plain_of(100, 'a'), plain_of(3000, 'b'), plain_of(3000, 'c'),
                                        plain_of(50, 'd')};
  auto offer = offer_of(plains);
  offer.objects[1].pack = folder / "gone.pack";
  offer.objects[2].part10_offset += 1000;
  const auto pack = offer.objects[0].pack;
  BOOST_REQUIRE(gateway->offer(std::move(offer)).ok());
  auto amy = connect();
  amy.open("d-1");
  const auto got = fetch_all(amy);
  BOOST_TEST(got.complete);
  BOOST_TEST(got.failed.size() == 2u);
  BOOST_TEST(got.failed.at(index_of(2)) == R"({"code":"not_found"})");
  BOOST_TEST(got.failed.at(index_of(3)) == R"({"code":"corrupt"})");
  BOOST_TEST((opened(got.sealed.at(index_of(4)), offer_of(plains), 4) == plains[3]));
  session_end(0);
  BOOST_TEST(gateway->statistics().objects_failed == 2u);
}

BOOST_AUTO_TEST_CASE(a_pack_that_shrinks_under_way_ends_its_object_with_an_error) {
  start();
  const auto offer = offer_of({plain_of(50'000, 'a'), "x"});
  BOOST_REQUIRE(gateway->offer(offer_of({plain_of(50'000, 'a'), "x"})).ok());
  auto amy = connect();
  amy.open("d-1");
  amy.credit(4);
  for (int n = 0; n < 4; ++n) BOOST_REQUIRE(amy.receive().has_value());  // up to segment 0 of object 1
  std::filesystem::resize_file(offer.objects[0].pack, 30'000);
  const auto got = fetch_all(amy);
  BOOST_TEST(got.failed.at(index_of(1)) == R"({"code":"corrupt"})");
  BOOST_TEST(got.sealed.at(index_of(1)).size() < 50'000u);
  BOOST_TEST(got.complete);
}

BOOST_AUTO_TEST_CASE(a_pack_that_is_a_link_is_not_followed) {
  start();
  auto offer = offer_of({plain_of(100, 'a')});
  std::filesystem::create_symlink(offer.objects[0].pack, folder / "link.pack");
  offer.objects[0].pack = folder / "link.pack";
  BOOST_REQUIRE(gateway->offer(std::move(offer)).ok());
  auto amy = connect();
  amy.open("d-1");
  BOOST_TEST(fetch_all(amy).failed.at(index_of(1)) == R"({"code":"io_error"})");
}

BOOST_AUTO_TEST_CASE(sessions_take_turns) {
  start();
  const std::vector<std::string> plains{plain_of(200'000, 'a')};
  std::vector<client> clients;
  for (const auto* download : {"d-1", "d-2", "d-3"}) {
    BOOST_REQUIRE(gateway->offer(offer_of(plains, download)).ok());
    clients.push_back(connect(download));
    clients.back().open(download);
  }
  // Everybody gets the same number of messages for the same credit, though nobody else's is exhausted first.
  for (auto& one : clients) one.credit(20);
  for (auto& one : clients)
    for (int n = 0; n < 20; ++n) BOOST_REQUIRE(one.receive().has_value());
  for (auto& one : clients) BOOST_TEST(fetch_all(one).complete);
}

BOOST_AUTO_TEST_SUITE_END()
