#include "gateways/child_owners.hpp"

#include <boost/test/unit_test.hpp>

namespace penstock::gateways {

BOOST_AUTO_TEST_SUITE(child_owners_of_a_loop)

BOOST_AUTO_TEST_CASE(finds_a_child_by_the_ticket_of_its_owner) {
  child_owners owners;
  owners.add(7, {"gh-rad", 1, {}});
  owners.add(8, {"ch-rad", 1, {}});
  BOOST_TEST(owners.child_of("gh-rad", 1) == 7U);
  BOOST_TEST(owners.child_of("ch-rad", 1) == 8U);
  BOOST_TEST(owners.child_of("gh-rad", 2) == 0U);
  BOOST_TEST((owners.find(9) == nullptr));
  BOOST_TEST(owners.forget(7)->owner == "gh-rad");
  BOOST_TEST(owners.child_of("gh-rad", 1) == 0U);
  BOOST_TEST(!owners.forget(7).has_value());
}

BOOST_AUTO_TEST_CASE(the_end_of_a_child_leaves_the_name_to_the_one_that_has_it_now) {
  child_owners owners;
  owners.add(7, {"gh-rad", 1, {}});
  owners.add(8, {"gh-rad", 1, {}});
  owners.forget(7);
  BOOST_TEST(owners.child_of("gh-rad", 1) == 8U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::gateways
