#include "tools/penstock/study_weights.hpp"

#include <boost/test/unit_test.hpp>

using penstock::commands::study_weights;

BOOST_AUTO_TEST_SUITE(weights_of_studies)

BOOST_AUTO_TEST_CASE(goes_by_images_of_the_modality_or_by_the_usual_study) {
  study_weights known;
  BOOST_TEST(!known.of("MR", 20).has_value());
  known.add("MR", 1000, 10);
  known.add("CT", 9000, 30);
  BOOST_TEST(known.of("MR", 20).value_or(0) == 2000U);
  BOOST_TEST(known.of("CT", 0).value_or(0) == 9000U);
  BOOST_TEST(known.of("US", 4).value_or(0) == 1000U);  // like all others: 250 an image
}

BOOST_AUTO_TEST_SUITE_END()
