#include "messages/ids.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(ids)

using namespace penstock::messages;

BOOST_AUTO_TEST_CASE(knows_well_formed_uids) {
  for (const auto* uid : {"1", "1.2.840.10008.1.1", "0.0"}) BOOST_TEST(is_valid_uid(uid));
  for (const auto* uid : {"", ".", "1.", ".1", "1..2", "01", "1.02", "1.a", "1.2 ", "../1"})
    BOOST_TEST(!is_valid_uid(uid));
  BOOST_TEST(is_valid_uid(std::string(64, '1')));
  BOOST_TEST(!is_valid_uid(std::string(65, '1')));
}

BOOST_AUTO_TEST_CASE(knows_names_that_are_safe_in_paths) {
  for (const auto* name : {"a", "alz-brain", "mgh.rad_2", "7t"}) BOOST_TEST(is_valid_name(name));
  for (const auto* name : {"", ".", "..", "-a", "A", "a/b", "a b", "ä"}) BOOST_TEST(!is_valid_name(name));
  BOOST_TEST(!is_valid_name(std::string(65, 'a')));
}

BOOST_AUTO_TEST_CASE(trims_only_the_padding_of_dicom) {
  BOOST_TEST(without_padding(std::string_view{"1.2\0", 4}) == "1.2");
  BOOST_TEST(without_padding(" a  ") == " a");
  BOOST_TEST(without_padding("  ").empty());
}

BOOST_AUTO_TEST_SUITE_END()
