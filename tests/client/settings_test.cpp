#include "tools/client/settings.hpp"

#include <boost/test/unit_test.hpp>
#include <map>

#include "tests/client/scratch.hpp"

using namespace penstock::client;
using namespace penstock::client::testing;
using penstock::messages::errc;

BOOST_TEST_DONT_PRINT_LOG_VALUE(penstock::messages::errc)

namespace {

environment variables(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string{} : found->second;
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(client_settings)

BOOST_AUTO_TEST_CASE(prefers_flags_to_the_environment_and_the_environment_to_the_file) {
  const scratch_directory scratch;
  const auto file = scratch.path() / "config.json";
  put_content(file, R"({"server":"tcp://file:1","server_key":"FK","project":"file","key_file":"/file","new":1})");
  const auto env =
      variables({{"PENSTOCK_CONFIG", file.string()}, {"PENSTOCK_PROJECT", "env"}, {"PENSTOCK_SERVER_KEY", "EK"}});
  auto chosen = resolve_settings({"", "FLAG", "", ""}, env);
  BOOST_REQUIRE(chosen.ok());
  BOOST_TEST(chosen->server == "tcp://file:1");
  BOOST_TEST(chosen->server_key == "FLAG");
  BOOST_TEST(chosen->project == "env");
  BOOST_TEST(chosen->key_file == "/file");
}

BOOST_AUTO_TEST_CASE(does_without_a_file_unless_one_is_named) {
  const scratch_directory scratch;
  auto chosen = resolve_settings({}, variables({{"HOME", scratch.path().string()}}));
  BOOST_REQUIRE(chosen.ok());
  BOOST_TEST(chosen->key_file == (scratch.path() / ".config/penstock/key").string());
  BOOST_TEST(!resolve_settings({}, variables({{"PENSTOCK_CONFIG", (scratch.path() / "none").string()}})).ok());
}

BOOST_AUTO_TEST_CASE(names_the_file_and_the_member_that_is_wrong) {
  const scratch_directory scratch;
  const auto file = scratch.path() / "config.json";
  const auto env = variables({{"PENSTOCK_CONFIG", file.string()}});
  put_content(file, R"({"server": 7})");
  BOOST_TEST(resolve_settings({}, env).error().context.find("\"server\"") != std::string::npos);
  put_content(file, "server = 7");
  BOOST_TEST(resolve_settings({}, env).error().code == errc::bad_configuration);
}

BOOST_AUTO_TEST_CASE(says_what_to_do_when_the_server_is_not_known) {
  BOOST_TEST(check_settings({}).error().context.find("PENSTOCK_SERVER") != std::string::npos);
  BOOST_TEST(!check_settings({"localhost", "", "", ""}).ok());
  BOOST_TEST(!check_settings({"tcp://h:1", "short", "", ""}).ok());
  BOOST_TEST(check_settings({"tcp://h:1", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "", ""}).ok());
}

BOOST_AUTO_TEST_SUITE_END()
