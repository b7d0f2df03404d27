#include "tools/penstock/graphics.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::commands;

BOOST_AUTO_TEST_SUITE(terminal_graphics_suite)

BOOST_AUTO_TEST_CASE(believes_what_the_terminal_says_of_itself) {
  BOOST_TEST((graphics_in_reply("").kind == graphics_kind::blocks));
  BOOST_TEST((graphics_in_reply("\x1b[?1;2c").kind == graphics_kind::blocks));  // tmux
  BOOST_TEST((graphics_in_reply("\x1b[?62;4;22c").kind == graphics_kind::sixel));
  BOOST_TEST((graphics_in_reply("\x1b[?64;1;2;44c").kind == graphics_kind::blocks));
  BOOST_TEST((graphics_in_reply("\x1b_Gi=31;OK\x1b\\\x1b[?62c").kind == graphics_kind::kitty));
  BOOST_TEST((graphics_in_reply("\x1b_Gi=31;EINVAL\x1b\\\x1b[?62;4c").kind == graphics_kind::sixel));
  const auto cell = graphics_in_reply("\x1b[6;17;8t\x1b[?62;4c").cell;
  BOOST_TEST(cell.width == 8u);
  BOOST_TEST(cell.height == 17u);
  BOOST_TEST(graphics_in_reply("\x1b[6;0;99999999999999999999t\x1b[?4c").cell.width == 10u);
}

BOOST_AUTO_TEST_CASE(draws_sixels_band_by_band_and_colour_by_colour) {
  const decoded_image image{1, 2, false, {0, 255}};
  const auto text = draw_graphics(image, {graphics_kind::sixel, {1, 2}}, 1, 1);
  BOOST_TEST(text.starts_with("\x1bPq\"1;1;1;2#0;2;0;0;0#1;2;1;1;1"));
  BOOST_TEST(text.ends_with("#0@$#63A-\x1b\\\n"));
}

BOOST_AUTO_TEST_CASE(gives_kitty_the_pixels_in_chunks) {
  const decoded_image small{1, 1, true, {255, 0, 0}};
  BOOST_TEST(draw_graphics(small, {graphics_kind::kitty, {1, 1}}, 1, 1) ==
             "\x1b_Ga=T,f=24,q=2,s=1,v=1,m=0;/wAA\x1b\\\n");
  const decoded_image large{100, 100, false, std::vector<std::uint8_t>(10'000, 7)};
  const auto text = draw_graphics(large, {graphics_kind::kitty, {}}, 10, 5);
  BOOST_TEST(text.find(",m=1;") != std::string::npos);
  BOOST_TEST(text.find("\x1b_Gm=0;") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(keeps_to_the_room_it_is_given) {
  const decoded_image image{3000, 1000, false, std::vector<std::uint8_t>(3'000'000, 128)};
  BOOST_TEST(draw_graphics(image, {graphics_kind::sixel, {10, 20}}, 30, 30).starts_with("\x1bPq\"1;1;300;100#"));
  BOOST_TEST(draw_graphics(image, {graphics_kind::sixel, {10, 20}}, 0, 30).empty());
}

BOOST_AUTO_TEST_SUITE_END()
