// The page that clients are written from says of every command whether the server has it.

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "actors/download_book.hpp"
#include "gateways/access_policy.hpp"
#include "gateways/download_gateway.hpp"

namespace penstock::gateways {
namespace {

/// The names in back quotes in the first cell of a table's line.
std::set<std::string> names_in_first_cell(const std::string& line) {
  std::set<std::string> names;
  const auto end = line.find(" | ");
  for (auto at = line.find('`'); at < end; at = line.find('`', at)) {
    const auto close = line.find('`', at + 1);
    names.insert(line.substr(at + 1, close - at - 1));
    at = close + 1;
  }
  return names;
}

struct wire_page {
  std::set<std::string> present;
  std::set<std::string> later;
  std::set<std::string> with_op;
  std::set<std::string> working;

  wire_page() {
    std::ifstream file{std::string{PENSTOCK_SOURCE_DIR} + "/messages/WIRE.md"};
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("## ")) inside = line == "## Commands";
      if (!inside || !line.starts_with("| `")) continue;
      const auto names = names_in_first_cell(line);
      const auto cell = line.substr(0, line.find(" | "));
      (line.ends_with("**yes** |") ? present : later).insert(names.begin(), names.end());
      if (cell.find("§") != std::string::npos) with_op.insert(names.begin(), names.end());
      if (cell.find("‡") != std::string::npos) working.insert(names.begin(), names.end());
    }
  }
};

BOOST_FIXTURE_TEST_SUITE(wire_page_suite, wire_page)

BOOST_AUTO_TEST_CASE(lists_every_command_that_the_server_has) {
  BOOST_TEST(present.size() == 35);
  for (const auto& name : present) {
    const auto* command = find_command(name);
    BOOST_REQUIRE_MESSAGE(command != nullptr, name);
    BOOST_TEST(command->needs_op == with_op.contains(name), name);
    BOOST_TEST((command->who == audience::working_member) == working.contains(name), name);
  }
}

BOOST_AUTO_TEST_CASE(promises_no_command_that_the_server_lacks) {
  BOOST_TEST(later.size() > 5);
  for (const auto& name : later) BOOST_TEST(find_command(name) == nullptr, name);
}

BOOST_AUTO_TEST_CASE(tells_the_limits_of_downloads_as_they_are) {
  std::ifstream file{std::string{PENSTOCK_SOURCE_DIR} + "/messages/WIRE.md"};
  const std::string page{std::istreambuf_iterator<char>{file}, {}};
  const download_gateway_options data;
  const auto open = std::to_string(actors::most_open_downloads);
  const auto sent = std::to_string(data.offers.max_offers_per_user);
  BOOST_TEST(page.find(open + " downloads of the user in this project are open") != std::string::npos);
  BOOST_TEST(page.find(sent + " of the user are being sent") != std::string::npos);
  BOOST_TEST(page.find("a session\n   holds at most " + std::to_string(data.max_credit)) != std::string::npos);
  BOOST_TEST(actors::download_lifetime_us == std::chrono::microseconds{std::chrono::hours{24}}.count());
  for (const auto code : {messages::errc::bad_request, messages::errc::not_found, messages::errc::conflict,
                          messages::errc::timed_out, messages::errc::rate_limited})
    BOOST_TEST(page.find("\n| `" + std::string{name_of(code)} + "` |") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways
