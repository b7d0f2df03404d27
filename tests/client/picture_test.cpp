#include "tools/penstock/picture.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <vector>

using namespace penstock::commands;

BOOST_AUTO_TEST_SUITE(pictures)

BOOST_AUTO_TEST_CASE(chooses_colours_that_the_terminal_has) {
  BOOST_TEST((palette_of_terminal("truecolor", "xterm-256color", nullptr) == palette::direct));
  BOOST_TEST((palette_of_terminal(nullptr, "xterm-256color", "") == palette::indexed));
  BOOST_TEST((palette_of_terminal("truecolor", "xterm-256color", "1") == palette::characters));
  BOOST_TEST((palette_of_terminal(nullptr, nullptr, nullptr) == palette::characters));
}

BOOST_AUTO_TEST_CASE(puts_two_pixels_into_each_character) {
  const decoded_image image{1, 2, true, {255, 0, 0, 0, 0, 255}};
  BOOST_TEST(draw(image, 1, 1, palette::direct) == "\x1b[38;2;255;0;0;48;2;0;0;255m\u2580\x1b[0m\n");
  BOOST_TEST(draw(image, 1, 1, palette::indexed) == "\x1b[38;5;196;48;5;21m\u2580\x1b[0m\n");
}

BOOST_AUTO_TEST_CASE(draws_dark_and_bright_as_characters) {
  const decoded_image image{2, 2, false, {0, 255, 0, 255}};
  BOOST_TEST(draw(image, 2, 1, palette::characters) == " @\n");
}

BOOST_AUTO_TEST_CASE(keeps_to_the_room_it_is_given) {
  const decoded_image image{100, 400, false, std::vector<std::uint8_t>(40'000, 128)};
  const auto text = draw(image, 80, 10, palette::characters);
  BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 10);
  BOOST_TEST(text.find('\n') == 5u);
  BOOST_TEST(draw(image, 0, 10, palette::characters).empty());
}

BOOST_AUTO_TEST_SUITE_END()
