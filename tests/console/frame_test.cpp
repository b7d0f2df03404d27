#include "tools/console/frame.hpp"

#include <boost/test/unit_test.hpp>

using namespace penstock::console;

namespace {

std::string difference(const canvas& a, const canvas& b) {
  return frame_between(a, b, theme::dark, colour_depth::direct);
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(frames)

BOOST_AUTO_TEST_CASE(writes_nothing_when_nothing_changed) {
  const canvas one{80, 24};
  BOOST_TEST(difference(one, one) == "");
}

BOOST_AUTO_TEST_CASE(writes_one_changed_cell_in_few_bytes) {
  canvas one{160, 45};
  one.put(0, 10, 160, "progress 1 of 2");
  auto two = one;
  two.put(9, 10, 1, "2");
  const auto bytes = difference(one, two);
  BOOST_TEST(bytes.size() < 100U);
  BOOST_TEST(has(bytes, "\x1b[11;10H"));
  BOOST_TEST(bytes.rfind("\x1b[?2026h", 0) == 0U);
  BOOST_TEST(has(bytes, "\x1b[?2026l"));
}

BOOST_AUTO_TEST_CASE(draws_all_for_another_size) {
  canvas next{20, 2};
  next.put(0, 1, 20, "hello");
  const auto bytes = difference(canvas{1, 1}, next);
  BOOST_TEST(has(bytes, "\x1b[2J"));
  BOOST_TEST(has(bytes, "hello"));
}

BOOST_AUTO_TEST_CASE(moves_explicitly_after_what_is_not_ascii) {
  canvas next{10, 1};
  next.put(0, 0, 10, "é大x");
  const auto bytes = difference(canvas{10, 1}, next);
  BOOST_TEST(has(bytes, "é\x1b[1;2H大\x1b[1;4Hx"));
}

BOOST_AUTO_TEST_CASE(draws_pictures_as_characters_where_there_is_no_colour) {
  canvas next{2, 1};
  next.put(0, 0, 1, "▀", {role::plain, role::plain, false, 0xffffff, 0xffffff});
  next.put(1, 0, 1, "▀", {role::plain, role::plain, false, 0x000000, 0x808080});
  for (const auto& bytes : {frame_between(canvas{2, 1}, next, theme::mono, colour_depth::direct),
                            frame_between(canvas{2, 1}, next, theme::dark, colour_depth::mono)}) {
    BOOST_TEST(has(bytes, "@:"));
    BOOST_TEST(!has(bytes, "▀"));
  }
}

BOOST_AUTO_TEST_CASE(shows_the_cursor_where_text_is_typed) {
  const canvas before{10, 2};
  auto next = before;
  next.show_cursor(3, 1);
  BOOST_TEST(has(difference(before, next), "\x1b[2;4H\x1b[?25h"));
  BOOST_TEST(has(difference(next, before), "\x1b[?25l"));
}

BOOST_AUTO_TEST_SUITE_END()
