#include "tools/client/download.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/client/data_script.hpp"
#include "tests/client/scratch.hpp"
#include "tools/client/sealed_folder.hpp"

using namespace penstock::client;
using namespace penstock::client::testing;
using penstock::messages::errc;
using std::chrono::milliseconds;

BOOST_TEST_DONT_PRINT_LOG_VALUE(penstock::messages::errc)

namespace {

struct download_fixture {
  scratch_directory scratch;
  user_key key = make_user_key().value();
  download_site site{two_patients(), key.public_key};
  std::unique_ptr<session> control = open_session();
  fetch_options options;

  download_fixture() {
    options.pause = milliseconds{1};
    options.idle_timeout = milliseconds{2000};
  }

  std::unique_ptr<session> open_session() {
    auto opened = session::open({site.control().endpoint(), site.control().public_key(), key, milliseconds{5000}});
    BOOST_REQUIRE(opened.ok());
    return std::move(*opened);
  }

  result<void> fetch() {
    auto opened = open_download(*control, "alz-brain", {{"studies", {"1.2.1"}}});
    if (!opened) return opened.error();
    sealed_folder_store store{scratch.path()};
    download_receiver receiver{opened->facts, store};
    return fetch_download(*control, "alz-brain", *opened, receiver, options);
  }

  void check_folder() {
    download_record record;
    record.download = site.sent().facts().download;
    record.segment_bytes = small_segment_bytes;
    auto open = sealed_folder::open(scratch.path(), record, site.sent().facts().key.copy());
    BOOST_REQUIRE(open.ok());
    for (std::size_t i = 0; i < open->places().size(); ++i) BOOST_TEST(open->verify(i).ok());
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(downloads, download_fixture)

BOOST_AUTO_TEST_CASE(brings_a_whole_download_home) {
  auto fetched = fetch();
  BOOST_REQUIRE_MESSAGE(fetched.ok(), (fetched.ok() ? "" : fetched.error().text()));
  check_folder();
  BOOST_TEST(site.data().connections() == 1);
  BOOST_TEST(site.most_credit() <= 64u);
}

BOOST_AUTO_TEST_CASE(takes_a_new_ticket_after_each_lost_connection) {
  site.close_after(7);
  auto fetched = fetch();
  BOOST_REQUIRE_MESSAGE(fetched.ok(), (fetched.ok() ? "" : fetched.error().text()));
  check_folder();
  BOOST_TEST(site.data().connections() > 3);
}

BOOST_AUTO_TEST_CASE(gives_up_after_some_attempts_that_brought_nothing) {
  site.close_after(0);
  options.max_attempts = 3;
  auto fetched = fetch();
  BOOST_REQUIRE(!fetched.ok());
  BOOST_TEST(fetched.error().code == errc::timed_out);
  BOOST_TEST(site.data().connections() >= 1);
  BOOST_TEST(site.data().connections() <= 3);
}

BOOST_AUTO_TEST_CASE(brings_its_own_key_and_takes_the_one_that_the_server_seals_under) {
  auto opened = open_download(*control, "alz-brain", {{"studies", {"1.2.1"}}});
  BOOST_REQUIRE(opened.ok());
  const auto brought = site.last_wish.at("key").get<std::string>();
  BOOST_TEST(penstock::storage::from_base64(brought, 16, "key").ok());
  BOOST_TEST(penstock::storage::to_base64(opened->facts.key.view()) != brought);
  BOOST_TEST(open_download(*control, "alz-brain", {{"studies", {"1.2.1"}}}).ok());
  BOOST_TEST(site.last_wish.at("key") != brought);
}

BOOST_AUTO_TEST_CASE(waits_for_a_server_that_is_not_ready_yet) {
  site.close_after(7);
  for (const auto* code : {"rate_limited", "shutting_down"}) {
    auto opened = open_download(*control, "alz-brain", {{"studies", {"1.2.1"}}});
    BOOST_REQUIRE(opened.ok());
    site.refuse_to_open(3, code);
    std::vector<errc> pauses;
    options.on_pause = [&](const penstock::messages::failure& why, milliseconds) { pauses.push_back(why.code); };
    sealed_folder_store store{scratch.path()};
    download_receiver receiver{opened->facts, store};
    BOOST_TEST(fetch_download(*control, "alz-brain", *opened, receiver, options).ok());
    BOOST_TEST(pauses.size() > 3);
  }
  check_folder();
}

BOOST_AUTO_TEST_CASE(asks_again_when_the_offer_is_gone_and_gives_way_to_another_program) {
  site.end_session_after(7, "not_found");
  auto fetched = fetch();
  BOOST_TEST(fetched.ok(), (fetched.ok() ? "" : fetched.error().text()));
  BOOST_TEST(site.last_wish.contains("resume"));
  site.end_session_after(7, "conflict");
  fetched = fetch();
  BOOST_REQUIRE(!fetched.ok());
  BOOST_TEST(fetched.error().code == errc::conflict);
}

BOOST_AUTO_TEST_CASE(ends_with_what_the_server_says_of_a_download_that_cannot_go_on) {
  auto opened = open_download(*control, "alz-brain", {{"studies", {"1.2.1"}}});
  BOOST_REQUIRE(opened.ok());
  site.close_after(7);
  site.refuse_to_open(1, "conflict");
  sealed_folder_store store{scratch.path()};
  download_receiver receiver{opened->facts, store};
  auto fetched = fetch_download(*control, "alz-brain", *opened, receiver, options);
  BOOST_REQUIRE(!fetched.ok());
  BOOST_TEST(fetched.error().code == errc::conflict);
}

BOOST_AUTO_TEST_CASE(pauses_longer_each_time_up_to_a_limit_and_ends_a_pause_when_told_to) {
  site.close_after(0);
  options.max_attempts = 6;
  options.longest_pause = milliseconds{4};
  std::vector<long> pauses;
  options.on_pause = [&](const penstock::messages::failure&, milliseconds pause) { pauses.push_back(pause.count()); };
  BOOST_TEST(!fetch().ok());
  BOOST_TEST((pauses == std::vector<long>{1, 2, 4, 4, 4}));
  bool stopped = false;
  options.pause = std::chrono::hours{1};
  options.longest_pause = std::chrono::hours{1};
  options.on_pause = [&](const penstock::messages::failure&, milliseconds) { stopped = true; };
  options.stopped = [&] { return stopped; };
  BOOST_TEST(fetch().error().code == errc::shutting_down);
}

BOOST_AUTO_TEST_CASE(refuses_bytes_that_were_altered_on_the_way) {
  site.alter_segment(9);
  auto fetched = fetch();
  BOOST_REQUIRE(!fetched.ok());
  BOOST_TEST(fetched.error().code == errc::authentication_failed);
}

BOOST_AUTO_TEST_CASE(stops_when_it_is_told_to) {
  options.stopped = [] { return true; };
  auto fetched = fetch();
  BOOST_REQUIRE(!fetched.ok());
  BOOST_TEST(fetched.error().code == errc::shutting_down);
}

BOOST_AUTO_TEST_SUITE_END()
