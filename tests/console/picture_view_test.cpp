#include "tools/console/picture_view.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::console;

namespace {

/// 4 x 4: the left half black, the right half white.
decoded_image halves() {
  decoded_image image{4, 4, false, {}};
  for (int i = 0; i < 16; ++i) image.pixels.push_back(i % 4 < 2 ? 0 : 255);
  return image;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(picture_views)

BOOST_AUTO_TEST_CASE(shows_the_whole_image_with_black_beside_it) {
  const auto cells = cells_of(halves(), {}, 8, 2);
  BOOST_TEST(cells.upper[1] == 0U);
  BOOST_TEST(cells.upper[3] == 0U);
  BOOST_TEST(cells.upper[4] == 0xffffffU);
  BOOST_TEST(cells.upper[6] == 0U);
  BOOST_TEST(cells.lower.size() == 16U);
}

BOOST_AUTO_TEST_CASE(turns_black_into_white_but_not_what_is_outside) {
  picture_view inverted;
  inverted.inverted = true;
  const auto cells = cells_of(halves(), inverted, 8, 2);
  BOOST_TEST(cells.upper[1] == 0U);
  BOOST_TEST(cells.upper[2] == 0xffffffU);
  BOOST_TEST(cells.upper[4] == 0U);
}

BOOST_AUTO_TEST_CASE(enlarges_and_moves_within_bounds) {
  picture_view view;
  view.zoom_by(2);
  view.pan_by(0.5, 0);
  BOOST_TEST(cells_of(halves(), view, 4, 2).upper[0] == 0xffffffU);
  for (int i = 0; i < 100; ++i) view.zoom_by(2), view.pan_by(1, 1);
  BOOST_TEST(view.zoom == picture_view::most_zoom);
  BOOST_TEST(view.centre_x <= 1.0);
  for (int i = 0; i < 100; ++i) view.zoom_by(0.5);
  BOOST_TEST((view == picture_view{}));
}

BOOST_AUTO_TEST_CASE(draws_nothing_without_room_or_pixels) {
  BOOST_TEST(cells_of(halves(), {}, 0, 5).upper.empty());
  BOOST_TEST(cells_of({0, 0, false, {}}, {}, 5, 5).upper.empty());
}

BOOST_AUTO_TEST_CASE(changes_windows_in_steps_and_never_below_one) {
  const auto wider = changed_window({40, 400}, 0, 1);
  BOOST_TEST(text_of(wider) == "40/425");
  BOOST_TEST(text_of(changed_window({40, 400}, 2, 0)) == "90/400");
  grey_window narrow{0, 3};
  for (int i = 0; i < 50; ++i) narrow = changed_window(narrow, 0, -1);
  BOOST_TEST(narrow.width == 1.0);
}

BOOST_AUTO_TEST_SUITE_END()
