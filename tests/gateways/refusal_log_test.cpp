#include "gateways/refusal_log.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

namespace penstock::gateways {
namespace {

using messages::errc;

constexpr std::int64_t start_ms = 1'000'000;

BOOST_AUTO_TEST_SUITE(refusal_log_suite)

BOOST_AUTO_TEST_CASE(says_nothing_when_nothing_was_refused) {
  refusal_log log;
  BOOST_TEST(!log.due(start_ms, 0));
  BOOST_TEST(!log.due(start_ms + 10 * refusal_log::period_ms, 0));
}

BOOST_AUTO_TEST_CASE(makes_one_entry_a_minute_whatever_comes) {
  refusal_log log;
  BOOST_TEST(!log.due(start_ms, 0));
  for (int n = 0; n < 1'000; ++n) log.count("raj", errc::not_found);
  BOOST_TEST(!log.due(start_ms + refusal_log::period_ms - 1, 5));
  const auto entry = log.due(start_ms + refusal_log::period_ms, 5);
  BOOST_REQUIRE(entry);
  const auto details = nlohmann::json::parse(entry->details);
  BOOST_TEST(details["connections"] == 5);
  BOOST_TEST(details["commands"].size() == 1);
  BOOST_TEST(details["commands"][0]["times"] == 1'000);
  BOOST_TEST(details["commands"][0]["code"] == "not_found");
  BOOST_TEST(!log.due(start_ms + 2 * refusal_log::period_ms, 5));
}

BOOST_AUTO_TEST_CASE(counts_only_so_many_users_by_name) {
  refusal_log log;
  BOOST_TEST(!log.due(start_ms, 0));
  for (std::size_t n = 0; n < refusal_log::most_users + 50; ++n) log.count("u" + std::to_string(n), errc::not_found);
  const auto details = nlohmann::json::parse(log.due(start_ms + refusal_log::period_ms, 0)->details);
  BOOST_TEST(details["commands"].size() == refusal_log::most_users + 1);
  BOOST_TEST(details["commands"][0]["user"] == "");
  BOOST_TEST(details["commands"][0]["times"] == 50);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways
