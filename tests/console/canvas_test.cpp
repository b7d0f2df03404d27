#include "tools/console/canvas.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/console/golden.hpp"

using namespace penstock::console;

BOOST_AUTO_TEST_SUITE(canvases)

BOOST_AUTO_TEST_CASE(cuts_text_at_the_width_of_its_place) {
  canvas at{10, 1};
  BOOST_TEST(at.put(0, 0, 4, "abcdef") == 4);
  BOOST_TEST(at.text() == "abc…\n");
  at.clear();
  at.put(8, 0, 20, "xyz");
  BOOST_TEST(at.text() == "        x…\n");
  at.put(0, 5, 20, "outside");
  at.put(-3, 0, 2, "outside");
}

BOOST_AUTO_TEST_CASE(gives_wide_characters_two_cells_and_marks_none) {
  canvas at{6, 1};
  BOOST_TEST(at.put(0, 0, 6, "大e\u0301x") == 4);
  BOOST_TEST(at.at(0, 0).text == "大");
  BOOST_TEST(at.at(1, 0).text == "");
  BOOST_TEST(at.at(2, 0).text == "e\u0301");
  at.put(1, 0, 1, "y");
  BOOST_TEST(at.text() == " ye\u0301x\n");
}

BOOST_AUTO_TEST_CASE(never_lets_a_terminal_obey_text) {
  canvas at{60, 1};
  at.put(0, 0, 60, "a\x1b[2Jb\u202ec\r\n");
  BOOST_TEST(at.text() == "a\\x1b[2Jb\\u202ec\\x0d\\x0a\n");
  std::string zalgo = "o";
  for (int i = 0; i < 1000; ++i) zalgo += "\u0301";
  at.clear();
  BOOST_TEST(at.put(0, 0, 60, zalgo + "k") == 2);
  BOOST_TEST(at.at(0, 0).text.size() <= 15U);
}

BOOST_AUTO_TEST_CASE(sends_the_mouse_to_what_was_drawn_last) {
  canvas at{10, 3};
  std::string hit;
  at.on_mouse({0, 0, 10, 3}, [&](const mouse_event&) { hit = "below"; });
  at.on_mouse({2, 1, 3, 1}, [&](const mouse_event&) { hit = "above"; });
  BOOST_TEST(at.send_mouse({mouse_kind::press, 2, 1, false}));
  BOOST_TEST(hit == "above");
  BOOST_TEST(at.send_mouse({mouse_kind::press, 5, 1, false}));
  BOOST_TEST(hit == "below");
  at.clear();
  BOOST_TEST(!at.send_mouse({mouse_kind::press, 5, 1, false}));
}

BOOST_AUTO_TEST_CASE(draws_boxes_and_fields) {
  canvas at{20, 5};
  at.box({1, 0, 18, 5}, "Delete 3 studies");
  at.put_field(3, 2, 8, "12 MiB", {}, side::right);
  BOOST_TEST(testing::looks_like(at, "box"));
}

BOOST_AUTO_TEST_SUITE_END()
