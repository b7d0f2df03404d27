#include "gateways/download_frames.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

using namespace penstock::gateways;
using penstock::messages::errc;
using namespace std::string_view_literals;

namespace {

auto parsed(const std::vector<std::string_view>& frames) { return parse_client_message(frames); }

}  // namespace

BOOST_AUTO_TEST_SUITE(download_frames)

BOOST_AUTO_TEST_CASE(reads_open_with_and_without_a_place_to_resume) {
  const auto whole = std::get<open_download>(parsed({"OPEN", "d-1"}).value());
  BOOST_TEST(whole.download == "d-1");
  BOOST_TEST(whole.object == 0u);
  const auto resumed = std::get<open_download>(parsed({"OPEN", "d-1", R"({"object":5,"segment":9,"more":1})"}).value());
  BOOST_TEST(resumed.object == 5u);
  BOOST_TEST(resumed.segment == 9u);
}

BOOST_AUTO_TEST_CASE(reads_credit_big_endian) {
  BOOST_TEST(std::get<grant_credit>(parsed({"CREDIT", "\x01\x02\x03\xff"sv}).value()).messages == 0x010203ffu);
}

BOOST_AUTO_TEST_CASE(refuses_everything_else) {
  const std::vector<std::vector<std::string_view>> wrong{
      {},
      {"OPEN"},
      {"open", "d-1"},
      {"CREDIT"},
      {"CREDIT", "\x01\x02\x03"sv},
      {"CREDIT", "\x01\x02\x03\x04\x05"sv},
      {"CREDIT", "\x01\x02\x03\x04"sv, ""},
      {"OPEN", "d-1", "null"},
      {"OPEN", "d-1", R"({"object":-1})"},
      {"OPEN", "d-1", R"({"object":1.5})"},
      {"OPEN", "d-1", R"({"object":4294967296})"},
      {"OPEN", "d-1", R"({"segment":"3"})"},
      {"OPEN", "d-1", R"({"segment":3)"},
  };
  for (const auto& frames : wrong) BOOST_TEST((parsed(frames).error().code == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(spells_numbers_big_endian) {
  BOOST_TEST(big_endian_32(0x01020304) == "\x01\x02\x03\x04"sv);
  BOOST_TEST(big_endian_64(0x0102030405060708) == "\x01\x02\x03\x04\x05\x06\x07\x08"sv);
}

BOOST_AUTO_TEST_CASE(spells_errors_as_the_control_socket_does) {
  BOOST_TEST(error_json(errc::not_found) == R"({"code":"not_found"})");
}

BOOST_AUTO_TEST_SUITE_END()
