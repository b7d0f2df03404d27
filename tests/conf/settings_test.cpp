#include "conf/settings.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/conf/scratch.hpp"

using namespace penstock::conf;
using namespace std::chrono_literals;

namespace {

using server_settings = penstock::conf::settings;

bool has_fault(const std::vector<fault>& faults, std::uint32_t line, std::uint32_t column, std::string_view words) {
  return std::any_of(faults.begin(), faults.end(), [&](const fault& one) {
    return one.line == line && one.column == column && one.message.find(words) != std::string::npos;
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(settings)

BOOST_AUTO_TEST_CASE(gives_the_defaults_for_a_file_that_says_nothing) {
  const auto read = parse_settings("version = 1\n", "penstockd.toml");
  BOOST_TEST(read.ok(), text_of(read.faults));
  BOOST_TEST((read.value == server_settings{}));
  BOOST_TEST(read.value.advertised_data_endpoint() == read.value.data_endpoint);
}

BOOST_AUTO_TEST_CASE(reads_every_key) {
  const auto read = parse_settings(R"(version = 1
state_directory = "state"
rules_file = "/rules/governance.toml"
server_key_file = "keys/server.key"
programs_directory = "bin"
cache_shards = 4
control_endpoint = "tcp://*:1"
data_endpoint = "tcp://[::1]:2"
data_endpoint_public = "tcp://penstock.example:3"
http_endpoint = "0.0.0.0:4"
[site]
name = "Hospital"
origin = "hospital.example/journal"
[dicom]
ae_title = "RESEARCH"
bind_address = "0.0.0.0"
port = 104
[log]
level = "debug"
file = "log/penstockd.log"
[backup]
directory = "/backups"
keep = 2
[limits]
max_sessions = 1
max_sessions_per_user = 2
max_subscriptions_per_session = 3
max_events_per_topic = 4
max_downloads = 5
max_inbound_associations = 6
max_inbound_associations_per_peer = 7
child_memory = "256 MiB"
min_free_disk = "2 GiB"
drain_timeout = "5 s"
)",
                                   "/etc/penstock/penstockd.toml");
  BOOST_REQUIRE_MESSAGE(read.ok(), text_of(read.faults));
  server_settings expected;
  expected.site_name = "Hospital";
  expected.site_origin = "hospital.example/journal";
  expected.state_directory = "/etc/penstock/state";
  expected.rules_file = "/rules/governance.toml";
  expected.server_key_file = "/etc/penstock/keys/server.key";
  expected.programs_directory = "/etc/penstock/bin";
  expected.cache_shards = 4;
  expected.control_endpoint = "tcp://*:1";
  expected.data_endpoint = "tcp://[::1]:2";
  expected.data_endpoint_public = "tcp://penstock.example:3";
  expected.http_endpoint = {"0.0.0.0", 4};
  expected.dicom = {"RESEARCH", "0.0.0.0", 104};
  expected.log = {"debug", "/etc/penstock/log/penstockd.log"};
  expected.backup = {"/backups", 2};
  expected.limits = {1, 2, 3, 4, 5, 6, 7, 256ULL << 20, 2ULL << 30, 5s};
  BOOST_TEST((read.value == expected));
  BOOST_TEST(read.value.advertised_data_endpoint() == "tcp://penstock.example:3");
}

BOOST_AUTO_TEST_CASE(tells_all_faults_at_once_with_line_and_column) {
  const auto read = parse_settings(
      "version = 2\n"
      "cache_shards = 0\n"
      "control_endpoint = \"127.0.0.1:7070\"\n"
      "colour = \"red\"\n"
      "http_endpoint = \"127.0.0.1\"\n"
      "[dicom]\n"
      "ae_title = \"SEVENTEEN_LETTERS\"\n"
      "port = \"104\"\n"
      "prot = 104\n"
      "[limits]\n"
      "drain_timeout = \"20\"\n"
      "child_memory = \"1 GB\"\n"
      "[log]\n"
      "level = \"loud\"\n",
      "penstockd.toml");
  BOOST_TEST(read.faults.size() == 11U, text_of(read.faults));
  BOOST_TEST(has_fault(read.faults, 1, 11, "version: expected the number 1"));
  BOOST_TEST(has_fault(read.faults, 2, 16, "cache_shards: expected a number from 1 to 64"));
  BOOST_TEST(has_fault(read.faults, 3, 20, "tcp://HOST:PORT"));
  BOOST_TEST(has_fault(read.faults, 4, 1, "unknown key \"colour\""));
  BOOST_TEST(has_fault(read.faults, 5, 17, "HOST:PORT"));
  BOOST_TEST(has_fault(read.faults, 7, 12, "at most 16 bytes"));
  BOOST_TEST(has_fault(read.faults, 8, 8, "port: expected a number"));
  BOOST_TEST(has_fault(read.faults, 9, 1, "unknown key \"prot\""));
  BOOST_TEST(has_fault(read.faults, 11, 17, "a duration with its unit"));
  BOOST_TEST(has_fault(read.faults, 12, 16, "a size with its unit"));
  BOOST_TEST(has_fault(read.faults, 14, 9, "level: expected trace"));
}

BOOST_AUTO_TEST_CASE(tells_where_the_text_is_no_toml) {
  const auto read = parse_settings("version = 1\nstate_directory = \"open\n", "penstockd.toml");
  BOOST_REQUIRE(read.faults.size() == 1U);
  BOOST_TEST(read.faults[0].line == 2U);
  BOOST_TEST(read.faults[0].text().starts_with("penstockd.toml:2:"));
}

BOOST_AUTO_TEST_CASE(refuses_a_file_that_is_missing_too_long_or_no_file) {
  const penstock::test::scratch directory;
  BOOST_TEST(!load_settings(directory.root() / "absent.toml").ok());
  BOOST_TEST(!load_settings(directory.root()).ok());
  const auto comment = "version = 1\n#" + std::string(max_settings_bytes - 14, 'x') + "\n";
  BOOST_TEST(load_settings(directory.write("full.toml", comment)).ok());
  BOOST_TEST(!load_settings(directory.write("long.toml", comment + "\n")).ok());
}

BOOST_AUTO_TEST_CASE(stops_at_the_limit_of_faults_and_says_so) {
  std::string text = "version = 1\n";
  for (int i = 0; i < 300; ++i) text += "unknown_" + std::to_string(i) + " = 1\n";
  const auto read = parse_settings(text, "penstockd.toml");
  BOOST_TEST(read.faults.size() == max_faults + 1);
  BOOST_TEST(read.faults.back().message == "there are more faults than are shown");
}

BOOST_AUTO_TEST_SUITE_END()
