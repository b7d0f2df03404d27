#include "actors/retry_policy.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::actors;
using namespace std::chrono_literals;

namespace {

retrieval_failure with_status(std::uint16_t status, std::string_view availability = "") {
  return {failure_kind::status, status, false, availability};
}

/// Class of a status, with "+parks" when it stops the PACS.
std::string class_of(const retrieval_failure& failure) {
  const auto found = judge(failure);
  return std::string{name_of(found.which)} + (found.park_pacs ? "+parks" : "");
}

/// All waits of a ladder added up, and how many there are.
std::pair<std::chrono::seconds, int> climb(failure_class which) {
  std::chrono::seconds total{0};
  int count = 0;
  for (std::uint32_t n = 1;; ++n, ++count) {
    const auto delay = next_delay(which, n, n);
    if (!delay) return {total, count};
    total += *delay;
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(retry_policy)

BOOST_AUTO_TEST_CASE(an_unknown_move_destination_parks_the_pacs_and_burns_no_request) {
  BOOST_TEST(class_of(with_status(0xa801)) == "transient+parks");
  BOOST_TEST(class_of(with_status(0xa801, "OFFLINE")) == "transient+parks");
}

BOOST_AUTO_TEST_CASE(a_pacs_that_says_c000_for_everything_is_tried_again) {
  BOOST_TEST(class_of(with_status(0xc000)) == "transient");
  BOOST_TEST(class_of(with_status(0xcfff)) == "transient");
}

BOOST_AUTO_TEST_CASE(sorts_the_statuses_of_the_standard) {
  for (const int status : {0xa701, 0xa702, 0xa7ff, 0xb000, 0xfe00, 0x0110, 0x0210, 0x0213, 0x1234})
    BOOST_TEST(class_of(with_status(static_cast<std::uint16_t>(status))) == "transient", status);
  for (const int status : {0xa900, 0x0112, 0x0118, 0x0120, 0x0122, 0x0211})
    BOOST_TEST(class_of(with_status(static_cast<std::uint16_t>(status))) == "permanent", status);
  BOOST_TEST(class_of(with_status(0x0124)) == "transient+parks");
}

BOOST_AUTO_TEST_CASE(sorts_what_happens_without_a_status) {
  BOOST_TEST(class_of({}) == "none");
  BOOST_TEST(class_of({failure_kind::unreachable, 0, false, ""}) == "transient");
  BOOST_TEST(class_of({failure_kind::rejected, 0, false, ""}) == "transient");
  BOOST_TEST(class_of({failure_kind::rejected, 0, true, ""}) == "transient+parks");
  BOOST_TEST(class_of({failure_kind::no_presentation_context, 0, false, ""}) == "transient+parks");
  BOOST_TEST(class_of({failure_kind::lost, 0, false, ""}) == "transient");
  BOOST_TEST(class_of({failure_kind::timed_out, 0, false, ""}) == "transient");
  BOOST_TEST(class_of({failure_kind::not_sent, 0, false, ""}) == "transient");
  BOOST_TEST(class_of({failure_kind::instances_missing, 0, false, ""}) == "transient");
  BOOST_TEST(class_of({failure_kind::identity_mismatch, 0, false, ""}) == "permanent");
  BOOST_TEST(class_of({failure_kind::truncated, 0, false, ""}) == "permanent");
}

BOOST_AUTO_TEST_CASE(waits_for_tape_without_burning_attempts) {
  for (const auto* availability : {"NEARLINE", "OFFLINE"}) {
    BOOST_TEST(class_of(with_status(0xc000, availability)) == "offline");
    BOOST_TEST(class_of({failure_kind::instances_missing, 0, false, availability}) == "offline");
    BOOST_TEST(class_of({failure_kind::timed_out, 0, false, availability}) == "offline");
    BOOST_TEST(class_of({failure_kind::unreachable, 0, false, availability}) == "transient");
    BOOST_TEST(class_of({failure_kind::identity_mismatch, 0, false, availability}) == "permanent");
  }
  BOOST_TEST(class_of(with_status(0xc000, "ONLINE")) == "transient");
  BOOST_TEST(class_of(with_status(0xc000, "UNAVAILABLE")) == "permanent");
}

BOOST_AUTO_TEST_CASE(climbs_the_ladders_and_gives_up_at_their_ends) {
  BOOST_TEST((next_delay(failure_class::transient, 1, 0) == 30s));
  BOOST_TEST((next_delay(failure_class::transient, 5, 0) == 2h));
  BOOST_TEST(!next_delay(failure_class::transient, 6, 0));
  BOOST_TEST(!next_delay(failure_class::transient, 0, 0));
  BOOST_TEST((climb(failure_class::transient) == std::pair{std::chrono::seconds{30s + 2min + 10min + 30min + 2h}, 5}));
  BOOST_TEST((next_delay(failure_class::offline, 0, 5) == 1min));
  BOOST_TEST((next_delay(failure_class::offline, 0, 6) == 5min));
  BOOST_TEST((next_delay(failure_class::offline, 0, 18) == 1h));
  BOOST_TEST((next_delay(failure_class::offline, 0, 48) == 24h));
  BOOST_TEST((climb(failure_class::offline) == std::pair{std::chrono::seconds{5min + 60min + 24h + 7 * 24h}, 48}));
  BOOST_TEST(!next_delay(failure_class::permanent, 1, 1));
  BOOST_TEST(!next_delay(failure_class::none, 1, 1));
}

BOOST_AUTO_TEST_CASE(says_what_happened_with_its_code) {
  BOOST_TEST(judge(with_status(0xa702)).text == "the PACS could not send (0xA702)");
}

BOOST_AUTO_TEST_SUITE_END()
