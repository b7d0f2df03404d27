#include "tools/console/transfer_queue.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/console/fake_local_side.hpp"

using namespace penstock::console;
using namespace std::chrono_literals;

namespace {

struct queue_fixture : testing::fake_machine {
  void add(const std::string& folder) {
    transfer_order order;
    order.folder = folder;
    order.resumable = true;
    BOOST_REQUIRE(transfers.add(std::move(order)).ok());
  }
  const transfer& of(const std::string& folder) { return *transfers.of(folder); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(transfer_queues, queue_fixture)

BOOST_AUTO_TEST_CASE(runs_two_at_a_time_and_the_rest_in_their_turn) {
  for (const auto* folder : {"a", "b", "c"}) add(folder);
  BOOST_TEST(programs.all.size() == 2U);
  BOOST_TEST(state_text(of("c")) == "waiting");
  programs.all[0].on_end({0, R"({"images": 9, "bytes": 5242880, "missing": []})"});
  BOOST_TEST(state_text(of("a")) == "✓ 9 images, 5 MiB");
  BOOST_TEST(programs.all.size() == 3U);
}

BOOST_AUTO_TEST_CASE(tells_how_far_it_is_and_how_long_it_takes) {
  add("a");
  const auto begin = transfer_queue::clock::now();
  transfers.learn_line(1, R"({"images":1,"images_total":10,"bytes":0,"bytes_total":104857600})", begin);
  transfers.learn_line(1, R"({"images":2,"images_total":10,"bytes":26214400,"bytes_total":104857600})", begin + 1s);
  BOOST_TEST(state_text(of("a")) == "25 %, 25 MiB/s, 3 s left");
  BOOST_TEST(summary_of(transfers) == "1 transfer under way, 25 %");
  transfers.learn_line(1, R"({"waits":"the connection was lost; next attempt in 2 s"})", begin + 2s);
  BOOST_TEST(state_text(of("a")) == "the connection was lost; next attempt in 2 s");
}

BOOST_AUTO_TEST_CASE(ends_one_in_order_and_says_that_it_can_be_resumed) {
  for (const auto* folder : {"a", "b", "c"}) add(folder);
  BOOST_TEST(transfers.stop("a"));
  BOOST_TEST(transfers.stop("c"));
  BOOST_TEST(!transfers.stop("c"));
  BOOST_TEST(programs.interrupted == std::vector<int>{0}, boost::test_tools::per_element());
  programs.all[0].on_end({7, R"({"error": {"message": "interrupted"}})"});
  BOOST_TEST(state_text(of("a")) == "■ interrupted; it can be resumed");
  BOOST_TEST(transfers.under_way() == 1U);
  BOOST_TEST(programs.all.size() == 2U);
}

BOOST_AUTO_TEST_CASE(tells_why_one_failed) {
  add("a");
  programs.all[0].on_line("a warning");
  programs.all[0].on_end({6, R"({"error": {"code": "not_found", "message": "no such study"}})"});
  BOOST_TEST(state_text(of("a")) == "✗ no such study");
  add("b");
  programs.all[1].on_line("penstock: out of memory");
  programs.all[1].on_end({-1, ""});
  BOOST_TEST(state_text(of("b")) == "✗ penstock: out of memory");
}

BOOST_AUTO_TEST_CASE(tells_what_a_viewer_refused) {
  add("a");
  programs.all[0].on_end({3, R"({"sent": 22, "refused": [{"image": 1, "message": "not of this kind"}]})"});
  BOOST_TEST(state_text(of("a")) == "✗ 22 images sent, 1 refused: not of this kind");
}

BOOST_AUTO_TEST_CASE(does_one_thing_at_a_time_in_a_folder_and_takes_no_more_than_its_limit) {
  add("a");
  transfer_order same;
  same.folder = "a";
  BOOST_TEST(!transfers.add(same).ok());
  const auto most = transfer_queue::most_running + transfer_queue::most_waiting;
  for (std::size_t i = 1; i < most; ++i) add(std::to_string(i));
  same.folder = "one more";
  BOOST_TEST(!transfers.add(same).ok());
}

BOOST_AUTO_TEST_CASE(forgets_the_oldest_that_have_ended) {
  for (std::size_t i = 0; i < 2 * transfer_queue::most_ended; ++i) {
    add(std::to_string(i));
    programs.all.back().on_end({0, "{}"});
  }
  BOOST_TEST(transfers.all().size() <= transfer_queue::most_ended + 1);
  BOOST_TEST(transfers.of("0") == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
