#include "tools/penstock/pull_record.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/client/scratch.hpp"

using namespace penstock::commands;
using penstock::client::testing::put_content;
using penstock::client::testing::scratch_directory;
using strings = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(pull_records)

BOOST_AUTO_TEST_CASE(is_read_as_it_was_written) {
  const scratch_directory scratch;
  pull_record record;
  record.project = "alz-brain";
  record.requests = {"7", "8", "9"};
  record.submitted.push_back({"op", 3, true});
  record.batches.push_back({next_folder(record), {"8"}, true, 5, 1});
  record.lines = {{"found", 3}};
  BOOST_REQUIRE(save_pull(scratch.path(), record).ok());
  const auto read = load_pull(scratch.path());
  BOOST_REQUIRE(read.ok());
  BOOST_TEST(read->batches.front().folder == "0001");
  BOOST_TEST(read->batches.front().missing == 1u);
  BOOST_TEST(read->lines.at("found") == 3u);
  BOOST_TEST((not_in_a_batch(*read) == strings{"7", "9"}));
  BOOST_TEST(next_folder(*read) == "0002");
}

BOOST_AUTO_TEST_CASE(of_another_version_or_none_is_told) {
  const scratch_directory scratch;
  BOOST_TEST(static_cast<int>(load_pull(scratch.path()).error().code) ==
             static_cast<int>(penstock::messages::errc::not_found));
  put_content(scratch.path() / pull_record_name, R"({"version": 2})");
  BOOST_TEST(!load_pull(scratch.path()).ok());
}

BOOST_AUTO_TEST_SUITE_END()
