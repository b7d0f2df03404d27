#include "tools/console/overlay.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/console/golden.hpp"

using namespace penstock::console;

BOOST_AUTO_TEST_SUITE(overlays)

BOOST_AUTO_TEST_CASE(does_nothing_unless_told_so) {
  int done = 0;
  const auto ask = [&] { return question_box{"Delete 3 studies", {"3 studies"}, "Delete 3 studies", [&] { ++done; }}; };
  auto by_enter = ask();
  by_enter.take({"Enter", ""});
  BOOST_TEST(by_enter.closed());
  BOOST_TEST(done == 0);
  auto by_tab = ask();
  by_tab.take({"Tab", ""});
  BOOST_TEST(!by_tab.closed());
  by_tab.take({"Enter", ""});
  BOOST_TEST(done == 1);
  canvas on{60, 12};
  auto by_click = ask();
  by_click.draw(on);
  BOOST_TEST(testing::looks_like(on, "question"));
  on.send_mouse({mouse_kind::press, 1, 1, false});
  BOOST_TEST(!by_click.closed());
}

BOOST_AUTO_TEST_CASE(types_and_pastes_text) {
  text_field line;
  for (const char* letter : {"a", "é", "b"}) line.take({letter, letter});
  line.take({"Left", ""});
  line.take({"Backspace", ""});
  BOOST_TEST(line.text() == "ab");
  line.paste("x\r\ny");
  BOOST_TEST(line.text() == "ax yb");
  BOOST_TEST(!line.take({"Enter", ""}));
  text_field box{true, 8};
  box.paste("1\r\n2\n3456789");
  BOOST_TEST(box.text() == "1\n2\n3456");
  canvas on{10, 2};
  box.draw(on, on.all(), {});
  BOOST_TEST(on.text() == "2\n3456\n");
  BOOST_TEST((on.cursor() == std::pair{4, 1}));
}

BOOST_AUTO_TEST_CASE(accepts_lines_only_by_ctrl_s) {
  std::string got;
  text_box box{"MRNs", "one a line", text_field{true}, [&](const std::string& text) { got = text; }, true};
  box.paste("1\n2");
  box.take({"Enter", ""});
  BOOST_TEST(!box.closed());
  box.take({"Ctrl-S", ""});
  BOOST_TEST(got == "1\n2\n");
  BOOST_TEST(box.closed());
}

BOOST_AUTO_TEST_CASE(runs_the_command_that_was_searched) {
  std::optional<action> ran;
  palette commands{"Commands", in(place::table, place::requests), [&](action what) { ran = what; }};
  for (const char* letter : {"e", "x", "p", "o"}) commands.take({letter, letter});
  canvas on{100, 20};
  commands.draw(on);
  BOOST_TEST(on.text().find("export") != std::string::npos);
  commands.take({"Enter", ""});
  BOOST_TEST((ran == action::export_rows));
  BOOST_TEST(commands.closed());
}

BOOST_AUTO_TEST_SUITE_END()
