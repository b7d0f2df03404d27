// `download.open` from the command to the answer: who is asked what, in which order, and what a client hears.

#include <future>

#include "storage/key_wrap.hpp"
#include "tests/gateways/control_site.hpp"

namespace penstock::gateways::test {
namespace {

using messages::dicom_uid;
using messages::errc;

const std::string own_key = "AAECAwQFBgcICQoLDA0ODw==";

std::string check_of(const std::string& key, const std::string& download) {
  return storage::data_key_check(*storage::from_base64(key, 16, "key"), download);
}

/// A queue that lets one study out as download d-1.
struct opening_site : control_site {
  download_tickets tickets;
  std::mutex mutex;
  std::vector<download_offer> offers;
  std::vector<std::string> withdrawn;
  std::shared_future<void> hold_offers;  ///< when it is valid, offers are made after it
  std::vector<messages::authorise_download> authorised;
  std::vector<messages::record_download> recorded;

  opening_site() {
    authorise = [this](const messages::authorise_download& wish) -> caf::result<messages::download_authorised> {
      const std::lock_guard lock{mutex};
      authorised.push_back(wish);
      return grant();
    };
    record = [this](const messages::record_download& what) -> caf::result<messages::download_recorded> {
      const std::lock_guard lock{mutex};
      recorded.push_back(what);
      return messages::download_recorded{what.download, {}};
    };
    parts.downloads =
        std::make_shared<download_desk>(download_desk_options{"tcp://data", [] { return test_time_us; }}, tickets,
                                        download_outlets{[this](download_offer offer) -> messages::result<void> {
                                                           if (hold_offers.valid()) {
                                                             asked.write("an offer is held");
                                                             hold_offers.wait();
                                                           }
                                                           const std::lock_guard lock{mutex};
                                                           offers.push_back(std::move(offer));
                                                           return {};
                                                         },
                                                         [this](const std::string& id) { withdrawn.push_back(id); },
                                                         [this](const auto& allowed) { judge(allowed); }});
  }
  ~opening_site() { gateway.reset(); }

  void judge(const std::function<bool(const std::string&, const std::string&)>& allowed) {
    asked.write(allowed("amy", "alz-brain") ? "amy goes on" : "amy is cut off");
  }
  void await(const std::string& line) {
    const auto said = [&] {
      const auto lines = asked.lines();
      return std::find(lines.begin(), lines.end(), line) != lines.end();
    };
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!said() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(silence / 10);
    BOOST_TEST(said(), line);
  }

