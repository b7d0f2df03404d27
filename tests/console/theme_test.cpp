#include "tools/console/theme.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::console;

BOOST_TEST_DONT_PRINT_LOG_VALUE(penstock::console::colour_depth)

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
constexpr ink chosen_row{role::bad, role::cursor};

}  // namespace

BOOST_AUTO_TEST_SUITE(themes)

BOOST_AUTO_TEST_CASE(knows_what_the_environment_says_of_colours) {
  BOOST_TEST(depth_told_by("1", "xterm-256color", "truecolor") == colour_depth::mono);
  BOOST_TEST(depth_told_by("", "xterm-256color", "truecolor") == colour_depth::direct);
  BOOST_TEST(depth_told_by("", "tmux-256color", "") == colour_depth::indexed);
  BOOST_TEST(depth_told_by("", "linux", "") == colour_depth::sixteen);
  BOOST_TEST(depth_told_by("", "vt100", "") == colour_depth::mono);
}

BOOST_AUTO_TEST_CASE(uses_no_colour_without_one) {
  for (const auto which : {theme::dark, theme::light, theme::contrast, theme::terminal, theme::mono})
    BOOST_TEST(sequence_of(chosen_row, which, colour_depth::mono) == "\x1b[0;1;7m");
  BOOST_TEST(sequence_of(chosen_row, theme::mono, colour_depth::direct) == "\x1b[0;1;7m");
}

BOOST_AUTO_TEST_CASE(fits_colours_to_what_the_terminal_can_show) {
  BOOST_TEST(has(sequence_of(chosen_row, theme::dark, colour_depth::direct), "38;2;255;138;128"));
  BOOST_TEST(has(sequence_of(chosen_row, theme::dark, colour_depth::indexed), "38;5;210"));
  BOOST_TEST(has(sequence_of({role::bad}, theme::terminal, colour_depth::direct), ";31"));
  BOOST_TEST(indexed_colour(0x808080) == 244);
  BOOST_TEST(indexed_colour(0xff0000) == 196);
  BOOST_TEST(named_colour(0xff0000) == 9);
  BOOST_TEST(named_colour(0x000000) == 0);
}

BOOST_AUTO_TEST_CASE(goes_round_all_themes_and_knows_their_names) {
  auto which = theme::dark;
  for (int i = 0; i < 5; ++i) {
    auto parsed = theme::mono;
    BOOST_TEST(parse(name_of(which), parsed));
    BOOST_TEST((parsed == which));
    which = next_theme(which);
  }
  BOOST_TEST((which == theme::dark));
  BOOST_TEST(!parse("pink", which));
}

BOOST_AUTO_TEST_SUITE_END()
