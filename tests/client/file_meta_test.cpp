#include "tools/client/file_meta.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::client;

namespace {

std::string uid_element(char number, std::string value) {
  if (value.size() % 2 != 0) value += '\0';
  return std::string{"\x02\x00", 2} + number + std::string{"\x00UI", 3} + static_cast<char>(value.size()) + '\0' +
         value;
}

std::string part10(const std::string& sop_class = "1.2.3", const std::string& data_set = "data") {
  const auto group = uid_element('\x02', sop_class) + uid_element('\x03', "1.2.3.4") + uid_element('\x10', "1.2.840");
  return std::string(128, '\0') + "DICM" + std::string{"\x02\x00\x00\x00UL\x04\x00", 8} +
         static_cast<char>(group.size()) + std::string(3, '\0') + group + data_set;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(file_metas)

BOOST_AUTO_TEST_CASE(says_what_the_data_set_is) {
  const auto file = part10();
  const auto meta = read_file_meta(file).value();
  BOOST_TEST(meta.sop_class == "1.2.3");
  BOOST_TEST(meta.sop_instance == "1.2.3.4");
  BOOST_TEST(meta.transfer_syntax == "1.2.840");
  BOOST_TEST(meta.data_set == "data");
}

BOOST_AUTO_TEST_CASE(refuses_what_is_cut_or_no_uid_and_survives_every_byte) {
  const auto good = part10();
  for (std::size_t size = 0; size < good.size() - 4; ++size)
    BOOST_TEST(!read_file_meta(good.substr(0, size)).ok(), size);
  BOOST_TEST(!read_file_meta(part10("1.2\n3")).ok());
  BOOST_TEST(!read_file_meta(part10("")).ok());
  for (std::size_t i = 132; i < good.size(); ++i)
    for (const char byte : {'\x00', '\x7f', '\xff'}) {
      auto altered = good;
      altered[i] = byte;
      static_cast<void>(read_file_meta(altered).ok());
    }
}

BOOST_AUTO_TEST_SUITE_END()