  static messages::download_authorised grant() {
    messages::download_authorised made;
    made.download = "d-1";
    made.parts.push_back({"gh-rad", 0, dicom_uid{"1.2"}, 7, {dicom_uid{"1.2.3"}}});
    return made;
  }
  json open(const json& args, const std::string& op = "o1") {
    return client("amy").ask("download.open", "alz-brain", args, op);
  }
};

BOOST_FIXTURE_TEST_SUITE(download_opening, opening_site)

BOOST_AUTO_TEST_CASE(records_what_will_leave_before_it_offers_it) {
  record = [this](const messages::record_download& what) -> caf::result<messages::download_recorded> {
    recorded.push_back(what);
    asked.write("offers at the record: " + std::to_string(offers.size()));
    return messages::download_recorded{what.download, {}};
  };
  start();
  const auto opened = open({{"studies", {"1.2"}}});
  BOOST_REQUIRE(verdict(opened) == "ok");
  const auto& ok = opened["ok"];
  BOOST_TEST(ok["download"] == "d-1");
  BOOST_TEST(ok["objects"] == 2);
  BOOST_TEST(ok["segment_bytes"] == 262'144);
  BOOST_TEST(ok["expires"] == "2026-03-08T12:01:00.000Z");
  BOOST_TEST(tickets.redeem(ok["ticket"].get<std::string>(), ok["secret"].get<std::string>()) == "d-1");
  BOOST_REQUIRE(offers.size() == 1);
  BOOST_TEST(offers[0].user == "amy");
  BOOST_TEST(ok["key"] == storage::to_base64(offers[0].key.view()));
  BOOST_REQUIRE(recorded.size() == 1);
  BOOST_TEST(!recorded[0].resumed);
  BOOST_TEST(recorded[0].who.op == "o1");
  BOOST_TEST(recorded[0].key_check == check_of(ok["key"], "d-1"));
  BOOST_REQUIRE(recorded[0].studies.size() == 1);
  BOOST_TEST(recorded[0].studies[0].version == 7);
  BOOST_TEST(recorded[0].studies[0].bytes == 100);
  const auto lines = asked.lines();
  BOOST_TEST((std::find(lines.begin(), lines.end(), "offers at the record: 0") != lines.end()));
}

BOOST_AUTO_TEST_CASE(seals_under_the_key_that_the_client_brings) {
  start();
  const auto opened = open({{"studies", {"1.2"}}, {"key", own_key}});
  BOOST_REQUIRE(verdict(opened) == "ok");
  BOOST_TEST(opened["ok"]["key"] == own_key);
  BOOST_TEST(recorded.at(0).key_check == check_of(own_key, "d-1"));
  BOOST_TEST(verdict(open({{"studies", {"1.2"}}, {"key", "short"}})) == "bad_request");
}

BOOST_AUTO_TEST_CASE(resumes_with_the_key_and_never_hands_it_to_an_actor) {
  start();
  const auto opened = open({{"resume", "d-1"}, {"key", own_key}});
  BOOST_REQUIRE(verdict(opened) == "ok");
  BOOST_TEST(opened["ok"]["key"] == own_key);
  BOOST_TEST(authorised.at(0).resume == "d-1");
  BOOST_TEST(authorised.at(0).key_check == check_of(own_key, "d-1"));
  BOOST_TEST(recorded.at(0).resumed);
  BOOST_TEST(verdict(open({{"resume", "d-1"}})) == "bad_request");
}

BOOST_AUTO_TEST_CASE(answers_a_repeated_operation_in_full_to_whoever_brings_the_key_again) {
  authorise = [this](const messages::authorise_download& wish) -> caf::result<messages::download_authorised> {
    authorised.push_back(wish);
    auto answer = grant();
    answer.repeated = wish.resume.empty();
    return answer;
  };
  start();
  const auto again = open({{"studies", {"1.2"}}, {"key", own_key}});
  BOOST_REQUIRE(verdict(again) == "ok");
  BOOST_TEST(again["ok"]["download"] == "d-1");
  BOOST_TEST(again["ok"]["key"] == own_key);
  BOOST_REQUIRE(authorised.size() == 2);
  BOOST_TEST(authorised[1].resume == "d-1");
  BOOST_TEST(authorised[1].studies.empty());
  const auto without = open({{"studies", {"1.2"}}});
  BOOST_TEST(verdict(without) == "conflict");
  BOOST_TEST(without["error"]["details"]["download"] == "d-1");
}

BOOST_AUTO_TEST_CASE(goes_on_with_the_twin_that_was_recorded_first) {
  record = [this](const messages::record_download& what) -> caf::result<messages::download_recorded> {
    recorded.push_back(what);
    return messages::download_recorded{what.resumed ? what.download : "d-0", {}};
  };
  authorise = [](const messages::authorise_download& wish) -> caf::result<messages::download_authorised> {
    auto answer = grant();
    if (!wish.resume.empty()) answer.download = wish.resume;
    return answer;
  };
  start();
  const auto opened = open({{"studies", {"1.2"}}, {"key", own_key}});
  BOOST_REQUIRE(verdict(opened) == "ok");
  BOOST_TEST(opened["ok"]["download"] == "d-0");
  BOOST_REQUIRE(offers.size() == 1);
  BOOST_TEST(offers[0].download == "d-0");
}

BOOST_AUTO_TEST_CASE(names_the_studies_that_are_gone_or_changed) {
  authorise = [](const messages::authorise_download& wish) -> caf::result<messages::download_authorised> {
    auto answer = grant();
    if (wish.resume == "d-2") answer.gone = {dicom_uid{"1.9"}};
    return answer;
  };
  record = [](const messages::record_download& what) -> caf::result<messages::download_recorded> {
    return messages::download_recorded{what.download, {dicom_uid{"1.2"}, dicom_uid{"1.3"}}};
  };
  start();
  const auto gone = open({{"resume", "d-2"}, {"key", own_key}});
  BOOST_TEST(verdict(gone) == "conflict");
  BOOST_TEST(gone["error"]["details"]["studies"] == (json{"1.9"}));
  const auto changed = open({{"resume", "d-1"}, {"key", own_key}});
  BOOST_TEST(verdict(changed) == "conflict");
  BOOST_TEST(changed["error"]["details"]["studies"] == (json{"1.2", "1.3"}));
  BOOST_TEST(changed["error"]["message"].get<std::string>().find("1.2") == std::string::npos);
  BOOST_TEST(offers.empty());
}

BOOST_AUTO_TEST_CASE(says_what_the_queue_refuses) {
  authorise = [](const messages::authorise_download& wish) -> caf::result<messages::download_authorised> {
    if (!wish.resume.empty()) return messages::to_caf({errc::not_permitted, "key: wrong"});
    return messages::to_caf({errc::rate_limited, "64 are open"});
  };
  start();
  BOOST_TEST(verdict(open({{"resume", "d-1"}, {"key", own_key}})) == "not_permitted");
  BOOST_TEST(verdict(open({{"studies", {"1.2"}}})) == "rate_limited");
  BOOST_TEST(offers.empty());
  BOOST_TEST(tickets.outstanding() == 0);
}

BOOST_AUTO_TEST_CASE(opens_nothing_for_whoever_was_removed_while_it_was_prepared) {
  record = [this](const messages::record_download& what) -> caf::result<messages::download_recorded> {
    rules.projects["alz-brain"].members = {"raj"};
    publish_rules();
    return messages::download_recorded{what.download, {}};
  };
  start();
  const auto answer = open({{"studies", {"1.2"}}});
  BOOST_TEST(verdict(answer) == "not_found");
  BOOST_TEST((withdrawn == std::vector<std::string>{"d-1"}));
}

BOOST_AUTO_TEST_CASE(holds_up_nobodys_events_while_a_large_one_is_prepared) {
  std::promise<void> prepared;
  hold_offers = prepared.get_future().share();
  parts.read_events = [](const std::string& topic, std::uint64_t first, std::size_t) {
    std::vector<messages::topic_entry> page;
    if (first == 1) page.push_back({topic, 1, R"({"seq":1})"});
    return messages::result<std::vector<messages::topic_entry>>{page};
  };
  start();
  auto amy = client("amy");
  amy.say(
      "CMD",
      {{"id", "q"}, {"do", "download.open"}, {"project", "alz-brain"}, {"op", "o1"}, {"args", {{"studies", {"1.2"}}}}});
  await("an offer is held");
  auto raj = client("raj");
  raj.say("SUB", {{"topic", "p/alz-brain/cache"}, {"from", 1}, {"credit", 10}});
  const auto event = raj.receive(patience);
  BOOST_REQUIRE(event.has_value());
  BOOST_TEST(event->front() == "EV");
  prepared.set_value();
  BOOST_TEST(verdict(amy.answer()) == "ok");
}

BOOST_AUTO_TEST_CASE(tells_the_queue_when_a_session_has_ended) {
  start();
  parts.downloads->session_ended({"alz-brain", {"d-1", 10, true}});
  parts.downloads->session_ended({"unknown", {"d-9", 10, true}});
  await("ended d-1");
}

BOOST_AUTO_TEST_CASE(judges_open_downloads_again_on_every_new_day) {
  std::atomic<int> days{0};
  options.today = [&](const conf::rules&) {
    return std::chrono::year_month_day{std::chrono::sys_days{test_day} + std::chrono::days{days.load()}};
  };
  std::atomic<std::int64_t> utc_us{test_time_us};
  options.utc_us = [&] { return utc_us.load(); };
  rules.projects["alz-brain"].valid_through = test_day;
  start();
  await("amy goes on");
  days = 1;
  utc_us += 2'000'000;
  await("amy is cut off");
  gateway.reset();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways::test
