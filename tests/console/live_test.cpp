#include "tools/console/live.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::console;
using nlohmann::json;
using penstock::client::event_kind;
using penstock::client::topic_event;

namespace {

struct live_fixture {
  live_project live{"alz-brain"};

  static json request(const std::string& id, const std::string& state) {
    return {{"id", id},
            {"state", state},
            {"AccessionNumber", "a" + id},
            {"institution", "General Hospital"},
            {"priority", "high"},
            {"position", 3},
            {"submitted", "2026-11-20T10:00:00Z"}};
  }
  static json page(const std::vector<json>& items, const std::string& next = "") {
    json made{{"requests", items}};
    if (!next.empty()) made["next"] = next;
    return made;
  }
  void event(json body) { live.learn_event({event_kind::event, live.requests_topic(), 1, std::move(body)}); }
  std::string value(const std::string& id, request_value which) {
    const auto at = live.requests().find(id);
    return at ? std::string{live.requests().value(*at, static_cast<std::size_t>(which))} : "(gone)";
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(live_projects, live_fixture)

BOOST_AUTO_TEST_CASE(reads_a_listing_page_by_page) {
  BOOST_TEST(live.begin(listing::requests).command == "requests.list");
  const auto second = live.learn_page(listing::requests, page({request("1", "scheduled")}, "more"));
  BOOST_REQUIRE(second.has_value());
  BOOST_TEST(second->args["cursor"] == "more");
  BOOST_TEST(!live.learn_page(listing::requests, page({request("2", "completed")})));
  BOOST_TEST(!live.reading(listing::requests));
  BOOST_TEST(live.requests().size() == 2U);
  BOOST_TEST(live.anything_waits());
}

BOOST_AUTO_TEST_CASE(forgets_what_is_not_in_the_listing_any_more) {
  static_cast<void>(live.begin(listing::requests));
  live.learn_page(listing::requests, page({request("1", "scheduled"), request("2", "scheduled")}));
  static_cast<void>(live.refresh(listing::requests));
  live.learn_page(listing::requests, page({request("1", "scheduled")}));
  BOOST_TEST(live.requests().size() == 2U);
  static_cast<void>(live.begin(listing::requests));
  live.learn_page(listing::requests, page({request("1", "scheduled")}));
  BOOST_TEST(live.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(believes_an_event_more_than_a_page_that_was_asked_before_it) {
  static_cast<void>(live.begin(listing::requests));
  event({{"kind", "request.completed"}, {"request", "1"}, {"state", "completed"}, {"at", "2026-11-20T11:00:00Z"}});
  event({{"kind", "request.deleted"}, {"request", "2"}, {"state", "completed"}});
  live.learn_page(listing::requests, page({request("1", "processing"), request("2", "completed")}));
  BOOST_TEST(value("1", request_value::state) == "completed");
  BOOST_TEST(value("2", request_value::state) == "(gone)");
  BOOST_TEST(live.take_wish(listing::requests));
  BOOST_TEST(!live.take_wish(listing::requests));
}

BOOST_AUTO_TEST_CASE(changes_by_events_what_they_tell_and_nothing_else) {
  static_cast<void>(live.begin(listing::requests));
  live.learn_page(listing::requests, page({request("1", "scheduled")}));
  event({{"kind", "request.started"}, {"request", "1"}, {"state", "processing"}, {"reason", "permit granted"}});
  event({{"kind", "progress"}, {"request", "1"}, {"counts", {{"received", 4}, {"expected", 9}}}, {"bytes", 77}});
  BOOST_TEST(value("1", request_value::state) == "processing");
  BOOST_TEST(value("1", request_value::position) == "");
  BOOST_TEST(value("1", request_value::institution) == "General Hospital");
  BOOST_TEST(value("1", request_value::priority) == "high");
  BOOST_TEST(value("1", request_value::progress) == "4/9");
  BOOST_TEST(value("1", request_value::bytes) == "77");
  event({{"kind", "progress"}, {"request", "unknown"}, {"counts", {{"received", 4}}}});
  BOOST_TEST(live.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(follows_the_repository) {
  static_cast<void>(live.begin(listing::holdings));
  live.learn_page(listing::holdings, {{"items", {{{"StudyInstanceUID", "1.2"}, {"bytes", 10}}}}});
  BOOST_TEST(live.holdings().size() == 1U);
  const json study{{"StudyInstanceUID", "1.2"}};
  live.learn_event({event_kind::event,
                    live.cache_topic(),
                    1,
                    {{"kind", "download.opened"}, {"user", "amy"}, {"study", study}, {"at", "2026-11-22T10:00:00Z"}}});
  const auto at = live.holdings().find("1.2").value();
  BOOST_TEST(live.holdings().value(at, static_cast<std::size_t>(holding_value::last_download_user)) == "amy");
  live.learn_event({event_kind::event, live.cache_topic(), 2, {{"kind", "holding.deleted"}, {"study", study}}});
  BOOST_TEST(live.holdings().size() == 0U);
  live.learn_usage({{"quota", 100}, {"used", 40}, {"reserved", 5}, {"studies", 1}});
  BOOST_TEST(live.quota().used == 40U);
}

BOOST_AUTO_TEST_CASE(survives_what_is_no_event) {
  for (const auto& body : {json::object(), json{{"request", 7}, {"state", {1, 2}}, {"study", "x"}, {"counts", 9}},
                           json{{"request", "1"}, {"counts", {{"received", "many"}}}}})
    event(body);
  live.learn_page(listing::requests, {{"requests", {1, "x", json::object()}}, {"next", 5}});
  live.learn_event({event_kind::gap, live.progress_topic(), 1, {}});
}

BOOST_AUTO_TEST_SUITE_END()
